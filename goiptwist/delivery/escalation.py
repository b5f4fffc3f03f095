"""
The time of chains: when a step has had its time, the next one begins, whatever
keeps the first: a far side that is away, a pause between two tries, an attempt
that does not end.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.errors import StoreUnavailable
from goiptwist.model.messages import Message
from goiptwist.store import Queued, Store

#: Seconds between tries to write down that chains go on, when the disk does
#: not take it.
STORE_PATIENCE = 1.0


@define(eq=False, repr=False)
class Escalation:
    """
    Looks into the store whenever a step of a chain has had its time. It knows
    one time only, the next: all steps are on disk, so a restart forgets none.

    @ivar settled: called with each alarm that has come to an end by that.
    """

    store: Store
    clock: IReactorTime
    settled: Callable[[Message], None]
    _timer: IDelayedCall | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)
    log = Logger()

    def start(self) -> Deferred[None]:
        """Go on with what has had its time while nobody looked."""
        return self._look()

    def stop(self) -> None:
        """Let no chain go on any more."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def expect(self, queued: Queued) -> None:
        """This was put into a queue: it may be a step of a chain."""
        until = queued.leg.until(queued.due) if queued.leg else None
        if until is not None:
            self._wake(until)

    def _wake(self, when: float) -> None:
        if self._stopped:
            return
        delay = max(0.0, when - self.clock.seconds())
        if self._timer is None or not self._timer.active():
            self._timer = self.clock.callLater(delay, self._look)
        elif when < self._timer.getTime():
            self._timer.reset(delay)

    def _look(self) -> Deferred[None]:
        now = self.clock.seconds()
        return self.store.pass_on(now).addCallbacks(self._looked, self._not_looked)

    def _looked(self, found: tuple[float | None, list[Message]]) -> None:
        when, ended = found
        for alarm in ended:
            self.settled(alarm)
        if when is not None:
            self._wake(when)

    def _not_looked(self, failure: Failure) -> None:
        if not failure.check(StoreUnavailable):  # of the disk the store tells
            self.log.failure("Chains cannot go on", failure=failure)
        self._wake(self.clock.seconds() + STORE_PATIENCE)
