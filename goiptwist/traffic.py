"""
How messages move: what comes in is kept and queued for its bridges, what goes
out is kept and queued for its lines, and who asked is told what became of it.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from goiptwist.acceptance import accepted
from goiptwist.chronicle import Chronicle
from goiptwist.delivery import Delivery
from goiptwist.errors import Busy
from goiptwist.interfaces import ITakesReports
from goiptwist.message import IncomingSms, Message, State, Submission
from goiptwist.router import Router
from goiptwist.store import Arrival, Order, Store

#: Wishes in the store's queue above which submissions are put off, so that
#: keepalives and incoming SMS go before them.
STORE_OVERLOAD = 2000
#: Seconds after which an overloaded gateway is worth another try.
OVERLOAD_WAIT = 2.0


@define(eq=False, repr=False)
class Traffic:
    """
    @ivar takers: the bridges that want to hear what became of messages, by
        the origin that they submit under.
    """

    clock: IReactorTime
    store: Store
    router: Router
    delivery: Delivery
    takers: dict[str, ITakesReports] = field(factory=dict)
    chronicle: Chronicle = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.chronicle = Chronicle(self.clock)

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
            self.delivery.kept(destinations, [message])
        return message

    async def submit(self, submission: Submission) -> list[Message]:
        """
        Keep an outgoing text, and queue it for its line or pool. As
        L{goiptwist.interfaces.IGateway.submit}.
        """
        if self.store.writer.depth > STORE_OVERLOAD:
            raise Busy("too much waits for the disk", after=OVERLOAD_WAIT)
        wanted = accepted(submission)
        destination = self.router.outgoing(wanted.line, wanted.pool)
        order = Order(submission=wanted, destination=destination, at=self.clock.seconds())
        kept = await self.store.keep_order(order)
        if kept.fresh:
            self.delivery.kept([destination], kept.messages)
        return kept.messages

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
        self._tell(message)

    def reported(self, message: Message) -> None:
        """The delivery report of a message came, and is on disk."""
        self.chronicle.tell(
            "Message {message_id} is {report} at the handset",
            message_id=message.id,
            report=message.report,
        )
        self._tell(message)

    def _tell(self, message: Message) -> None:
        taker = self.takers.get(message.origin)
        if taker is None:
            return
        try:
            taker.reported(message)
        except Exception:
            self.log.failure("{origin} broke on a report", origin=message.origin)
