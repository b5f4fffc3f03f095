"""
What has to be done now and then: forget old history, write down facts, tell of
texts that are late.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.config.common import DAY
from goiptwist.errors import StoreUnavailable
from goiptwist.store import Store

#: Seconds between two times that the facts of lines are written down. They
#: are for people, so a lost minute does no harm.
FACTS_EVERY = 60.0
#: Seconds between two rounds of forgetting.
FORGET_EVERY = 3600.0
#: Seconds between two looks for texts that are late.
DELAYS_EVERY = 60.0
#: Seconds for which a text that was given an id is known, so that a repeat of it
#: is no second SMS: mail servers try for five days (RFC 5321 section 4.5.4.1).
REPEATS = 7 * DAY
#: Seconds between two bites of one round: acknowledgements go in between.
BITE_EVERY = 0.1


@define(eq=False, repr=False)
class Housekeeping:
    """
    @ivar keep_days: days for which settled messages are kept; 0 is for ever.
    @ivar keep_facts: writes down the facts of lines.
    @ivar delay: seconds after which a text that waits is late.
    """

    clock: IReactorTime
    store: Store
    keep_days: float
    keep_facts: Callable[[], None]
    delay: float
    _rounds: list[LoopingCall] = field(factory=list, init=False)
    _forgetting: Deferred[None] | None = field(default=None, init=False)
    log = Logger()

    def start(self) -> None:
        """Begin all rounds."""
        for work, seconds in (
            (self.keep_facts, FACTS_EVERY),
            (self._forget, FORGET_EVERY),
            (self._tell_delays, DELAYS_EVERY),
        ):
            round_ = LoopingCall(work)
            round_.clock = self.clock
            self._rounds.append(round_)
            round_.start(seconds, now=False).addErrback(
                lambda failure: self.log.failure("Housekeeping broke", failure=failure)
            )

    def stop(self) -> None:
        """End all rounds; a round of forgetting ends between two bites."""
        for round_ in self._rounds:
            if round_.running:
                round_.stop()
        self._rounds.clear()
        if self._forgetting is not None:
            self._forgetting.cancel()

    def _forget(self) -> Deferred[None]:
        self._forgetting = Deferred.fromCoroutine(self.forget())
        return self._forgetting.addErrback(_stopped)

    def _tell_delays(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.tell_delays())

    async def tell_delays(self) -> None:
        """Tell of texts that are late, to those who asked for it."""
        now = self.clock.seconds()
        try:
            await self.store.notify_delays(now - self.delay, now)
        except StoreUnavailable:
            return  # the store has said why; there is a next round

    async def forget(self) -> None:
        """Forget what is too old, a bite at a time."""
        now = self.clock.seconds()
        try:
            await self.store.forget_receipts(now)
            before = now - self.keep_days * DAY
            if self.keep_days:
                await self.store.forget_values(before)
            while self.keep_days and await self.store.prune(before, min(before, now - REPEATS)):
                await deferLater(self.clock, BITE_EVERY)
        except StoreUnavailable:
            return  # the store has said why; there is a next round


def _stopped(failure: Failure) -> None:
    """The gateway stops in the middle of a round."""
    failure.trap(CancelledError)
