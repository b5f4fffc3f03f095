"""
Where a text goes, and why. Pure: settings in, names of destinations out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from goiptwist.errors import Unacceptable
from goiptwist.model.messages import IncomingSms
from goiptwist.telephony.numbering import recognised
from goiptwist.telephony.patterns import matches

#: The pool that is meant where a submission names none.
DEFAULT_POOL = "default"


@frozen(kw_only=True)
class RoutingRule:
    """
    Which SMS a bridge wants. What is empty asks for nothing; all that is set
    must hold.

    @ivar lines: ids of lines that it may have come in by.
    @ivar pools: names of pools that the line may belong to.
    @ivar numbers: senders, in any spelling; C{*} stands for any end, as in C{+3630*}.
    @ivar match: a regular expression to be found in the text.
    @ivar sms: false asks for no SMS at all: such a bridge has only what others
        hand over to it.
    @ivar takes_events: whether it wants to hear what happens on these lines.
    """

    lines: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    match: str = ""
    sms: bool = True
    takes_events: bool = False

    def takes(self, sms: IncomingSms, pool: str, country: str = "") -> bool:
        """
        @param pool: of the line that it came in by.
        @param country: see L{goiptwist.telephony.numbering.NumbersSettings}.
        """
        return (
            self.sms
            and self.concerns(sms.line, pool)
            and (not self.numbers or self._is_from(sms.sender, country))
            and (not self.match or re.search(self.match, sms.text) is not None)
        )

    def _is_from(self, sender: str, country: str) -> bool:
        """Networks show the same sender as 0630..., 3630... or +3630...."""
        spellings = {sender, recognised(sender, country)}
        return any(
            matches(pattern, spelling) or recognised(pattern, country) == spelling
            for pattern in self.numbers
            for spelling in spellings
        )

    def concerns(self, line: str, pool: str) -> bool:
        """Whether it is about a line at all, of that pool."""
        return (not self.lines or line in self.lines) and (not self.pools or pool in self.pools)


#: What a bridge that says nothing wants: everything.
EVERYTHING = RoutingRule()


@frozen
class Router:
    """
    @ivar bridges: the name of each bridge with what it wants, in the order of
        the configuration.
    @ivar pool_of: line id to pool name.
    @ivar country: in whose national spelling numbers may come.
    """

    bridges: Mapping[str, RoutingRule]
    pool_of: Mapping[str, str]
    country: str = ""

    def incoming(self, sms: IncomingSms) -> tuple[str, ...]:
        """The destinations of a text that came in: every bridge that wants it."""
        pool = self.pool_of.get(sms.line, "")
        return tuple(
            f"bridge:{name}"
            for name, rule in self.bridges.items()
            if rule is EVERYTHING or rule.takes(sms, pool, self.country)
        )

    def events(self, line: str) -> tuple[str, ...]:
        """The destinations of what happens on a line."""
        pool = self.pool_of.get(line, "")
        return tuple(
            f"bridge:{name}"
            for name, rule in self.bridges.items()
            if rule.takes_events and rule.concerns(line, pool)
        )

    def outgoing(self, line: str, pool: str) -> str:
        """
        The destination of a text that goes out.

        @raise Unacceptable: there is no such line or pool, or none at all.
        """
        if line and pool:
            raise Unacceptable("pool", "name a line or a pool, not both")
        if line:
            if line not in self.pool_of:
                raise Unacceptable("line", f"there is no line {line!r}{_near(line, self.pool_of)}")
            return f"line:{line}"
        pools = sorted(set(self.pool_of.values()))
        if pool:
            if pool not in pools:
                raise Unacceptable("pool", f"there is no pool {pool!r}{_near(pool, pools)}")
            return f"pool:{pool}"
        if DEFAULT_POOL in pools:
            return f"pool:{DEFAULT_POOL}"
        if len(pools) == 1:
            return f"pool:{pools[0]}"
        if not pools:
            raise Unacceptable("line", "no line is configured to send by")
        raise Unacceptable("pool", f"say by which pool: {', '.join(pools)}")


def _near(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
