"""
Parting in good order with those who are connected when a port closes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Seconds that what is under way has to end when the gateway stops. A commit
#: takes milliseconds.
GRACE = 5.0


class Connection(Protocol):
    """One connection, as far as parting goes."""

    def leave(self) -> None:
        """Close: at once, or as soon as what is under way is answered."""

    def abort(self) -> None:
        """Close now, whatever is under way."""


G = TypeVar("G", bound=Connection)


@define(eq=False, repr=False)
class Connections(Generic[G]):
    """
    Everybody who is connected to one port.

    @ivar clock: where time comes from.
    """

    clock: IReactorTime
    #: As a dictionary, for its order: who came first stands first.
    _inside: dict[G, None] = field(factory=dict, init=False)
    _all_gone: Deferred[None] | None = field(default=None, init=False)
    _abort: IDelayedCall | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[G]:
        """A copy: a connection that is asked to leave may be gone at once."""
        return iter(tuple(self._inside))

    def __len__(self) -> int:
        return len(self._inside)

    def came(self, guest: G) -> None:
        """One more; or one who was there already goes to the end of the row."""
        self._inside.pop(guest, None)
        self._inside[guest] = None

    def went(self, guest: G) -> None:
        """A connection has gone."""
        self._inside.pop(guest, None)
        if self._all_gone is None or self._inside:
            return
        if self._abort is not None and self._abort.active():
            self._abort.cancel()
        gone, self._all_gone = self._all_gone, None
        gone.callback(None)

    def part(self) -> Deferred[None]:
        """
        Part with everybody: at once, or when what is under way is answered,
        but not later than after L{GRACE}.

        @return: fires when nobody is left.
        """
        for guest in self:
            guest.leave()
        if not self._inside:
            return succeed(None)
        self._all_gone = Deferred()
        self._abort = self.clock.callLater(GRACE, self._abort_all)
        return self._all_gone

    def _abort_all(self) -> None:
        for guest in self:
            guest.abort()
