"""
How messages move: what comes in is kept and queued for its bridges, what goes
out is kept and queued for its lines, and who has subscribed is notified of what became of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from goiptwist.accounts.quotas import Permissions
from goiptwist.delivery.dispatcher import Dispatcher
from goiptwist.errors import Busy, GoipTwistError, StoreUnavailable
from goiptwist.interfaces import IMessages
from goiptwist.messaging.router import Router
from goiptwist.model.messages import IncomingSms, Message, State, Submission
from goiptwist.model.queries import Resolution
from goiptwist.model.subscriptions import Subscription, merged
from goiptwist.net.shielding import shielded
from goiptwist.operator_interfaces import IEventBus
from goiptwist.store import Arrival, Decision, NewLineEvent, NewSubmission, Store
from goiptwist.telephony.numbering import international
from goiptwist.telephony.validation import accepted

#: Jobs in the store's queue above which submissions are put off, so that
#: keepalives and incoming SMS go before them.
STORE_OVERLOAD = 2000
#: Seconds after which an overloaded gateway is worth another try.
OVERLOAD_WAIT = 2.0
#: Submissions of a batch that are checked in one go: some milliseconds, in
#: which nobody else is served.
SLICE = 100
#: Slices of a batch that wait for the disk at a time, so that it has work while
#: the next ones are checked.
SLICES_AT_ONCE = 4


@implementer(IMessages)
@define(eq=False, repr=False)
class Messaging:
    """
    @ivar permissions: who may send what.
    @ivar listeners: subscriptions to every message, unasked.
    @ivar country: as in L{goiptwist.telephony.numbering.NumbersSettings}.
    """

    clock: IReactorTime
    store: Store
    router: Router
    delivery: Dispatcher
    permissions: Permissions = field(factory=lambda: Permissions({}))
    listeners: list[Subscription] = field(factory=list)
    country: str = ""

    @property
    def events(self) -> IEventBus:
        """All that happens, for those who watch."""
        return self.store.bus.events

    async def receive(self, sms: IncomingSms, alarm_id: str = "") -> Message | None:
        """
        Keep an SMS that came in, and queue it for its bridges.

        @param alarm_id: the alarm that was read out of it; or empty.
        @return: after the commit: the message, or C{None} for a repeat.
        @raise StoreUnavailable: it could not be kept.
        """
        return await self.store.keep_arrival(Arrival(sms, self.router.incoming(sms), alarm_id))

    async def record_event(self, event: NewLineEvent) -> None:
        """
        Keep what happened on a line, and queue it for the bridges that want it.
        It is published once.

        @raise StoreUnavailable: it could not be kept.
        """
        destinations = self.router.events(event.line)
        if event.kind or destinations:
            await self.store.keep_event(evolve(event, destinations=destinations))
        else:
            self.events.publish(event.what, event)

    def record_our_event(self, event: NewLineEvent) -> None:
        """As L{record_event}, of what we found out ourselves: nobody could repeat it."""
        kept = Deferred.fromCoroutine(self.record_event(event))
        kept.addErrback(lambda failure: failure.trap(StoreUnavailable))  # the store says why

    async def submit(self, submission: Submission) -> list[Message]:
        """
        Keep an outgoing text, and queue it for its line or pool. As
        L{goiptwist.interfaces.IMessages.submit}.
        """
        self.check_load()
        return await self.store.keep_submission(self._order(submission))

    async def submit_many(
        self, submissions: Sequence[Submission]
    ) -> list[list[Message] | Exception]:
        """As L{goiptwist.interfaces.IMessages.submit_many}."""
        self.check_load()
        results: list[list[Message] | Exception] = []
        under_way: deque[Deferred[list[list[Message] | Exception]]] = deque()
        for start in range(0, len(submissions), SLICE):
            slice_ = self._keep_all(submissions[start : start + SLICE])
            under_way.append(Deferred.fromCoroutine(slice_))
            if start + SLICE < len(submissions):
                # Keepalives and SMS that come in have their turn in between.
                await deferLater(self.clock, 0)
            if len(under_way) >= SLICES_AT_ONCE:
                results += await under_way.popleft()
        for slice_done in under_way:
            results += await slice_done
        return results

    async def _keep_all(self, submissions: Sequence[Submission]) -> list[list[Message] | Exception]:
        checked = [self._order_or_error(one) for one in submissions]
        kept = iter(await self._kept([one for one in checked if isinstance(one, NewSubmission)]))
        return [next(kept) if isinstance(one, NewSubmission) else one for one in checked]

    async def _kept(self, orders: Sequence[NewSubmission]) -> Sequence[list[Message] | Exception]:
        try:
            return await self.store.keep_submissions(orders) if orders else []
        except StoreUnavailable as error:
            return [error] * len(orders)  # other slices may be on disk

    def _order_or_error(self, submission: Submission) -> NewSubmission | GoipTwistError:
        try:
            return self._order(submission)
        except GoipTwistError as wrong:
            return wrong

    def check_load(self) -> None:
        """@raise Busy: too much waits for the disk already."""
        if self.store.writer.depth > STORE_OVERLOAD:
            raise Busy("too much waits for the disk", after=OVERLOAD_WAIT)

    def _order(self, submission: Submission) -> NewSubmission:
        now = self.clock.seconds()
        checked = accepted(submission, now)
        if self.country:
            numbers = (international(number, self.country) for number in checked.recipients)
            checked = evolve(checked, recipients=tuple(dict.fromkeys(numbers)))
        self.permissions.check(checked.origin, checked.recipients, checked.line)
        if self.listeners:
            checked = evolve(
                checked, subscriptions=merged((*checked.subscriptions, *self.listeners))
            )
        return NewSubmission(
            submission=checked,
            destination=self.router.outgoing(checked.line, checked.pool),
            at=now,
            quota=self.permissions.quota(checked.origin),
        )

    async def get(self, message_id: str) -> Message | None:
        """See L{IMessages}."""
        return await self.store.message(message_id)

    async def recent(self, owner: str, states: Sequence[State], limit: int) -> list[Message]:
        """See L{IMessages}."""
        return await self.store.sent(owner, states, limit)

    async def withdraw(self, message_id: str, by: str) -> Message:
        """As L{goiptwist.interfaces.IMessages.withdraw}."""
        return await shielded(self.delivery.withdraw(message_id, by))

    async def resolve(self, message_id: str, resolution: Resolution, by: str) -> Message:
        """As L{goiptwist.operator_interfaces.IOperator.resolve}."""
        now = self.clock.seconds()
        decision = Decision(message_id=message_id, resolution=resolution, by=by, at=now)
        return await self.store.decide(decision)
