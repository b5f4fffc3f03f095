"""
The queue of one destination: a window of what waits on disk, and the attempts
under way.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from goiptwist.delivery.hand_over import HandOver
from goiptwist.delivery.ordering import OrderingGroups
from goiptwist.delivery.retry import RetryPolicy, expired, outcome_of, too_old
from goiptwist.device_interfaces import ILease, ILends
from goiptwist.errors import StoreUnavailable, TryLater
from goiptwist.interfaces import IDestination
from goiptwist.model.delivery import QueueEntry, Settlement
from goiptwist.store import Store

#: Rows of one destination held in memory; the rest stays on disk. Postfix's
#: active queue is the model: a bounded window on an unbounded queue.
WINDOW = 5000
#: Seconds for which a destination that could not be reached is left alone,
#: after the first, second, ... time; the last is repeated.
OUTAGE_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
#: Seconds between tries to write down an outcome that the disk did not take.
STORE_PATIENCE = 1.0
#: Seconds between two looks for messages that have grown too old.
SWEEP = 30.0

#: The id of a message, and the recipient of a row of it, or an empty text.
EntryKey = tuple[str, str]


@define(eq=False, repr=False)
class Queue:
    """
    One destination's part of L{goiptwist.delivery.dispatcher.Dispatcher}.

    """

    name: str
    destination: IDestination
    policy: RetryPolicy
    store: Store
    clock: IReactorTime
    outage: str = ""
    _hand_over: HandOver = field(init=False)
    _due: list[tuple[float, int, QueueEntry]] = field(factory=list, init=False)
    _known: set[EntryKey] = field(factory=set, init=False)
    _groups: OrderingGroups = field(factory=OrderingGroups, init=False)
    _early: list[QueueEntry] = field(factory=list, init=False)
    _in_hand: int = field(default=0, init=False)
    _complete: bool = field(default=True, init=False)
    _loading: bool = field(default=False, init=False)
    _finished: set[EntryKey | str] = field(factory=set, init=False)
    _outages: int = field(default=0, init=False)
    _open_until: float = field(default=0.0, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)
    _count: int = field(default=0, init=False)
    _stopped: bool = field(default=False, init=False)
    _idle: list[Deferred[None]] = field(factory=list, init=False)
    _withheld: dict[EntryKey, QueueEntry | None] = field(factory=dict, init=False)
    _wake: IDelayedCall | None = field(default=None, init=False)
    _lender: ILends | None = field(default=None, init=False)
    _unsubscribe: Callable[[], None] = field(default=lambda: None, init=False)
    _dropped: set[EntryKey] = field(factory=set, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._hand_over = HandOver(self.name, self.destination, self.store)
        if ILends.providedBy(self.destination):
            lender: Any = self.destination
            self._lender = lender
            self._unsubscribe = lender.on_available(self.wake)

    # -- what waits --

    def load(self) -> Deferred[None]:
        """Fill the window from disk. Fires when that is done."""
        self._loading = True
        asked = WINDOW + len(self._known)
        return self.store.waiting(self.name, asked).addCallbacks(
            self._loaded, self._not_loaded, callbackArgs=(asked,)
        )

    def _loaded(self, rows: list[QueueEntry], asked: int) -> None:
        self._loading = False
        self._complete = len(rows) < asked
        # What was settled while the question was under way still stands in
        # its answer: it must not go out twice.
        finished, self._finished = self._finished, set()
        # What came meanwhile stands behind what was there before it. Where the
        # window is full it stays on disk, like all that comes then.
        early, self._early = self._early, []
        for row in (*rows, *(early if self._complete else ())):
            is_finished = row.key in finished or row.message.id in finished
            if row.key not in self._known and not is_finished:
                self._push(row)
        self.pump()

    def _not_loaded(self, failure: object) -> None:
        self._loading = self._complete = False
        self._early.clear()  # they are on disk
        self.log.error(
            "Queue {destination} cannot be read: {failure}", destination=self.name, failure=failure
        )
        self._set_timer(self.clock.seconds() + STORE_PATIENCE)

    def add(self, rows: Iterable[QueueEntry]) -> None:
        """Take what has just been put on disk."""
        for row in rows:
            if self.depth >= WINDOW:
                self._complete = False
            # A full window leaves them on disk, but for one that goes before
            # others. A load may have seen one before we were told of it.
            has_room = self._complete or self._loading or row.due < row.begin
            if row.message.about and self._loading:
                self._early.append(row)
            elif has_room and row.key not in self._known:
                self._push(row)
        self.pump()

    def _push(self, row: QueueEntry) -> None:
        self._known.add(row.key)
        if not row.message.about or self._groups.admit(row):
            self._line_up(row)

    def _line_up(self, row: QueueEntry) -> None:
        self._count += 1
        heapq.heappush(self._due, (row.due, self._count, row))

    @property
    def depth(self) -> int:
        """How many messages are known to wait; there may be more on disk."""
        return len(self._due) + len(self._groups)

    @property
    def in_hand(self) -> int:
        """How many attempts are under way."""
        return self._in_hand

    # -- the loop --

    def pump(self) -> None:
        """Begin every attempt that can begin now."""
        if self._stopped:
            return
        now = self.clock.seconds()
        while (claim := self._claim(now)) is not None:
            self._begin(*claim, now)
        self._refill()
        self._set_next_timer(now)

    def wake(self) -> None:
        """Look again in the next turn, once: an attempt ended, or a line is free again."""
        if not self._due and self._complete:
            self._cancel_timer()
        elif not self._stopped and (self._wake is None or not self._wake.active()):
            self._wake = self.clock.callLater(0, self.pump)

    def _claim(self, now: float) -> tuple[QueueEntry, ILease | None] | None:
        """The next row that can begin, with its lease; one that is too old needs none."""
        if not self._due or now < self._open_until or self._in_hand >= self.policy.at_once:
            return None
        due, _, row = self._due[0]
        if due > now:
            return None
        lease = None
        if self._lender is not None and not too_old(row, self.policy, now):
            lease = self._lender.acquire(row.message)
            if lease is None:
                return None
        heapq.heappop(self._due)
        self._in_hand += 1
        return row, lease

    def _begin(self, row: QueueEntry, lease: ILease | None, now: float) -> None:
        attempt = Deferred.fromCoroutine(self._attempt(row, lease, now))
        attempt.addErrback(
            lambda failure: self.log.failure(
                "Queue {destination} broke", failure=failure, destination=self.name
            )
        )

    async def _attempt(self, row: QueueEntry, lease: ILease | None, now: float) -> None:
        if too_old(row, self.policy, now):
            await self._settle(row, expired(row, self.name, self.policy, now))
            return
        answer = await self._hand_over.ask(row, lease)
        now = self.clock.seconds()
        if isinstance(answer, TryLater) and not answer.attempted and self.policy.circuit_breaker:
            self._open_circuit(str(answer), now)
            self._back(evolve(row, due=max(row.due, now + (answer.after or 0.0))))
            return
        if self.policy.circuit_breaker:
            self._recovered()
        await self._settle(row, outcome_of(answer, row, self.name, self.policy, now))

    async def _settle(self, row: QueueEntry, settlement: Settlement) -> None:
        # The far side has spoken: its word must reach the disk, however long
        # the disk does not take it.
        while True:
            try:
                await self.store.settle(settlement)
                break
            except StoreUnavailable:
                await deferLater(self.clock, STORE_PATIENCE)
        if settlement.queue == "waiting":
            again = evolve(row, attempts=settlement.attempts, due=settlement.due)
            self._back(again)
        else:
            self._gone(row)

    def _back(self, row: QueueEntry) -> None:
        if row.key in self._dropped:
            self._gone(row)
            return
        self._in_hand -= 1
        self._line_up(row)
        self._after_attempt()

    def _gone(self, row: QueueEntry) -> None:
        self._in_hand -= 1
        self._known.discard(row.key)
        if row.key in self._dropped:
            self._dropped.discard(row.key)
            self._complete = False  # it may have been queued again meanwhile
        elif self._loading:
            self._finished.add(row.key)
        following = self._groups.release(row) if row.message.about else None
        if following is not None:
            self._line_up(following)
        self._after_attempt()

    def _after_attempt(self) -> None:
        if self._in_hand == 0:
            idle, self._idle = self._idle, []
            for waiting in idle:
                waiting.callback(None)
        self.wake()

    # -- what is withdrawn --

    def withhold(self, message_id: str) -> bool:
        """
        Do not begin this text, if that is still possible. L{drop} or
        L{give_back} must follow.

        @return: whether it is possible.
        """
        key = message_id, ""
        place = next((n for n, entry in enumerate(self._due) if entry[2].key == key), None)
        if place is not None:
            self._withheld[key] = self._due.pop(place)[2]
            heapq.heapify(self._due)
        elif key in self._known:
            return False  # it is in hand
        else:
            # A load that is under way must not bring it.
            self._known.add(key)
            self._withheld[key] = None
        return True

    def drop(self, ids: set[str]) -> None:
        """
        These wait no more on disk, for no recipient. An attempt under way may
        end, but begins nothing after it.
        """
        known = {key for key in self._known if key[0] in ids}
        here = {entry[2].key for entry in self._due} & known
        if here:
            self._due = [entry for entry in self._due if entry[2].key not in here]
            heapq.heapify(self._due)
        for key in known & self._withheld.keys():
            del self._withheld[key]
            here.add(key)
        self._dropped |= known - here
        self._known -= here
        if self._loading:
            self._finished |= ids
        self.pump()

    def give_back(self, message_id: str) -> None:
        """It could not be withdrawn."""
        key = message_id, ""
        row = self._withheld.pop(key, None)
        if row is not None:
            self._line_up(row)
        else:
            self._known.discard(key)
            self._complete = False  # it may wait on disk only
        self.pump()

    # -- the circuit breaker: a far side that is away --

    def _open_circuit(self, reason: str, now: float) -> None:
        if not self.outage:
            self.log.warn(
                "{destination} is not reached: {reason}", destination=self.name, reason=reason
            )
        self.outage = reason
        if now >= self._open_until:
            self._open_until = now + OUTAGE_PAUSES[min(self._outages, len(OUTAGE_PAUSES) - 1)]
            self._outages += 1

    def _recovered(self) -> None:
        if self.outage:
            self.log.info("{destination} is reached again", destination=self.name)
        self.outage, self._outages, self._open_until = "", 0, 0.0

    # -- time --

    def _refill(self) -> None:
        if not self._complete and not self._loading and self.depth < WINDOW // 2:
            self.load()

    def _set_next_timer(self, now: float) -> None:
        if not self._due:
            if self._complete:  # else there is a load to be tried again
                self._cancel_timer()
            return
        soonest = max(self._due[0][0], self._open_until)
        # Rows that are due and get no lease: the lender tells when it has one;
        # they may grow too old.
        self._set_timer(soonest if soonest > now else now + SWEEP)

    def _set_timer(self, when: float) -> None:
        delay = max(0.0, when - self.clock.seconds())
        if self._timer is not None and self._timer.active():
            if self._timer.getTime() <= when:
                return  # a look too early does no harm
            self._timer.reset(delay)
        elif not self._stopped:
            self._timer = self.clock.callLater(delay, self.pump)

    def _cancel_timer(self) -> None:
        for timer in (self._timer, self._wake):
            if timer is not None and timer.active():
                timer.cancel()
        self._timer = self._wake = None

    def stop(self) -> Deferred[None]:
        """Begin nothing more. Fires when nothing is in hand."""
        self._stopped = True
        self._cancel_timer()
        self._unsubscribe()
        done: Deferred[None] = Deferred()
        if self._in_hand:
            self._idle.append(done)
        else:
            done.callback(None)
        return done
