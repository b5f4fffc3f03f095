"""
Who a line is, where it is, and what it tells: what is believed of a keepalive
and what is answered.
"""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs

from goiptwist.goip.guesses import FAILURES, WINDOW
from tests.conftest import FailureLog
from tests.goip.conftest import MakesWires
from tests.wire import Wire, refuse_writes
from tests.world import now

LONG = (
    "num:+36301234567;signal:23;gsm_status:LOGIN;voip_status:LOGOUT;voip_state:IDLE;"
    "remain_time:-1;imei:867495020000001;imsi:001010000000001;iccid:8900101000000000001F;"
    "pro:A B;idle:5;disable_status:0;SMS_LOGIN:Y;SMB_LOGIN:;CELLINFO:LAC:7E5,CELL ID:5E5B;CGATT:Y;"
)


class TestStrangers:
    """Who is not a line gets no answer; the operator learns why, but no secret."""

    @pytest.mark.parametrize(
        ("datagram", "kind", "named"),
        [
            ("req:1;id:nobody;pass:password1;", "wrong_id", "there is no line 'nobody'"),
            (
                "req:1;id:goipid1;pass:geheim;",
                "wrong_password",
                "line goipid1 came with a wrong password",
            ),
            (
                "req:1;id:goipid1;pass:password;",
                "wrong_password",
                "line goipid1 came with a wrong password",
            ),
            ("req:1;id:goipid1;", "wrong_password", "line goipid1 came with a wrong password"),
            ("req:1;id:goipid1;pass:gehe\u00efm;", "wrong_password", "wrong password"),
        ],
    )
    def test_wrong(self, wires: MakesWires, datagram: str, kind: str, named: str) -> None:
        """Which of the three it is, is said in the log and counted, and nowhere else."""
        wire = wires()
        with capturedLogs() as logs:
            wire.says(datagram)
        assert wire.hears() == []
        assert wire.gateway.rejections.counts == {kind: 1}
        [event] = logs
        assert (event["log_level"], event["complaint"]) == (LogLevel.warn, kind)
        assert named in event["reason"]
        assert "geheim" not in str(event)
        assert wire.the_line().state == "unheard"

    def test_guesses(self, wires: MakesWires) -> None:
        """
        Thousands of guesses a second would find a password: a source that was wrong
        too often hears nothing, even if it is right, until a minute is over.
        """
        wire = wires()
        for number in range(FAILURES):
            wire.says(f"RECEIVE:{number};id:goipid1;password:x{number};srcnum:1;msg:x")
        assert len(wire.hears()) == FAILURES
        wire.says("RECEIVE:7;id:goipid1;password:x;srcnum:1;msg:x")
        wire.says("req:1;id:goipid1;pass:password1;")
        assert wire.hears() == []
        assert wire.gateway.rejections.counts["guesses"] == 2
        wire.clock.advance(WINDOW)
        wire.says("req:1;id:goipid1;pass:password1;")
        assert len(wire.hears()) == 1

    def test_guesses_lock_nobody_out(self, wire: Wire) -> None:
        """Anybody can forge the address of a device that is there: it is still heard."""
        for number in range(FAILURES + 1):
            wire.says(f"req:1;id:goipid1;pass:x{number};")
        wire.hears()
        wire.says("req:2;id:goipid1;pass:password1;")
        assert len(wire.hears()) == 1

    def test_pinned_elsewhere(self, wires: MakesWires) -> None:
        """The right password from the wrong place: it may be stolen."""
        wire = wires(line={"address": "192.0.2.0/24"})
        with capturedLogs() as logs:
            wire.says("req:1;id:goipid1;pass:password1;", at=("198.51.100.1", 10991))
        assert wire.hears() == []
        assert [e["reason"] for e in logs] == ["line goipid1 may only come from 192.0.2.0/24"]
        wire.says("req:1;id:goipid1;pass:password1;")
        assert wire.hears() == [b"reg:1;status:0;"]

    def test_a_pin_on_an_ipv4_address_over_ipv6(self, wires: MakesWires) -> None:
        """A socket for both families shows IPv4 addresses in IPv6 clothes."""
        wire = wires(line={"address": "192.0.2.0/24"})
        wire.says("req:1;id:goipid1;pass:password1;", at=("::ffff:192.0.2.7", 10991))
        assert wire.hears() == [b"reg:1;status:0;"]
        wire.says("req:1;id:goipid1;pass:password1;", at=("::ffff:198.51.100.1", 10991))
        assert wire.hears() == []

    def test_logged_once_a_minute(self, wires: MakesWires) -> None:
        """Anybody can send datagrams: the log is not theirs to fill."""
        wire = wires()
        with capturedLogs() as logs:
            for _ in range(120):
                wire.says("req:1;id:nobody;pass:x;")
                wire.waits(0.5)
            wire.says("req:1;id:nobody;pass:x;")
        assert len(logs) == 2
        assert logs[1]["more"] == " (119 more like it in the last minute)"
        assert wire.gateway.rejections.counts == {"wrong_id": 121}

    def test_each_source_by_itself(self, wires: MakesWires) -> None:
        """One noisy source does not hide another."""
        wire = wires()
        with capturedLogs() as logs:
            for host in ("192.0.2.7", "192.0.2.7", "192.0.2.8"):
                wire.says("req:1;id:nobody;pass:x;", at=(host, 1))
        assert [e["peer"] for e in logs] == ["192.0.2.7", "192.0.2.8"]

    def test_memory_for_sources_has_an_end(self, wires: MakesWires) -> None:
        """Invented source addresses fill no memory."""
        wire = wires()
        for n in range(3000):
            wire.gateway.rejections.about("malformed", f"h{n}", "x")
        assert len(wire.gateway.rejections._logged) == 2000


class TestAnswers:
    """What a keepalive is answered with."""

    @pytest.mark.parametrize("status", [0, 200])
    def test_status(self, wires: MakesWires, status: int) -> None:
        """0 is in the seed, 200 is the vendor's newer choice; devices take both."""
        wire = wires(line={"status": status})
        wire.says("req:7;id:goipid1;pass:password1;")
        assert wire.hears() == [b"reg:7;status:%d;" % status]

    def test_where_it_came_from(self, wires: MakesWires) -> None:
        """A device behind NAT is reached only there."""
        wire = wires()
        wire.says("req:7;id:goipid1;pass:password1;", at=("198.51.100.1", 1))
        assert wire.hears_where() == [(b"reg:7;status:0;", ("198.51.100.1", 1))]


class TestAddresses:
    """All traffic leaves to the address of the last accepted keepalive."""

    def test_a_line_moves(self, wire: Wire) -> None:
        """The device got another address: what follows goes there."""
        elsewhere = ("198.51.100.7", 7)
        with capturedLogs() as logs:
            wire.registers(at=elsewhere)
        assert [(e["line"], e["host"], e["port"]) for e in logs] == [("goipid1", *elsewhere)]
        wire.one()
        assert wire.hears_where() == [(b"MSG 11 5 hello\n", elsewhere)]
        assert wire.the_line().status.address == "198.51.100.7:7"

    def test_only_who_is_right_moves_it(self, wire: Wire) -> None:
        """Else anybody could have the texts of others sent to himself."""
        wire.says("req:9;id:goipid1;pass:geheim;", at=("198.51.100.7", 7))
        wire.one()
        assert wire.hears_where() == [(b"MSG 11 5 hello\n", wire.address())]

    def test_two_lines_change_places(self, wires: MakesWires) -> None:
        """After a reboot NAT deals the ports anew: every line is still heard."""
        wire = wires(lines=2)
        wire.registers(1)
        wire.registers(2)
        wire.registers(1, at=wire.address(2))
        wire.registers(2, at=wire.address(1))
        for n, session in ((1, 11), (2, 12)):
            message = wire.one(line=f"goipid{n}")
            for said in (f"PASSWORD {session}\n", f"SEND {session}\n", f"OK {session} 1\n"):
                wire.says(said, at=wire.address(3 - n))
            assert wire.state(message) == "sent"

    def test_a_place_is_taken_over(self, wires: MakesWires) -> None:
        """Whoever registered last sits there; the other is heard again when it registers."""
        wire = wires(lines=2)
        wire.registers(1)
        wire.registers(2, at=wire.address(1))
        wire.registers(1)
        message = wire.one(line="goipid1")
        wire.opens(11)
        wire.says("OK 11 1\n")
        assert wire.state(message) == "sent"


class TestFacts:
    """What a line tells about itself, for people and for the choice of lines."""

    def test_shown(self, wires: MakesWires) -> None:
        """Each of the eighteen fields has its place; what has none is kept by name."""
        wire = wires()
        wire.registers(facts=LONG)
        status = wire.the_line().status
        assert (status.number, status.gsm, status.signal) == ("+36301234567", "LOGIN", 23)
        assert (status.operator, status.cell) == ("A B", "LAC:7E5,CELL ID:5E5B")
        assert (status.imei, status.imsi) == ("867495020000001", "001010000000001")
        assert status.iccid == "8900101000000000001F"
        assert status.facts["voip_state"] == "IDLE"
        assert "pass" not in status.facts
        assert "id" not in status.facts

    def test_the_number_that_was_configured(self, wires: MakesWires) -> None:
        """The operator knows the SIM's number better than the device does."""
        wire = wires(line={"number": "+3611"})
        wire.registers(facts=LONG)
        assert wire.the_line().status.number == "+3611"

    @pytest.mark.parametrize(
        ("said", "signal"),
        [("0", 0), ("31", 31), ("99", None), ("", None), ("-5", None), ("9" * 5000, None)],
    )
    def test_signal(self, wires: MakesWires, said: str, signal: int | None) -> None:
        """0 to 31 as AT+CSQ gives it; 99 and nothing are not known."""
        wire = wires()
        wire.gateway.goip.lines.by_id["goipid1"].facts = {"signal": said}
        assert wire.the_line().status.signal == signal

    def test_remembered_over_a_restart(self, wires: MakesWires) -> None:
        """Pages show what was known, but nothing is sent on the word of yesterday."""
        wire = wires()
        wire.registers(facts=LONG)
        wire.says("CELLS:7;id:goipid1;password:password1;lists:123,456,")
        wire.gateway.goip.lines.save_facts()
        wire.crash()
        wire.start()
        now(Deferred.fromCoroutine(wire.gateway.goip.lines.restore_facts()))
        status = wire.the_line().status
        assert (status.number, status.gsm, status.presence) == ("+36301234567", "", "unheard")
        assert status.facts["lists"] == "123,456,"

    def test_only_what_changed_is_written(self, wire: Wire) -> None:
        """Ten thousand lines that say the same every 30 s write nothing."""
        wire.registers(facts=LONG)
        wire.gateway.goip.lines.save_facts()
        before = wire.store.writer.committed_items
        wire.registers(facts=LONG)
        wire.gateway.goip.lines.save_facts()
        assert wire.store.writer.committed_items == before

    def test_not_written_is_no_harm(self, wire: Wire, logged_failures: FailureLog) -> None:
        """Facts are for people; the store says why it does not take them."""
        refuse_writes(wire.store)
        wire.registers(facts=LONG)
        wire.gateway.goip.lines.save_facts()
        assert [e["log_format"] for e in logged_failures.flush()] == [
            "The store cannot commit: {reason}"
        ]

    def test_a_restart_of_the_device_is_told(self, wire: Wire) -> None:
        """The count begins at 1 again; sessions of the device are gone then."""
        with capturedLogs() as logs:
            wire.says("req:1;id:goipid1;pass:password1;")
        assert [e["line"] for e in logs if "counts anew" in e["log_format"]] == ["goipid1"]


class TestRoom:
    """Which lines a pool may use."""

    def test_logout_closes_and_login_opens(self, wire: Wire) -> None:
        """A line without its network has no room."""
        assert wire.the_line().has_room
        wire.registers(facts="gsm_status:LOGOUT;")
        assert not wire.the_line().has_room
        assert list(wire.gateway.goip.lines.pools["pool:default"].free) == []
        wire.registers(facts="gsm_status:LOGIN;")
        assert list(wire.gateway.goip.lines.pools["pool:default"].free) == ["goipid1"]

    def test_lost_closes_and_back_opens(self, wire: Wire) -> None:
        """What waits goes out when the line is back."""
        wire.waits(95)
        assert not wire.the_line().has_room
        wire.one()
        assert wire.hears() == []
        wire.registers()
        assert wire.hears() == [b"MSG 11 5 hello\n"]

    def test_a_longer_rest_counts(self, wire: Wire) -> None:
        """A short rest does not shorten a long one, and a long one lengthens a short."""
        line = wire.the_line()
        line.pause(10, "one")
        line.pause(5, "two")
        wire.waits(9)
        assert not line.has_room
        line.pause(10, "three")
        wire.waits(9)
        assert not line.has_room
        wire.waits(1)
        assert line.has_room
        assert line.status.last_error == "three"


def test_leaving(wires: MakesWires) -> None:
    """When the gateway stops, no line, rest or session ticks on."""
    wire: Any = wires(lines=3)
    for n in (1, 2, 3):
        wire.registers(n)
    wire.one(line="goipid1")
    wire.the_line(2).pause(100, "tired")
    wire.gateway.goip.lines.shut_down()
    queues = wire.gateway.dispatcher.queues.values()
    assert [queue.in_hand for queue in queues] == [1]  # the restart finds it
    assert wire.the_line(1).status.sessions == 0
