"""
How messages move: what comes in is kept and queued for its bridges, what goes
out is kept and queued for its lines, and who asked is told what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from goiptwist.acceptance import accepted
from goiptwist.chronicle import Chronicle
from goiptwist.delivery import Delivery
from goiptwist.errors import Busy, GoipTwistError, StoreUnavailable
from goiptwist.happenings import Happenings
from goiptwist.interfaces import ITakesReports
from goiptwist.message import IncomingSms, Message, State, Submission, Wish, together
from goiptwist.permits import Permits
from goiptwist.router import Router
from goiptwist.store import Arrival, Decision, Event, Order, Queued, Store, Verdict, queued
from goiptwist.waiting import carried_through

#: Wishes in the store's queue above which submissions are put off, so that
#: keepalives and incoming SMS go before them.
STORE_OVERLOAD = 2000
#: Seconds after which an overloaded gateway is worth another try.
OVERLOAD_WAIT = 2.0


@define(eq=False, repr=False)
class Traffic:
    """
    @ivar permits: who may send what.
    @ivar takers: the bridges that want to hear what became of messages, by
        the origin that they submit under.
    @ivar happenings: all of it, for those who watch.
    @ivar listeners: who is told of every message, unasked.
    """

    clock: IReactorTime
    store: Store
    router: Router
    delivery: Delivery
    permits: Permits = field(factory=lambda: Permits({}))
    takers: dict[str, ITakesReports] = field(factory=dict)
    listeners: list[Wish] = field(factory=list)
    chronicle: Chronicle = field(init=False)
    happenings: Happenings = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.chronicle = Chronicle(self.clock)
        self.happenings = Happenings(self.clock)
        self.store.on_queued = self.delivery.kept

    async def arrived(self, sms: IncomingSms) -> Message | None:
        """
        Keep an SMS that came in, and queue it for its bridges.

        @return: after the commit: the message, or C{None} for a repeat.
        @raise StoreUnavailable: it could not be kept.
        """
        destinations = self.router.incoming(sms)
        message = await self.store.keep_arrival(Arrival(sms, destinations))
        if message is not None:
            self.chronicle.tell(
                "Message {message_id} came in by {line}", message_id=message.id, line=sms.line
            )
            self.happenings.tell("message.received", message)
            self.delivery.kept(
                [Queued(destination=name, message=message, due=sms.at) for name in destinations]
            )
        return message

    async def happened(self, event: Event) -> None:
        """
        Keep what happened on a line, and queue it for the bridges that want it.

        @raise StoreUnavailable: it could not be kept.
        """
        destinations = self.router.events(event.line)
        if event.kind or destinations:
            await self.store.keep_event(evolve(event, destinations=destinations))

    def noticed(self, event: Event) -> None:
        """As L{happened}, where nobody could repeat it."""
        kept = Deferred.fromCoroutine(self.happened(event))
        kept.addErrback(lambda failure: failure.trap(StoreUnavailable))  # the store says why

    async def submit(self, submission: Submission) -> list[Message]:
        """
        Keep an outgoing text, and queue it for its line or pool. As
        L{goiptwist.interfaces.IGateway.submit}.
        """
        self._check_load()
        return await self._keep(self._order(submission))

    async def submit_all(
        self, submissions: Sequence[Submission]
    ) -> list[list[Message] | Exception]:
        """As L{goiptwist.interfaces.IGateway.submit_all}."""
        self._check_load()
        kept = [Deferred.fromCoroutine(self._checked(one)) for one in submissions]
        results = await DeferredList(kept, consumeErrors=True)
        return [one if is_fine else _reason(one) for is_fine, one in results]

    async def _checked(self, submission: Submission) -> list[Message]:
        return await self._keep(self._order(submission))

    def _check_load(self) -> None:
        if self.store.writer.depth > STORE_OVERLOAD:
            raise Busy("too much waits for the disk", after=OVERLOAD_WAIT)

    def _order(self, submission: Submission) -> Order:
        now = self.clock.seconds()
        wanted = accepted(submission, now)
        self.permits.check(wanted.origin, wanted.recipients, wanted.line)
        if self.listeners:
            wanted = evolve(wanted, tell=together((*wanted.tell, *self.listeners)))
        return Order(
            submission=wanted,
            destination=self.router.outgoing(wanted.line, wanted.pool),
            at=now,
            allowance=self.permits.allowance(wanted.origin),
        )

    async def _keep(self, order: Order) -> list[Message]:
        kept = await self.store.keep_order(order)
        if kept.fresh:
            for message in kept.messages:
                self.happenings.tell("message.queued", message)
            self.delivery.kept([queued(order, message) for message in kept.messages])
        return kept.messages

    async def withdraw(self, message_id: str, by: str) -> Message:
        """As L{goiptwist.interfaces.IOverview.withdraw}."""
        message = await carried_through(self.delivery.withdraw(message_id, by))
        self.settled(message)
        return message

    async def settle(self, message_id: str, verdict: Verdict, by: str) -> Message:
        """As L{goiptwist.interfaces.IOverview.settle}."""
        decision = Decision(message_id=message_id, verdict=verdict, by=by, at=self.clock.seconds())
        message = await self.store.decide(decision)
        assert message is not None
        self.settled(message)
        return message

    def settled(self, message: Message) -> None:
        """An outgoing message stands elsewhere now, and that is on disk."""
        ordinary = message.state in (State.SENT, State.QUEUED)
        tell = self.chronicle.tell if ordinary else self.log.warn
        tell(
            "Message {message_id} is {state}{by}{why}",
            message_id=message.id,
            state=message.state.value,
            by=f" by {message.line}" if message.line else "",
            line=message.line,
            why=f": {message.reason}" if message.reason else "",
        )
        self.happenings.tell(f"message.{message.state.value}", message)
        self._tell(message)

    def reported(self, message: Message) -> None:
        """The delivery report of a message came, and is on disk."""
        self.chronicle.tell(
            "Message {message_id} is {report} at the handset",
            message_id=message.id,
            report=message.report,
        )
        self.happenings.tell(f"message.{message.report}", message)
        self._tell(message)

    def _tell(self, message: Message) -> None:
        taker = self.takers.get(message.origin)
        if taker is None:
            return
        try:
            taker.reported(message)
        except Exception:
            self.log.failure("{origin} broke on a report", origin=message.origin)


def _reason(failure: Any) -> Exception:
    """A submission that was not kept; the disk and bugs concern all of them."""
    reason: Exception = failure.value
    if not isinstance(reason, GoipTwistError) or isinstance(reason, StoreUnavailable):
        raise reason
    return reason
