"""The radio, and lines joined to a server through it."""

from __future__ import annotations

import io
import json
import random

from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import Clock

from goiptwist.goip.frames import ReceivedSms, from_device
from goiptwist.simulator.book import Book, Outcome
from goiptwist.simulator.device import Device
from goiptwist.simulator.network import Network
from goiptwist.simulator.radio import Conditions, Radio
from goiptwist.simulator.settings import Settings

DATAGRAMS = 4_000


def through(conditions: Conditions, seed: int = 1, apart: float = 0.1) -> list[tuple[float, int]]:
    """When which of many datagrams arrive, sent at regular moments."""
    clock = Clock()
    radio = Radio(clock, random.Random(seed), conditions)
    arrived: list[tuple[float, int]] = []
    for number in range(DATAGRAMS):
        radio.carry(lambda number: arrived.append((clock.seconds(), number)), number)
        clock.advance(apart)
    clock.advance(100)
    return arrived


class TestRadio:
    def test_clear(self) -> None:
        """Everything arrives, once, in order."""
        assert [number for _, number in through(Conditions())] == list(range(DATAGRAMS))

    def test_never_within_the_call(self) -> None:
        """Real networks do not answer before sendto has returned."""
        clock = Clock()
        arrived: list[int] = []
        Radio(clock, random.Random(1)).carry(arrived.append, 1)
        assert arrived == []
        clock.advance(0)
        assert arrived == [1]

    def test_loss(self) -> None:
        """About the share that was asked for, and what is left is in order."""
        numbers = [number for _, number in through(Conditions(loss=0.3))]
        assert abs(len(numbers) / DATAGRAMS - 0.7) < 0.03
        assert numbers == sorted(numbers)

    def test_repetition(self) -> None:
        """About the share that was asked for comes twice, none three times."""
        numbers = [number for _, number in through(Conditions(repetition=0.3))]
        assert abs(len(numbers) / DATAGRAMS - 1.3) < 0.03
        assert set(numbers) == set(range(DATAGRAMS))
        assert max(numbers.count(number) for number in range(0, DATAGRAMS, 100)) <= 2

    def test_reordering(self) -> None:
        """Late ones are overtaken; none is lost."""
        numbers = [number for _, number in through(Conditions(reordering=0.3))]
        assert sorted(numbers) == list(range(DATAGRAMS))
        assert numbers != sorted(numbers)

    def test_delay(self) -> None:
        """The same for each, so that the order stays."""
        arrived = through(Conditions(delay=0.25), apart=0.05)
        assert [number for _, number in arrived] == list(range(DATAGRAMS))
        assert all(0.24 < at - number * 0.05 < 0.31 for at, number in arrived[:100])

    def test_everything_lost(self) -> None:
        """A cut cable."""
        assert through(Conditions(loss=1.0)) == []

    def test_the_same_again(self) -> None:
        """One seed, one course of events."""
        bad = Conditions(0.3, 0.3, 0.3, 0.05)
        assert through(bad, seed=7) == through(bad, seed=7)
        assert through(bad, seed=7) != through(bad, seed=8)

    def test_counts(self) -> None:
        """A test can see that the radio was as bad as it should be."""
        clock = Clock()
        radio = Radio(clock, random.Random(1), Conditions(0.3, 0.3, 0.3))
        for _ in range(1000):
            radio.carry(len, b"")
        assert radio.carried == 1000
        assert min(radio.lost, radio.repeated, radio.reordered) > 150
        assert len(clock.getDelayedCalls()) == 1000 - radio.lost + radio.repeated


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
        self.device = Device(self.clock, self.rng, settings=Settings(insists=True))
        self.server = Acknowledging()

    def network(self, conditions: Conditions) -> Network:
        network = Network(self.clock, self.rng, to_server=conditions, to_device=conditions)
        network.serve(self.server)
        for number in range(4):
            network.join(self.device.add_line(f"sim{number}", "pw"))
        self.device.start()
        return network

    def test_bad_radio(self) -> None:
        """30 % loss, repetition and reordering each way, and all is settled."""
        network = self.network(Conditions(loss=0.3, repetition=0.3, reordering=0.3))
        for number in range(100):
            for line in self.device:
                line.receive_sms("+1", f"{line.name} {number}")
            self.clock.advance(1)
        while self.device.unsettled:
            self.clock.advance(1)
        acknowledged = self.device.book.texts(Outcome.ACKNOWLEDGED)
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
        assert [datagram[:9] for datagram in network.said(line)] == [b"req:1;id:"]

    def test_move(self) -> None:
        """At its new address the line is heard; at the old one nobody is."""
        network = self.network(Conditions())
        line = self.device.lines["sim0"]
        old = network.addresses[line]
        new = network.join(line)
        assert new not in (old, *(("192.0.2.1", 10991 + n) for n in range(4)))
        self.server.transport.write(b"DONE 5\n", old)
        self.clock.advance(0)
        assert network.said(line) == []
        self.server.transport.write(b"DONE 5\n", new)
        self.clock.advance(0)
        assert network.said(line) == [b"DONE 5\n"]
        assert network.told(line) == [b"DONE 5\n"]

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


class TestBook:
    def test_file(self) -> None:
        """Each entry is one line of JSON, there as soon as it happened."""
        file = io.StringIO()
        clock = Clock()
        book = Book(file, keeps=False)
        line = Device(clock, random.Random(1), book).add_line("sim1", "pw")
        line.start()
        for order in (b"MSG 5 5 gr\xc3\xbcn\n", b"PASSWORD 5 pw\n", b"SEND 5 1 +49\n"):
            line.datagram_received(order)
        line.receive_sms("Bank", "one\ntwo")
        line.datagram_received(b"RECEIVE 0 OK\n")
        assert [json.loads(row) for row in file.getvalue().splitlines()] == [
            {
                "kind": "sent",
                "line": "sim1",
                "recipient": "+49",
                "text": "grün",
                "session": 5,
                "telid": 1,
                "sms_no": 0,
                "at": 0.0,
            },
            {
                "kind": "handed in",
                "line": "sim1",
                "number": 0,
                "sender": "Bank",
                "text": "one\ntwo",
                "outcome": "acknowledged",
                "at": 0.0,
            },
        ]
        assert (book.sent, book.handed_in) == ([], [])
        assert (book.count("sent"), book.count("handed in")) == (1, 1)
