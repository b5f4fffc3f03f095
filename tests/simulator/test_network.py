"""Simulated lines joined to a server, without sockets, by good radios and bad."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import Clock

from goiptwist.goip.frames import (
    DeviceAnswer,
    ReceivedSms,
    SessionDone,
    SessionOffer,
    SessionPassword,
    SessionSend,
    from_device,
)
from goiptwist.simulator.book import Book, PushOutcome
from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.line import SimulatedLine
from goiptwist.simulator.network import Address, SimulatedNetwork
from goiptwist.simulator.radio import Conditions
from goiptwist.simulator.settings import REAL_PACE, SimulatorSettings

#: The worst that promises are made for, each way.
BAD = Conditions(loss=0.3, repetition=0.3, reordering=0.3, delay=0.02)


class Acknowledging(DatagramProtocol):
    """A server that acknowledges each SMS, and remembers the texts."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.addresses: list[tuple[str, int]] = []

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        frame = from_device(datagram)
        self.addresses.append(addr)
        if isinstance(frame, ReceivedSms):
            self.texts.add(frame.text)
            self.transport.write(b"RECEIVE %d OK\n" % frame.number, addr)


class TestNetwork:
    def setup_method(self) -> None:
        self.clock = Clock()
        self.rng = random.Random(3)
        self.device = SimulatedDevice(
            self.clock, self.rng, settings=SimulatorSettings(insists=True)
        )
        self.server = Acknowledging()

    def network(self, conditions: Conditions) -> SimulatedNetwork:
        network = SimulatedNetwork(self.clock, self.rng, to_server=conditions, to_device=conditions)
        network.serve(self.server)
        for number in range(4):
            network.join(self.device.add_line(f"sim{number}", "pw"))
        self.device.start()
        return network

    def test_bad_radio(self) -> None:
        """30 % loss, repetition and reordering each way, and all is settled."""
        network = self.network(BAD)
        for number in range(100):
            for line in self.device:
                line.receive_sms("+1", f"{line.name} {number}")
            self.clock.advance(1)
        while self.device.unsettled:
            self.clock.advance(1)
        acknowledged = self.device.book.texts(PushOutcome.ACKNOWLEDGED)
        assert len(acknowledged) == 400
        assert set(acknowledged) == self.server.texts
        assert min(network.to_server_radio.lost, network.to_device_radio.lost) > 100

    def test_each_line_has_its_address(self) -> None:
        """One host, a port for each line."""
        network = self.network(Conditions())
        self.clock.advance(0)
        assert self.server.addresses == [("192.0.2.1", 10991 + n) for n in range(4)]
        line = self.device.lines["sim2"]
        assert network.addresses[line] == ("192.0.2.1", 10993)
        assert [datagram[:9] for datagram in network.sent_by(line)] == [b"req:1;id:"]

    def test_move(self) -> None:
        """At its new address the line is heard; at the old one nobody is."""
        network = self.network(Conditions())
        line = self.device.lines["sim0"]
        old = network.addresses[line]
        new = network.join(line)
        assert new not in (old, *(("192.0.2.1", 10991 + n) for n in range(4)))
        self.server.transport.write(b"DONE 5\n", old)
        self.clock.advance(0)
        assert network.sent_by(line) == []
        self.server.transport.write(b"DONE 5\n", new)
        self.clock.advance(0)
        assert network.sent_by(line) == [b"DONE 5\n"]
        assert network.sent_to(line) == [b"DONE 5\n"]

    def test_server_down(self) -> None:
        """What is sent meanwhile is lost, and the lines go on."""
        network = self.network(Conditions())
        self.clock.advance(1)
        network.transport.stopListening()
        self.clock.advance(30)
        assert len(self.server.addresses) == 4
        network.server = self.server
        self.clock.advance(30)
        assert len(self.server.addresses) == 8


class SendLoop:
    """
    A server that sends SMS by one line, one after the other, in the plainest
    way that is right: it says each thing again until it is answered.
    """

    def __init__(
        self, clock: Clock, network: SimulatedNetwork, line: SimulatedLine, texts: int
    ) -> None:
        self._clock, self._network, self._line = clock, network, line
        self._steps = self._all(texts)
        self._timer: IDelayedCall | None = None
        self.done = False
        self._next()

    def _all(self, texts: int) -> Iterator[tuple[Any, tuple[str, ...]]]:
        for number in range(texts):
            yield SessionOffer(number, f"{self._line.name} {number}"), ("PASSWORD", "SEND")
            yield SessionPassword(number, "pw"), ("SEND",)
            yield SessionSend(number, 1, "+1"), ("OK",)
            yield SessionDone(number), ("DONE",)

    def _next(self) -> None:
        step = next(self._steps, None)
        if step is None:
            self.done = True
        else:
            self._frame, self._expected = step
            self._say()

    def _say(self) -> None:
        self._network.transport.write(self._frame.format(), self._network.addresses[self._line])
        self._timer = self._clock.callLater(5, self._say)

    def answered(self, answer: DeviceAnswer) -> None:
        if (answer.session, answer.verb) in [(self._frame.session, e) for e in self._expected]:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._next()


class DrivenSend:
    """Four such senders behind one port."""

    def __init__(self) -> None:
        self.senders: dict[Address, SendLoop] = {}

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        frame = from_device(datagram)
        if isinstance(frame, DeviceAnswer) and addr in self.senders:
            self.senders[addr].answered(frame)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "settings",
    [
        SimulatorSettings(),
        SimulatorSettings(pace=REAL_PACE),
        SimulatorSettings(pace=REAL_PACE, unsolicited=False),
    ],
    ids=["at once", "real", "on demand"],
)
def test_each_text_once(settings: SimulatorSettings, seed: int) -> None:
    """
    By a device that remembers telids, a server that repeats itself sends each
    text once and only once, however bad the radio is.
    """
    clock, rng, server = Clock(), random.Random(seed), DrivenSend()
    device = SimulatedDevice(clock, rng, Book(), settings)
    network = SimulatedNetwork(clock, rng, to_server=BAD, to_device=BAD)
    network.serve(server)
    for number in range(4):
        line = device.add_line(f"sim{number}", "pw")
        address = network.join(line)
        server.senders[address] = SendLoop(clock, network, line, 10)
    device.start()
    while not all(sender.done for sender in server.senders.values()):
        clock.advance(0.5)
        assert clock.seconds() < 3600
    assert sorted(sent.text for sent in device.book.sent) == sorted(
        f"{line.name} {number}" for line in device for number in range(10)
    )
