"""
How messages move: what comes in is kept and queued for its bridges, what goes
out is kept and queued for its lines, and who asked is told what became of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.accounts.quotas import Permissions
from goiptwist.delivery.dispatcher import Dispatcher
from goiptwist.errors import Busy, GoipTwistError, StoreUnavailable
from goiptwist.interfaces import IMessages, ITakesReports
from goiptwist.messaging.events import EventBus
from goiptwist.messaging.router import Router
from goiptwist.model.messages import IncomingSms, Message, State, Submission
from goiptwist.model.queries import Resolution
from goiptwist.model.subscriptions import Subscription, merged
from goiptwist.net.sampled_log import SampledLog
from goiptwist.net.shielding import shielded
from goiptwist.store import Arrival, Decision, Event, Kept, Order, Queued, Store, queued
from goiptwist.telephony.numbering import international
from goiptwist.telephony.validation import accepted

#: Wishes in the store's queue above which submissions are put off, so that
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
    @ivar permits: who may send what.
    @ivar takers: the bridges that want to hear what became of messages, by
        the origin that they submit under.
    @ivar events: all of it, for those who watch.
    @ivar listeners: who is told of every message, unasked.
    @ivar country: as in L{goiptwist.telephony.numbering.NumbersSettings}.
    """

    clock: IReactorTime
    store: Store
    router: Router
    delivery: Dispatcher
    permits: Permissions = field(factory=lambda: Permissions({}))
    takers: dict[str, ITakesReports] = field(factory=dict)
    listeners: list[Subscription] = field(factory=list)
    country: str = ""
    chronicle: SampledLog = field(init=False)
    events: EventBus = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.chronicle = SampledLog(self.clock)
        self.events = EventBus(self.clock)
        self.store.on_queued = self.delivery.kept
        self.store.on_dropped = self.delivery.dropped

    async def arrived(self, sms: IncomingSms, alarm_id: str = "") -> Message | None:
        """
        Keep an SMS that came in, and queue it for its bridges.

        @param alarm_id: the alarm that was read out of it; or empty.
        @return: after the commit: the message, or C{None} for a repeat.
        @raise StoreUnavailable: it could not be kept.
        """
        destinations = self.router.incoming(sms)
        message = await self.store.keep_arrival(Arrival(sms, destinations, alarm_id))
        if message is not None:
            self.chronicle.tell(
                "Message {message_id} came in by {line}", message_id=message.id, line=sms.line
            )
            self.events.publish("message.received", message)
            self.delivery.kept(
                [Queued(destination=name, message=message, due=sms.at) for name in destinations]
            )
        return message

    async def happened(self, event: Event) -> None:
        """
        Keep what happened on a line, and queue it for the bridges that want it.
        Those who watch are told of it once.

        @raise StoreUnavailable: it could not be kept.
        """
        destinations = self.router.events(event.line)
        fresh = True
        if event.kind or destinations:
            fresh = await self.store.keep_event(evolve(event, destinations=destinations))
        if fresh:
            self.events.publish(event.what or f"device.{event.kind}", event)

    async def submit(self, submission: Submission) -> list[Message]:
        """
        Keep an outgoing text, and queue it for its line or pool. As
        L{goiptwist.interfaces.IMessages.submit}.
        """
        self.check_load()
        return await self._keep(self._order(submission))

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
        wanted = [self._order_or_error(one) for one in submissions]
        orders = [one for one in wanted if isinstance(one, Order)]
        kept = iter(await self._kept(orders))
        results = [next(kept) if isinstance(one, Order) else one for one in wanted]
        fresh = [
            (order, one)
            for order, one in zip(wanted, results, strict=True)
            if isinstance(order, Order) and isinstance(one, Kept) and one.fresh
        ]
        self._queue(fresh)
        return [one.messages if isinstance(one, Kept) else one for one in results]

    async def _kept(self, orders: Sequence[Order]) -> Sequence[Kept | Exception]:
        try:
            return await self.store.keep_orders(orders) if orders else []
        except StoreUnavailable as trouble:
            return [trouble] * len(orders)  # other slices may be on disk

    def _order_or_error(self, submission: Submission) -> Order | GoipTwistError:
        try:
            return self._order(submission)
        except GoipTwistError as wrong:
            return wrong

    def check_load(self) -> None:
        """@raise Busy: too much waits for the disk already."""
        if self.store.writer.depth > STORE_OVERLOAD:
            raise Busy("too much waits for the disk", after=OVERLOAD_WAIT)

    def _order(self, submission: Submission) -> Order:
        now = self.clock.seconds()
        wanted = accepted(submission, now)
        if self.country:
            numbers = (international(number, self.country) for number in wanted.recipients)
            wanted = evolve(wanted, recipients=tuple(dict.fromkeys(numbers)))
        self.permits.check(wanted.origin, wanted.recipients, wanted.line)
        if self.listeners:
            wanted = evolve(wanted, tell=merged((*wanted.tell, *self.listeners)))
        return Order(
            submission=wanted,
            destination=self.router.outgoing(wanted.line, wanted.pool),
            at=now,
            allowance=self.permits.allowance(wanted.origin),
        )

    async def _keep(self, order: Order) -> list[Message]:
        kept = await self.store.keep_order(order)
        if kept.fresh:
            self._queue([(order, kept)])
        return kept.messages

    def _queue(self, fresh: Sequence[tuple[Order, Kept]]) -> None:
        for _, kept in fresh:
            for message in kept.messages:
                self.events.publish("message.queued", message)
        self.delivery.kept(
            [queued(order, message) for order, kept in fresh for message in kept.messages]
        )

    async def get(self, message_id: str) -> Message | None:
        """See L{IMessages}."""
        return await self.store.message(message_id)

    async def recent(self, owner: str, states: Sequence[State], limit: int) -> list[Message]:
        """See L{IMessages}."""
        return await self.store.sent(owner, states, limit)

    async def withdraw(self, message_id: str, by: str) -> Message:
        """As L{goiptwist.interfaces.IMessages.withdraw}."""
        message = await shielded(self.delivery.withdraw(message_id, by))
        self.settled(message)
        return message

    async def settle(self, message_id: str, verdict: Resolution, by: str) -> Message:
        """As L{goiptwist.operator_interfaces.IOperator.resolve}."""
        decision = Decision(message_id=message_id, verdict=verdict, by=by, at=self.clock.seconds())
        message = await self.store.decide(decision)
        assert message is not None
        self.settled(message)
        return message

    def settled(self, message: Message) -> None:
        """
        An outgoing message stands elsewhere now, or an alarm has come to an
        end, and that is on disk.
        """
        ordinary = message.state in (State.SENT, State.QUEUED, State.DELIVERED)
        tell = self.chronicle.tell if ordinary else self.log.warn
        tell(
            "{kind} {message_id} is {state}{by}{why}",
            kind="Alarm" if message.alarm else "Message",
            message_id=message.id,
            state=message.state.value,
            by=f" by {message.line}" if message.line else "",
            line=message.line,
            why=f": {message.reason}" if message.reason else "",
        )
        kind = "alarm" if message.alarm else "message"
        self.events.publish(f"{kind}.{message.state.value}", message)
        self._tell(message)

    def reported(self, message: Message) -> None:
        """The delivery report of a message came, and is on disk."""
        self.chronicle.tell(
            "Message {message_id} is {report} at the handset",
            message_id=message.id,
            report=message.report,
        )
        self.events.publish(f"message.{message.report}", message)
        self._tell(message)

    def _tell(self, message: Message) -> None:
        taker = self.takers.get(message.origin)
        if taker is None:
            return
        try:
            taker.reported(message)
        except Exception:
            self.log.failure("{origin} broke on a report", origin=message.origin)
