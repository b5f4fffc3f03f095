"""
What a connector to devices needs of the gateway, and what it provides: it hands
in what devices push, writes down what they are given, and lends lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from goiptwist.interfaces import IDestination, IGateway
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import HandsetReport, IncomingSms, Message
from goiptwist.model.transmissions import LateAnswer, LineOccurrence, Transmission


class ITransmissionJournal(Interface):
    """What is on disk about texts that are given to SIMs, and about the lines."""

    def reserve_session_numbers(count: int) -> Deferred[int]:
        """
        @return: fires with the first of C{count} numbers that nobody gets
            again, or fails with L{goiptwist.errors.StoreUnavailable}.
        """

    def record(transmission: Transmission) -> Deferred[None]:
        """
        Commit what is about to be given to a SIM.

        @return: fires when it is on disk, or fails with
            L{goiptwist.errors.StoreUnavailable}: then it must not be given.
        """

    def record_late_answer(answer: LateAnswer) -> None:
        """
        Note a verdict that no session waits for; it settles what was unknown.
        Where that cannot be kept, the message stays unknown, which is what the
        operator sees.
        """

    def put_facts(line: str, facts: Mapping[str, str], at: float) -> None:
        """Keep the latest facts of a line, for people; losing them does no harm."""

    async def get_facts() -> dict[str, Mapping[str, str]]:
        """@return: the latest facts of each line that ever had any."""


class IInbound(Interface):
    """Takes what devices push. Each method returns after the commit."""

    overloaded: bool = Attribute("Whether too much waits for the disk already.")

    async def receive(sms: IncomingSms) -> Message | None:
        """
        Keep an SMS that came in.

        @return: the message, or C{None} for a repeat.
        @raise StoreUnavailable: it could not be kept.
        """

    async def record_report(report: HandsetReport) -> None:
        """
        Keep the state of a sent SMS at the handset.

        @raise StoreUnavailable: it could not be kept.
        """

    async def record_event(occurrence: LineOccurrence) -> None:
        """
        Keep what happened on a line.

        @raise StoreUnavailable: it could not be kept.
        """


class ILease(Interface):
    """
    What a lender has lent for one message: room on a line, or a place in a
    session that is open. It must be released, whatever becomes of the message;
    a second release does nothing.
    """

    async def deliver(message: Message) -> Delivered | None:
        """As L{IDestination.deliver}, by what was lent."""

    def release() -> None:
        """
        Give back what the delivery has not taken over. A session that it
        opened keeps its line until the session ends.
        """


class ILends(IDestination):
    """
    An extra power of a destination: it can take so many messages at once, and
    lends what it has. The queue takes a lease before it takes a message.
    """

    def acquire(message: Message) -> ILease | None:
        """
        Must not call anybody back.

        @return: a lease for this message; C{None} where nothing is free.
        """

    def on_available(callback: Callable[[], None]) -> Callable[[], None]:
        """
        @param callback: called when something is free again after nothing was.
        @return: ends it.
        """


class IDeviceGateway(IGateway):
    """What a connector to devices is given."""

    inbound: IInbound = Attribute("Hand in what devices push.")
    journal: ITransmissionJournal = Attribute("Write down what devices are given.")


class IPools(Interface):
    """An extra power of a connector: it has lines that texts go out by."""

    def pool(destination: str) -> ILends | None:
        """
        @param destination: C{pool:NAME} or C{line:ID}.
        @return: it, or C{None} if there is no such one here.
        """


class IKeepsState(Interface):
    """An extra power of a connector: it goes on where the last run stopped."""

    async def restore() -> None:
        """Called once, before anything is started."""

    def save() -> None:
        """Write down what has changed. Called now and then, and when the gateway stops."""
