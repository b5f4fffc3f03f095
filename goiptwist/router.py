"""
Where a text goes, and why. Pure: settings in, names of destinations out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from attrs import field, frozen

from goiptwist.errors import Unacceptable
from goiptwist.message import IncomingSms

#: The pool that is meant where a submission names none.
DEFAULT_POOL = "default"


@frozen
class Router:
    """
    @ivar bridges: the names of the bridges, in the order of the configuration.
    @ivar pool_of: line id to pool name.
    """

    bridges: tuple[str, ...]
    pool_of: Mapping[str, str]
    _every_bridge: tuple[str, ...] = field(init=False)

    @_every_bridge.default
    def _named(self) -> tuple[str, ...]:
        return tuple(f"bridge:{name}" for name in self.bridges)

    def incoming(self, sms: IncomingSms) -> tuple[str, ...]:
        """The destinations of a text that came in: every bridge."""
        return self._every_bridge

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
