"""The server's side of one simulated line, as tests speak it."""

from __future__ import annotations

import random
from typing import Any

from twisted.internet.task import Clock

from goiptwist.simulator.book import Book
from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.line import SimulatedLine
from goiptwist.simulator.settings import SimulatorSettings

#: When tests begin: a moment that a receive id of the seed was counted from.
NOW = 1_270_197_307


class Server:
    """
    One line, connected directly: no radio, no delay. Keepalives are far
    apart, unless a test asks for them.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.book = Book()
        self.device = SimulatedDevice(
            self.clock,
            random.Random(1),
            self.book,
            SimulatorSettings(**{"keepalive": 1e6, **settings}),
        )
        self.line: SimulatedLine = self.device.add_line("goipid1", "password1")
        self.heard: list[bytes] = []
        self.line.connect(self.heard.append)
        self.device.start()
        self.hears()

    def hears(self) -> list[bytes]:
        """What the line has said since the last time."""
        heard = list(self.heard)
        self.heard.clear()
        return heard

    def says(self, datagram: bytes) -> list[bytes]:
        """Say something, and listen at once."""
        self.line.datagram_received(datagram)
        return self.hears()

    def waits(self, seconds: float) -> list[bytes]:
        """Let time pass, by the second, and listen."""
        whole = int(seconds)
        self.clock.pump([1] * whole + [seconds - whole])
        return self.hears()

    def opens(self, session: int, text: str = "hello") -> None:
        """Open a session, up to where numbers are taken."""
        self.says(f"MSG {session} {len(text.encode())} {text}\n".encode())
        assert self.says(f"PASSWORD {session} password1\n".encode()) == [
            f"SEND {session}\n".encode()
        ]
