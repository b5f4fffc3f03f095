"""
Guesses of line passwords. A datagram costs nothing, so a password of a line is
found in an hour where thousands a second are answered. Pure, but for the clock.
"""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from goiptwist.net.source import network_of

#: Wrong passwords of one source in L{WINDOW}: room for a device of 32 lines of which
#: each was given a wrong one, and pushes while somebody looks for it.
FAILURES = 100
#: Seconds from the first wrong one until all are forgotten.
WINDOW = 60.0
#: Sources that are kept; the one heard longest ago is forgotten first.
SOURCES = 4096


@define(eq=False, repr=False)
class PasswordGuesses:
    """Counts wrong passwords, by where they come from."""

    clock: IReactorTime
    _failures: OrderedDict[str, tuple[float, int]] = field(factory=OrderedDict, init=False)

    def are_too_many(self, host: str) -> bool:
        """Whether nothing more is answered to this source now, even if it is right."""
        since, count = self._failures.get(network_of(host), (0.0, 0))
        return count >= FAILURES and self.clock.seconds() < since + WINDOW

    def failed(self, host: str) -> None:
        """A password was wrong."""
        source, now = network_of(host), self.clock.seconds()
        since, count = self._failures.pop(source, (now, 0))
        if now >= since + WINDOW:
            since, count = now, 0
        self._failures[source] = since, count + 1
        while len(self._failures) > SOURCES:
            self._failures.popitem(last=False)
