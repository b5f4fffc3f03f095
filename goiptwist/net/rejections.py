"""
Saying what is wrong with what comes in, without being flooded by it.

Anybody can send datagrams: each complaint is counted, and logged at most once
a minute for each kind and source.
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


@define(eq=False, repr=False)
class Rejections:
    """
    @ivar counts: how often each kind of thing happened.
    """

    clock: IReactorTime
    counts: Counter[str] = field(factory=Counter, init=False)
    _said: OrderedDict[tuple[str, str], tuple[float, int]] = field(factory=OrderedDict, init=False)
    log = Logger()

    def about(self, kind: str, host: str, why: str) -> None:
        """
        @param kind: names the counter: C{malformed}, C{wrong_password}, ...
        @param host: where it came from.
        @param why: in words, without secrets.
        """
        self.counts[kind] += 1
        now = self.clock.seconds()
        said, unsaid = self._said.pop((kind, host), (float("-inf"), 0))
        if now < said + QUIET:
            self._said[kind, host] = (said, unsaid + 1)
            return
        more = f" ({unsaid} more like it in the last minute)" if unsaid else ""
        self.log.warn("From {peer}: {why}{more}", peer=host, why=why, more=more, complaint=kind)
        self._said[kind, host] = (now, 0)
        while len(self._said) > SOURCES:
            self._said.popitem(last=False)
