"""
All that the author of a bridge needs, on one page.

A bridge is one file in any C{twisted/plugins/} on the path: a settings class,
a class that provides L{IBridge}, and an L{IBridgeKind} with C{build}. See
C{examples/} for a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from goiptwist.contact_id.event import Event
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import AlarmReport, Direction, Message, State, Step, Submission
from goiptwist.model.notifications import LineEvent, Notification
from goiptwist.model.queries import Resolution, Search, SearchPage
from goiptwist.model.quota import Quota
from goiptwist.model.status import DeliveryStatus, Health, LineStatus


class IDestination(Interface):
    """
    Somewhere a message can be delivered: a bridge, or a pool of lines.

    The delivery loop does everything else: it keeps, repeats, backs off, and
    writes the journey.
    """

    async def deliver(message: Message) -> Delivered | None:
        """
        Deliver one message. It may come again after a crash or a lost answer,
        with the same C{message.id} and C{message.at}: derive the far side's
        id from them, so that a repeat can be recognised.

        @return: C{None}, or what the far side said, for the journey.
        @raise TryLater: not now.
        @raise Refused: never.
        @raise Unsure: it may or may not have been taken.
        """


class IBridge(IDestination):
    """
    A destination for incoming SMS, and for alarms whose route names it: those
    have C{message.alarm}. If it also provides
    L{twisted.application.service.IService}, it is started and stopped with
    the gateway.

    It, or its settings, may have attributes that say how it wants to be tried:
    those of L{goiptwist.gateway.bridging.RetrySettings}.
    """


class IDeliversEach(IBridge):
    """
    An extra power of a bridge: it delivers to several recipients, each of which
    has a row of its own in the queue, so that a failure for one repeats to
    nobody else. Its settings have C{recipients}, a tuple; the router makes the rows.
    """

    async def deliver_to(message: Message, recipient: str) -> Delivered | None:
        """
        As L{IDestination.deliver}, for one of them.

        @param recipient: one of C{settings.recipients}.
        """


class ITakesReports(Interface):
    """An extra power of a bridge: it wants to hear what became of messages."""

    def reported(message: Message) -> None:
        """
        A message that came from this bridge has a new C{state} or C{report}.
        Called after the commit; must not block.
        """


class INotifies(Interface):
    """
    An extra power of a bridge: it tells others what became of messages, such
    as by a status mail. Notifications are kept on disk and come until they are told.
    """

    async def notify(notification: Notification) -> Delivered | None:
        """
        As L{IDestination.deliver}; C{notification.id} is the same if it comes again.
        Only what somebody asked for by a L{goiptwist.model.subscriptions.Subscription} comes.
        """


class IObservesMessages(INotifies):
    """An extra power of a bridge: it is told of every outgoing message, unasked."""

    statuses: tuple[str, ...] = Attribute(
        "Of which L{STATUSES<goiptwist.model.subscriptions.STATUSES>}."
    )


class IObservesLines(Interface):
    """
    An extra power of a bridge: it hears what happens on lines. Its settings
    have a C{takes_events} that is true, see L{goiptwist.messaging.router.RoutingRule}.
    """

    async def observe(event: LineEvent) -> Delivered | None:
        """As L{IDestination.deliver}; C{event.id} is the same if it comes again."""


class IChecksItself(Interface):
    """An extra power of a bridge: C{--check-config} can ask whether it works."""

    async def check() -> str:
        """
        @return: one sentence about what was found.
        @raise GoipTwistError: what is wrong.
        """


class IReportsOutage(Interface):
    """An extra power of a bridge: it knows that its far side is away while nothing waits."""

    outage: str = Attribute("Why nothing can be handed over now, in words; empty if all is well.")


class IMessages(Interface):
    """Texts that go out, and what becomes of them."""

    async def submit(submission: Submission) -> list[Message]:
        """
        Keep an outgoing text.

        @return: the kept messages, one a recipient, once they are on disk.
        @raise Unacceptable: something in it is wrong.
        @raise Forbidden: the submitter may not do that.
        @raise OverQuota: the submitter has sent enough for today.
        @raise Conflict: the client id was used for something else.
        @raise Busy: too much is waiting.
        @raise StoreUnavailable: it could not be kept.
        """

    async def submit_many(submissions: Sequence[Submission]) -> list[list[Message] | Exception]:
        """
        Keep many texts, hundreds of them in a commit.

        @return: for each what L{submit} would have returned or raised; the
            disk may have taken some of them only.
        @raise Busy: too much is waiting.
        """

    async def get(message_id: str) -> Message | None:
        """@return: the message as it stands now, or C{None}."""

    async def recent(owner: str, states: Sequence[State], limit: int) -> list[Message]:
        """
        @param owner: the origin that submitted them, such as C{user:ops}.
        @return: the newest of what a user submitted lately and has not
            deleted, of those in one of these states; oldest first.
        """

    async def withdraw(message_id: str, by: str) -> Message:
        """
        Take back an outgoing text that still waits.

        @param by: who does it, as an origin.
        @return: it, once that is on disk.
        @raise Conflict: it does not wait any more.
        """


class IAlarms(Interface):
    """Alarms: read, raised, and taken over by a person."""

    def recognize(text: str, *, user: str = "", sender: str = "") -> Event | None:
        """
        Read a text that a user hands in, or an SMS of a sender, as a route with
        C{alarm = true} says.

        @return: the event, to be raised; or C{None}: it is a text like any other.
        @raise Unacceptable: it must be an alarm, and is none; its C{field} is a
            part of an event.
        """

    async def raise_alarm(report: AlarmReport) -> Message:
        """
        Keep an alarm, and send it where its routes say. The same client id of
        the same origin again is the same alarm, once.

        @return: it, once it is on disk.
        @raise Unacceptable: no route takes it, or something in it is wrong.
        @raise OverQuota: the submitter has sent enough for today.
        @raise Conflict: the client id was used for something else.
        @raise Busy: too much is waiting.
        @raise StoreUnavailable: it could not be kept.
        """

    async def acknowledge(alarm_id: str, by: str) -> Message:
        """
        A person has taken an alarm over: nothing more of it begins.

        @param by: who, as people say it.
        @return: it, once that is on disk.
        @raise Conflict: there is no such alarm.
        """

    def acknowledged(alarm_id: str) -> Deferred[str]:
        """
        For a bridge that waits in C{deliver} for a person: return when this
        fires.

        @return: fires with who has acknowledged the alarm; cancel it when you
            wait no more.
        """


class IDirectory(Interface):
    """Numbers: how they are written, whose they are, and who may write to them."""

    def normalized(typed: str) -> str:
        """
        A number as a person writes it, as the device wants it: in the country
        of the settings, 06301234567 is +36301234567.

        @raise Unacceptable: nobody could be reached by it, and what to write instead.
        """

    def display_name(number: str) -> str:
        """@return: what the address book calls a number, or an empty text."""

    def check_permission(origin: str, number: str, line: str) -> None:
        """
        Whether somebody may write to a number, before there is a text.

        @raise Forbidden: no, in words.
        """


class ILines(Interface):
    """The lines of the devices."""

    def statuses() -> list[LineStatus]:
        """@return: every configured line, in the order of the configuration."""


class IBounces(Interface):
    """What far sides give back after they took it."""

    async def bounced(message_id: str, reason: str) -> None:
        """An incoming SMS that a bridge had delivered came back; why, in words."""


class IMemory(Interface):
    """
    What one section of the settings notes down, on disk. Its keys are its own:
    no other section sees them.
    """

    async def put(key: str, value: str) -> None:
        """
        Keep a value in place of what stood under this key.

        @param value: an empty text forgets it.
        """

    async def get(key: str) -> str:
        """@return: what was put last under this key, or an empty text."""


class IGateway(Interface):
    """What a bridge is given: some facts, and the powers that it may use."""

    clock: Any = Attribute("Where time comes from: an L{twisted.internet.interfaces.IReactorTime}.")
    reactor: Any = Attribute("For endpoints of the bridge's own.")
    name: str = Attribute("The host name of the gateway, for ids and greetings.")
    key: bytes = Attribute("32 bytes that only this gateway knows, to sign with.")

    messages: IMessages = Attribute("Submit texts, and ask for them.")
    alarms: IAlarms = Attribute("Raise alarms, and acknowledge them.")
    directory: IDirectory = Attribute("Ask about numbers.")
    lines: ILines = Attribute("Ask how the lines stand.")
    bounces: IBounces = Attribute("Say that something came back.")
    memory: IMemory = Attribute("Note something down.")


class IHistory(Interface):
    """What is kept, for those who look."""

    async def page(direction: Direction | None, after: str, limit: int) -> list[Message]:
        """
        Kept messages in the order in which they were kept.

        @param after: the id of the last one seen, or empty for the beginning.
        @param limit: how many at the most.
        @raise Unacceptable: C{after} is no id of this gateway.
        """

    async def search(wanted: Search) -> SearchPage:
        """
        @return: messages, newest first, and where to go on.
        @raise Unacceptable: C{wanted.before} is no id of this gateway.
        """

    async def journey(message_id: str) -> list[Step]:
        """@return: each step of a message, oldest first."""

    async def deliveries(alarm_id: str) -> list[DeliveryStatus]:
        """@return: how each delivery of an alarm stands, in the order in which they began."""


class IFolders(Interface):
    """What each user sees of what is kept, besides what was submitted."""

    async def inbox(owner: str, after: str, limit: int) -> list[Message]:
        """
        What came in and a user has not taken out of the inbox, oldest first.

        @param owner: the origin of the user, such as C{user:ops}.
        @param after: as for L{IHistory.page}.
        """

    async def deleted(owner: str, limit: int) -> list[Message]:
        """@return: the newest of what a user has deleted, oldest first."""

    async def flag(owner: str, ids: Sequence[str], flag: str) -> list[str]:
        """
        Take messages out of a user's folders. History keeps them, and nobody
        else notices.

        @param ids: of messages, or the client ids of what the user submitted.
        @param flag: C{deleted} or C{downloaded}.
        @return: the ids that have it now: not those of messages that there
            are not, or that still wait to be sent.
        """


class IOperator(Interface):
    """What a person decides, and asks, about the whole gateway."""

    async def resolve(message_id: str, resolution: Resolution, by: str) -> Message:
        """
        Say what became of a text of which nobody knows.

        @raise Conflict: it is not unknown.
        """

    async def redeliver(message_id: str, bridge: str, by: str) -> None:
        """
        Hand to a bridge once more what it has had, or never took, of a
        message: the SMS that came in, or a notification of one that went out.

        @param bridge: the name of its section.
        @raise Conflict: it has had nothing of it.
        """

    async def quota(origin: str) -> tuple[Quota, int, int]:
        """@return: what an origin may send in a day, and the messages and segments of today."""

    def health() -> Health:
        """@return: what is wrong, if anything, and the figures."""


class IEventBus(Interface):
    """What happens in the gateway, for those who watch."""

    def publish(kind: str, subject: Any) -> None:
        """
        It happened now.

        @param kind: such as C{message.received}, C{line.lost}.
        @param subject: a message, or a line event.
        """

    def subscribe(subscriber: Callable[[Any], None]) -> Callable[[], None]:
        """
        @param subscriber: called with each event; must not block.
        @return: ends it.
        """

    def replay(last: str) -> list[Any] | None:
        """
        @param last: the id of the last event known.
        @return: what came after it; C{None} where that is not known any more.
        """


class IOperatorGateway(IGateway):
    """What an interface for operators is given, such as that over HTTP."""

    history: IHistory = Attribute("Look at what is kept.")
    folders: IFolders = Attribute("Look at what users see.")
    operator: IOperator = Attribute("Decide.")
    events: IEventBus = Attribute("Watch.")


class IBridgeKind(Interface):
    """How the configuration makes a bridge: C{[bridge.NAME] kind = "..."}."""

    kind: str = Attribute("The word that stands behind C{kind =}.")
    settings: type[Any] = Attribute("An attrs class; its attributes are the section's keys.")

    def build(name: str, settings: Any, gateway: IGateway) -> IBridge:
        """
        @param name: the C{NAME} of the section.
        @param settings: a checked instance of C{self.settings}.
        """
