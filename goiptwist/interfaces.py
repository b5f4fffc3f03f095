"""
All that the author of a bridge or of a listener needs, on one page.

Each section of the configuration that does something is a connector: a bridge
takes messages, a listener submits them. A connector of your own is one file in any
C{twisted/plugins/} on the path: a settings class, the class of the connector, and
an L{IConnectorKind} that builds it. See C{examples/} for one of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from goiptwist.contact_id.event import Event
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import AlarmReport, Message, State, Submission
from goiptwist.model.notifications import LineEvent, Notification
from goiptwist.model.status import LineStatus


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
    have C{message.alarm}.

    It, or its settings, may have attributes that say how it wants to be tried:
    C{schedule}, C{attempts}, C{circuit_breaker} and C{at_once} of
    L{goiptwist.delivery.retry.RetryPolicy}. Its settings may have the attributes
    of a L{RoutingRule<goiptwist.messaging.router.RoutingRule>}, and C{fallback}.
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
    as by a status mail. Notifications are kept on disk and come until they are delivered.
    """

    async def notify(notification: Notification) -> Delivered | None:
        """
        As L{IDestination.deliver}; C{notification.id} is the same if it comes again.
        Only what somebody asked for by a L{goiptwist.model.subscriptions.Subscription} comes.
        """


class IConversational(INotifies):
    """
    An extra power of a bridge: people write by it and are answered by it. Its
    notifications are for those who wrote, so no other submitter may name it; and
    what it delivered may come back, see L{IBounces}.
    """


class IObservesMessages(INotifies):
    """An extra power of a bridge: it is notified of every outgoing message, unasked."""

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
    """
    An extra power of a connector: C{--check-config} can ask whether it works. The
    gateway is not running then: what L{IGateway} offers may raise
    L{NotRunning<goiptwist.errors.NotRunning>}.
    """

    async def check() -> str:
        """
        @return: one sentence about what was found.
        @raise GoipTwistError: what is wrong.
        """


class IReportsOutage(Interface):
    """An extra power of a connector: it knows that its far side is away while nothing waits."""

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

    async def bounced(message_id: str, reason: str, recipient: str = "") -> None:
        """
        An incoming SMS that a bridge had delivered came back; why, in words.

        @param recipient: from which recipient of L{IDeliversEach}; empty is all.
        """


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


class ISections(Interface):
    """The sections of the configuration, each an instance of its settings class."""

    def single(section: str) -> Any:
        """@return: the settings of C{[section]}; C{None} where it does not stand in the file."""

    def rows(section: str) -> Sequence[Any]:
        """@return: the settings of each C{[[section]]}, in the order of the file."""

    bridges: Mapping[str, tuple[str, Any]] = Attribute(
        "Of each C{[bridge.NAME]}, by its name: the kind, and the settings."
    )


class IConnectors(Interface):
    """The connectors of this gateway, of those that are built already."""

    def providing(interface: type[Interface]) -> Mapping[str, Any]:
        """@return: those that provide it, by section: C{bridge.NAME}, or such as C{http}."""


class IGateway(Interface):
    """What a connector is given: some facts, and the powers that it may use."""

    clock: Any = Attribute("Where time comes from: an L{twisted.internet.interfaces.IReactorTime}.")
    reactor: Any = Attribute("For endpoints of the connector's own.")
    defer_to_thread: Any = Attribute(
        "C{defer_to_thread(function, *arguments)}: runs what would block for long; a Deferred."
    )
    name: str = Attribute("The host name of the gateway, for ids and greetings.")
    key: bytes = Attribute("32 bytes that only this gateway knows, to sign with.")

    messages: IMessages = Attribute("Submit texts, and ask for them.")
    alarms: IAlarms = Attribute("Raise alarms, and acknowledge them.")
    directory: IDirectory = Attribute("Ask about numbers.")
    lines: ILines = Attribute("Ask how the lines stand.")
    bounces: IBounces = Attribute("Say that something came back.")
    memory: IMemory = Attribute("Note something down.")
    accounts: Any = Attribute(
        "Find the user who logs in: a L{goiptwist.accounts.authenticator.Authenticator}."
    )
    rejections: Any = Attribute(
        "Count and log what is wrong with what comes in: a L{goiptwist.net.rejections.Rejections}."
    )
    sections: ISections = Attribute("Read what other sections say.")
    connectors: IConnectors = Attribute("Find other connectors.")


class Phase(IntEnum):
    """
    When connectors are built and started: those of the first phase before those
    of the second. They are stopped in the opposite order; before the bridges stop,
    what they have in hand gets some seconds to end.
    """

    DEVICE = 1  # hands SMS in, and sends them
    BRIDGE = 2  # takes messages
    LISTENER = 3  # submits messages


class IConnectorKind(Interface):
    """How a section of the configuration becomes a connector."""

    section: str = Attribute(
        "The name of its section, C{[section]}; or C{bridge}, of which there may be many: "
        'C{[bridge.NAME] kind = "..."}.'
    )
    kind: str = Attribute(
        "The word that stands behind C{kind =}; empty where there is one section."
    )
    settings: type[Any] = Attribute("An attrs class; its attributes are the section's keys.")
    phase: Phase = Attribute("When its connectors are built, started and stopped.")

    def build(name: str, settings: Any, gateway: IGateway) -> Any:
        """
        Make a connector; no socket is opened yet. What it can do is asked by
        C{providedBy}: a L{twisted.application.service.IService} is started and
        stopped with the gateway, an L{IBridge} takes messages if its section is a
        C{bridge}, and there are the extra powers of this page.

        @param name: the C{NAME} of a bridge, or else the name of the section.
        @param settings: a checked instance of C{self.settings}. A section that
            does not stand in the file has its defaults; if a key has none, nothing
            is built.
        @return: the connector; or C{None} if these settings ask for none.
        """


class IMoreSections(Interface):
    """An extra power of a kind: further sections belong to it, for which nothing is built."""

    singles: Mapping[str, type[Any]] = Attribute("Of each C{[section]}, its settings class.")
    rows: Mapping[str, type[Any]] = Attribute("Of each C{[[section]]}, its settings class.")


class IChecksSettings(Interface):
    """An extra power of a kind: it knows what cannot be known from one section alone."""

    def faults(name: str, settings: Any, sections: ISections) -> Iterator[tuple[str, str]]:
        """
        @param name: as for C{build}.
        @return: what is wrong: the section as it stands in the file, such as
            C{[mail]}, and a sentence that begins with the key.
        """


class ISharesMemory(Interface):
    """An extra power of a kind: its sections note things down together with others."""

    memory: str = Attribute("A name: all kinds that have it have one L{IMemory}.")
