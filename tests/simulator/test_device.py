"""Keepalives, the power switch, and many lines in one device."""

from __future__ import annotations

import random

import pytest
from twisted.internet.task import Clock

from goiptwist.goip.frames import Keepalive, from_device
from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.settings import Generation, SimulatorSettings
from tests.simulator.server import NOW, Server

SEED = b"num:;signal:23;gsm_status:LOGIN;voip_status:LOGOUT;"
IDENTITY = b"imei:867495020000001;imsi:001010000000001;iccid:8900101000000000001F;"
KEEPALIVES = {
    Generation.OLDEST: b"num:;signal:23;",
    Generation.SEED: SEED,
    Generation.MIDDLE: SEED + IDENTITY,
    Generation.LONG: SEED
    + b"voip_state:IDLE;remain_time:-1;"
    + IDENTITY
    + b"pro:SIMULATED;idle:0;disable_status:0;SMS_LOGIN:N;SMB_LOGIN:;"
    b"CELLINFO:LAC:7E5,CELL ID:5E5B;CGATT:Y;",
}


class TestKeepalives:
    @pytest.mark.parametrize(("generation", "fields"), KEEPALIVES.items())
    def test_generations(self, generation: Generation, fields: bytes) -> None:
        """Each generation has the fields of its time, in their order."""
        server = Server(keepalive=30, generation=generation)
        assert server.waits(30) == [b"req:2;id:goipid1;pass:password1;" + fields]

    def test_every_30_seconds(self) -> None:
        """The count begins at 1 and grows by 1."""
        server = Server(keepalive=30)
        heard = [from_device(datagram) for datagram in server.waits(90)]
        assert [frame.count for frame in heard if isinstance(frame, Keepalive)] == [2, 3, 4]

    def test_logged_out(self) -> None:
        """No signal, no operator, no cell."""
        server = Server(keepalive=30)
        server.line.sim.logged_in = False
        [keepalive] = server.waits(30)
        for fact in (b"signal:;", b"gsm_status:LOGOUT;", b"pro:;", b"CELLINFO:;", b"CGATT:N;"):
            assert fact in keepalive

    def test_answered(self) -> None:
        """Once it is answered the line believes in the server, whatever the status."""
        server = Server(keepalive=30)
        server.says(b"reg:1;status:404;")
        assert server.line.status == 404
        assert b"SMS_LOGIN:Y;" in server.waits(30)[0]

    def test_restarted_counters(self) -> None:
        """Without a reboot: the session stays."""
        server = Server(keepalive=30)
        server.opens(1)
        server.waits(30)
        server.line.restart_counters()
        assert server.waits(30)[0].startswith(b"req:1;")
        assert server.says(b"MSG 1 5 hello\n") == [b"SEND 1\n"]


class TestPower:
    def test_reboot(self) -> None:
        """It comes up at once with count 1 and without sessions."""
        server = Server(keepalive=30)
        server.opens(1)
        server.waits(60)
        server.line.reboot()
        assert [datagram[:6] for datagram in server.hears()] == [b"req:1;"]
        assert server.line.open_sessions == 0

    def test_reboot_takes_time(self) -> None:
        """Meanwhile it neither hears nor speaks."""
        server = Server(keepalive=30)
        server.device.reboot(takes=45)
        assert server.says(b"MSG 1 2 hi\n") == []
        assert server.waits(44) == []
        assert [datagram[:6] for datagram in server.waits(1)] == [b"req:1;"]

    def test_second_reboot_while_booting(self) -> None:
        """It comes up once, and keeps alive once."""
        server = Server(keepalive=30)
        server.line.reboot(takes=10)
        server.line.reboot(takes=20)
        assert len(server.waits(50)) == 2

    def test_silent_and_back(self) -> None:
        """A cut cable: it goes on living, unheard, and hears nothing."""
        server = Server(keepalive=30)
        server.line.silent = True
        server.line.receive_sms("+1", "x")
        assert server.waits(60) == []
        assert server.says(b"MSG 1 2 hi\n") == []
        server.line.silent = False
        assert [datagram[:6] for datagram in server.waits(30)] == [b"req:4;"]

    def test_no_secret_in_the_repr(self) -> None:
        """A line may show up in a log."""
        assert "password1" not in repr(Server().line)


class TestManyLines:
    def test_first_keepalives_are_spread(self) -> None:
        """A thousand lines do not speak in one moment."""
        clock = Clock()
        device = SimulatedDevice(clock, random.Random(1), settings=SimulatorSettings(stagger=0.03))
        heard: list[bytes] = []
        for number in range(1_000):
            device.add_line(f"sim{number}", "pw").connect(heard.append)
        device.start()
        counts = []
        for _ in range(30):
            before = len(heard)
            clock.advance(1)
            counts.append(len(heard) - before)
        assert sum(counts) in (1000, 1001)  # the first one's second may be among them
        assert max(counts) <= 35
        clock.pump([1] * 30)
        assert len(heard) in (2000, 2001)

    def test_lines_are_apart(self) -> None:
        """Sessions, counters and identities belong to the line."""
        server = Server()
        other = server.device.add_line("other", "else")
        answers: list[bytes] = []
        other.connect(answers.append)
        other.start()
        server.opens(1)
        other.datagram_received(b"PASSWORD 1 else\n")
        assert answers[1:] == [b"ERROR 1 SENDID\n"]
        assert other.sim.imsi != server.line.sim.imsi
        assert (server.line.receive_sms("+1", "x"), other.receive_sms("+1", "x")) == (NOW, NOW)

    def test_two_of_one_name(self) -> None:
        """A mistake of the test's author, not a line."""
        with pytest.raises(ValueError, match="two lines"):
            Server().device.add_line("goipid1", "x")

    def test_settings_of_its_own(self) -> None:
        """Lines of one device may be of different ages."""
        server = Server()
        old = server.device.add_line("old", "pw", settings=SimulatorSettings(numbered=False))
        assert (old.settings.numbered, server.line.settings.numbered) == (False, True)
