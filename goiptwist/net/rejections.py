"""
Saying what is wrong with what comes in, without being flooded by it.

Anybody can send datagrams: each complaint is counted, and logged at most once
a minute for each kind and source, and all of them together fill no disk.
"""

from __future__ import annotations

from collections import Counter, OrderedDict

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

#: Seconds between two log lines about the same thing from the same source.
QUIET = 60.0
#: Sources remembered; the one heard longest ago is forgotten first.
SOURCES = 2000
#: Log lines in L{QUIET} seconds, of all kinds and sources together: addresses of
#: datagrams are easily forged, each time another one.
LINES = 100


@define(eq=False, repr=False)
class Rejections:
    """
    @ivar counts: how often each kind of thing happened.
    """

    clock: IReactorTime
    counts: Counter[str] = field(factory=Counter, init=False)
    _logged: OrderedDict[tuple[str, str], tuple[float, int]] = field(
        factory=OrderedDict, init=False
    )
    _since: float = field(default=float("-inf"), init=False)
    _lines: int = field(default=0, init=False)
    log = Logger()

    def about(self, kind: str, host: str, reason: str) -> None:
        """
        @param kind: names the counter: C{malformed}, C{wrong_password}, ...
        @param host: where it came from.
        @param reason: in words, without secrets.
        """
        self.counts[kind] += 1
        now = self.clock.seconds()
        logged, unlogged = self._logged.pop((kind, host), (float("-inf"), 0))
        if now < logged + QUIET:
            self._logged[kind, host] = (logged, unlogged + 1)
            return
        self._logged[kind, host] = (now, 0)
        if self._has_room(now):
            more = f" ({unlogged} more like it in the last minute)" if unlogged else ""
            self.log.warn(
                "From {peer}: {reason}{more}", peer=host, reason=reason, more=more, complaint=kind
            )
        while len(self._logged) > SOURCES:
            self._logged.popitem(last=False)

    def _has_room(self, now: float) -> bool:
        """Whether one more line may be written. What was left out is said once."""
        if now >= self._since + QUIET:
            left_out = self._lines - LINES
            if left_out > 0:
                self.log.warn(
                    "... and {count} more complaints from others in that minute", count=left_out
                )
            self._since, self._lines = now, 0
        self._lines += 1
        return self._lines <= LINES
