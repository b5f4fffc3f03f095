"""
The time of chains: when a step has had its time, the next one begins, whatever
keeps the first: a far side that is away, a pause between two tries, an attempt
that does not end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.errors import StoreUnavailable
from goiptwist.model.commit import Commit
from goiptwist.store import Store

#: Seconds between tries to write down that chains go on, when the disk does
#: not take it.
STORE_PATIENCE = 1.0


@define(eq=False, repr=False)
class Escalation:
    """
    Looks into the store whenever a step of a chain has had its time. It knows
    one time only, the next: all steps are on disk, so a restart forgets none.
    """

    store: Store
    clock: IReactorTime
    _timer: IDelayedCall | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.store.bus.subscribe_commits(self._committed)

    def start(self) -> Deferred[None]:
        """Go on with what has had its time while nobody looked."""
        return self._look()

    def stop(self) -> None:
        """Let no chain go on any more."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _committed(self, commits: Sequence[Commit[Any]]) -> None:
        """What was put into queues may be steps of chains."""
        for commit in commits:
            for entry in commit.enqueued:
                until = entry.step.until(entry.due) if entry.step else None
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
        return self.store.escalate(now).addCallbacks(self._looked, self._not_looked)

    def _looked(self, when: float | None) -> None:
        if when is not None:
            self._wake(when)

    def _not_looked(self, failure: Failure) -> None:
        if not failure.check(StoreUnavailable):  # of the disk the store tells
            self.log.failure("Chains cannot go on", failure=failure)
        self._wake(self.clock.seconds() + STORE_PATIENCE)
