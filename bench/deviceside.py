"""
The simulated device of a benchmark: any number of lines, each on a UDP port of
its own, as real ones are.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections import defaultdict
from typing import Any

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import LoopingCall

from bench.datagrams import name_of, password_of
from bench.figures import latencies
from bench.orders import obey
from goiptwist.simulator.book import Book, SettledSms, TransmittedSms
from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.line import SimulatedLine
from goiptwist.simulator.settings import REAL_PACE, SimulatorSettings

#: Seconds between two looks at how many SMS are due.
TICK = 0.01

#: Questions of a device that the gateway answers: how they begin, and how the
#: answer begins.
_KEEPALIVE = (b"req:", b"reg:")
_RECEIVE = (b"RECEIVE:", b"RECEIVE ")


@define
class Answered:
    """How long the gateway took to answer, as the lines saw it."""

    asked: int = 0
    took: list[float] = field(factory=list)

    def told(self) -> dict[str, float]:
        """As the benchmark wants it."""
        return {"asked": self.asked, "answered": len(self.took), **latencies(self.took)}


class LinePort(DatagramProtocol):
    """The port of one line; it notes how long answers take."""

    noisy = False

    def __init__(self, line: SimulatedLine, answered: dict[bytes, Answered]) -> None:
        self.line = line
        self.answered = answered
        self._asked_at: dict[bytes, float] = {}

    def send(self, datagram: bytes) -> None:
        """Send to the gateway."""
        for question, answer in (_KEEPALIVE, _RECEIVE):
            if datagram.startswith(question) and answer not in self._asked_at:
                self._asked_at[answer] = time.perf_counter()
                self.answered[question].asked += 1
        self.transport.write(datagram)

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        for question, answer in (_KEEPALIVE, _RECEIVE):
            if datagram.startswith(answer) and answer in self._asked_at:
                took = time.perf_counter() - self._asked_at.pop(answer)
                self.answered[question].took.append(took)
        self.line.datagram_received(datagram)


@define(eq=False)
class Side:
    """The orders of the benchmark."""

    device: SimulatedDevice
    answered: dict[bytes, Answered] = field(factory=lambda: defaultdict(Answered))
    _receiving: LoopingCall | None = None
    _received: int = 0

    def connect(self, port: int) -> None:
        """Give each line a port."""
        core: Any = reactor
        for line in self.device:
            protocol = LinePort(line, self.answered)
            line.connect(protocol.send)
            core.listenUDP(0, protocol, interface="127.0.0.1", maxPacketSize=4097)
            protocol.transport.connect("127.0.0.1", port)

    def receive(self, rate: float) -> None:
        """Let SMS come in from the mobile network, at random lines; 0 ends it."""
        if self._receiving is not None:
            self._receiving.stop()
            self._receiving = None
        if rate:
            began, self._received = time.monotonic(), 0
            lines = list(self.device)
            self._receiving = LoopingCall(self._tick, lines, began, rate)
            self._receiving.start(TICK)

    def _tick(self, lines: list[SimulatedLine], began: float, rate: float) -> None:
        while self._received < (time.monotonic() - began) * rate:
            self._received += 1
            line = random.choice(lines)
            line.receive_sms(
                f"+3620{self._received % 10_000_000:07}", f"SMS {self._received} comes in"
            )

    def forget(self) -> None:
        """Measure from now on."""
        self.answered.clear()

    def standing(self) -> dict[str, Any]:
        """@return: what has been measured, and what the mobile network got."""
        book = self.device.book
        return {
            "keepalive": self.answered[_KEEPALIVE[0]].told(),
            "receive": self.answered[_RECEIVE[0]].told(),
            "sent": book.count(TransmittedSms.kind),
            "handed_in": book.count(SettledSms.kind),
            "unsettled": self.device.unsettled,
        }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.deviceside")
    parser.add_argument("port", type=int, help="of the gateway on this machine")
    parser.add_argument("--lines", type=int, default=1)
    parser.add_argument("--keepalive", type=float, default=30.0, help="seconds between two")
    parser.add_argument("--at-once", action="store_true", help="an SMS takes no time to send")
    parser.add_argument("--ramp", type=float, help="seconds over which the lines switch on")
    return parser.parse_args()


def main() -> None:
    """Run the device until the orders end."""
    core: Any = reactor
    given = _arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    behaviour = SimulatorSettings(
        pace=None if given.at_once else REAL_PACE,
        keepalive=given.keepalive,
        stagger=(given.ramp or given.keepalive) / given.lines,
    )
    device = SimulatedDevice(core, random.Random(1), Book(keeps=False), behaviour)
    for number in range(given.lines):
        device.add_line(name_of(number), password_of(number))
    side = Side(device)
    core.callWhenRunning(side.connect, given.port)
    core.callWhenRunning(device.start)
    obey({"receive": side.receive, "forget": side.forget, "standing": side.standing}, {})
    core.run()


if __name__ == "__main__":
    main()
