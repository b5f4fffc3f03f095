"""What the generator says, made as cheaply as it goes."""

from __future__ import annotations

from goiptwist.goip.frames import Keepalive, ReceivedSms
from goiptwist.simulator.keepalives import SimCard, facts
from goiptwist.simulator.settings import Generation

#: Lines that the generator speaks for.
LINES = 100


def name_of(line: int) -> str:
    """The id of a line, counted from 0."""
    return f"bench{line:05}"


def password_of(line: int) -> str:
    """The password of a line, counted from 0."""
    return f"pw{line:08}"


def _blank(datagram: bytes) -> bytes:
    """A template out of a datagram: @ stands for a number, % for itself."""
    return datagram.replace(b"%", b"%%").replace(b"@", b"%d")


class Keepalives:
    """
    Keepalives with all 18 fields. Of each line in turn; C{signal} is another
    one each time, so that there is something to update.
    """

    def __init__(self) -> None:
        self._templates = []
        for line in range(LINES):
            sim = SimCard(line, f"+3630{line:07}")
            told = facts(Generation.LONG, sim, True) | {"signal": "@"}
            frame = Keepalive(0, name_of(line), password_of(line), told)
            whole = frame.format().replace(b"req:0;", b"req:@;")
            self._templates.append(_blank(whole))

    def __call__(self, number: int) -> bytes:
        return self._templates[number % LINES] % (number, number // LINES % 32)


class Received:
    """SMS of about a hundred characters, of each line in turn; no two are equal."""

    def __init__(self) -> None:
        text = "Alarm @: pump 3; level 87 %: call back, and say \u201ereceived\u201d. Thank you."
        self._templates = []
        for line in range(LINES):
            frame = ReceivedSms(0, name_of(line), password_of(line), "+3620@", text)
            whole = frame.format().replace(b"RECEIVE:0;", b"RECEIVE:@;")
            self._templates.append(_blank(whole))

    def __call__(self, number: int) -> bytes:
        return self._templates[number % LINES] % (number, number % 10_000_000, number)
