"""What stands in for the gateway, and for its messages, in the tests of bridges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import Interface, implementer

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.alarm.routes import Routes
from goiptwist.contact_id.event import Event
from goiptwist.errors import Conflict, Forbidden
from goiptwist.interfaces import (
    IAlarms,
    IBounces,
    IConnectors,
    IDirectory,
    IGateway,
    ILines,
    IMemory,
    IMessages,
    ISections,
)
from goiptwist.model.messages import AlarmReport, Direction, Message, State, Submission
from goiptwist.model.status import LineStatus
from goiptwist.net.rejections import Rejections
from goiptwist.telephony.numbering import international


def sms(text: str = "Pump 3 stopped", **changes: Any) -> Message:
    """An incoming SMS as a bridge gets it."""
    message = Message(
        id="m1",
        direction=Direction.IN,
        line="goip1",
        sender="+36301234567",
        text=text,
        at=1_767_225_600.25,
        state=State.RECEIVED,
    )
    return evolve(message, **changes)


def alarm(machine: str = "1113,18,1,123,03,003", **changes: Any) -> Message:
    """An alarm as a bridge gets it."""
    words = "Account 1113: audible panic alarm, partition 3, zone 3"
    raised = sms(
        f"{words}\n{machine}",
        id="a1",
        direction=Direction.ALARM,
        line="",
        sender="Alarm 1113",
        origin="user:panel",
        alarm=machine,
    )
    return evolve(raised, **changes)


@implementer(IMessages)
@frozen(eq=False)
class StandInMessages:
    """Keeps what is submitted in L{StandInGateway.kept}."""

    gateway: StandInGateway

    async def submit(self, submission: Submission) -> list[Message]:
        """See L{IMessages}."""
        kept = self.gateway.kept
        self.gateway.submissions.append(submission)
        made = [
            sms(submission.text, id=f"out{len(kept) + n}", direction=Direction.OUT,
                recipient=to, sender="", state=State.QUEUED, origin=submission.origin)
            for n, to in enumerate(submission.recipients, 1)
        ]  # fmt: skip
        kept.update((message.id, message) for message in made)
        return made

    async def submit_many(
        self, submissions: Sequence[Submission]
    ) -> list[list[Message] | Exception]:
        """See L{IMessages}."""
        return [await self.submit(one) for one in submissions]

    async def get(self, message_id: str) -> Message | None:
        """See L{IMessages}."""
        return self.gateway.kept.get(message_id)

    async def recent(self, owner: str, states: Sequence[State], limit: int) -> list[Message]:
        """See L{IMessages}."""
        own = [m for m in self.gateway.kept.values() if m.origin == owner and m.state in states]
        return own[-limit:]

    async def withdraw(self, message_id: str, by: str) -> Message:
        """See L{IMessages}."""
        message = self.gateway.kept[message_id]
        if message.state not in (State.QUEUED, State.CANCELLED):
            raise Conflict(f"it is {message.state.value} already")
        withdrawn = evolve(message, state=State.CANCELLED, reason=f"withdrawn by {by}")
        self.gateway.kept[message_id] = withdrawn
        return withdrawn


@implementer(IAlarms)
@frozen(eq=False)
class StandInAlarms:
    """Keeps what is raised in L{StandInGateway.reports}."""

    gateway: StandInGateway

    def recognize(self, text: str, *, user: str = "", sender: str = "") -> Event | None:
        """See L{IAlarms}."""
        return self.gateway.routes.recognize(text, user=user, sender=sender)

    async def raise_alarm(self, report: AlarmReport) -> Message:
        """See L{IAlarms}."""
        reports = self.gateway.reports
        reports.append(report)
        raised = alarm(report.event.machine, id=f"alarm{len(reports)}", origin=report.origin)
        self.gateway.kept[raised.id] = raised
        return raised

    async def acknowledge(self, alarm_id: str, by: str) -> Message:
        """See L{IAlarms}."""
        self.gateway.acknowledged.append((alarm_id, by))
        for waiting in self.gateway.waiting.pop(alarm_id, []):
            waiting.callback(by)
        return self.gateway.kept[alarm_id]

    def acknowledged(self, alarm_id: str) -> Deferred[str]:
        """See L{IAlarms}."""
        waiting: Deferred[str] = Deferred()
        self.gateway.waiting.setdefault(alarm_id, []).append(waiting)
        return waiting


@implementer(IDirectory, ILines, IBounces)
@frozen(eq=False)
class StandInDirectory:
    """Answers from L{StandInGateway.names} and its neighbours."""

    gateway: StandInGateway

    def normalized(self, typed: str) -> str:
        """See L{IDirectory}."""
        return international(typed, self.gateway.country)

    def display_name(self, number: str) -> str:
        """See L{IDirectory}."""
        return self.gateway.names.get(number, "")

    def check_permission(self, origin: str, number: str, line: str) -> None:
        """See L{IDirectory}."""
        if self.gateway.forbidden:
            raise Forbidden(self.gateway.forbidden)

    def statuses(self) -> list[LineStatus]:
        """See L{ILines}."""
        return self.gateway.statuses

    async def bounced(self, message_id: str, reason: str, recipient: str = "") -> None:
        """See L{IBounces}."""
        self.gateway.returned.append((message_id, reason))
        self.gateway.returned_by.append(recipient)


@implementer(IMemory)
@frozen(eq=False)
class StandInMemory:
    """Keeps what is put in L{StandInGateway.notes}."""

    notes: dict[str, str]

    async def put(self, key: str, value: str) -> None:
        """See L{IMemory}."""
        self.notes[key] = value

    async def get(self, key: str) -> str:
        """See L{IMemory}."""
        return self.notes.get(key, "")


@implementer(ISections)
@frozen(eq=False)
class StandInSections:
    """
    @ivar singles: what L{ISections.single} finds.
    @ivar lists: what L{ISections.rows} finds.
    """

    singles: dict[str, Any] = field(factory=dict)
    lists: dict[str, list[Any]] = field(factory=dict)
    bridges: dict[str, tuple[str, Any]] = field(factory=dict)

    def single(self, section: str) -> Any:
        """See L{ISections}."""
        return self.singles.get(section)

    def rows(self, section: str) -> Sequence[Any]:
        """See L{ISections}."""
        return self.lists.get(section, [])


@implementer(IConnectors)
@frozen(eq=False)
class StandInConnectors:
    """There are no other connectors."""

    def providing(self, interface: type[Interface]) -> dict[str, Any]:
        """See L{IConnectors}."""
        return {}


@implementer(IGateway)
@define(eq=False, repr=False)
class StandInGateway:
    """
    As much of a gateway as a bridge can see.

    @ivar submissions: what was submitted, oldest first.
    @ivar kept: what C{messages.get} finds, by id.
    @ivar names: the address book.
    @ivar notes: what was noted down.
    @ivar forbidden: the refusal that a permission check ends with; empty is yes.
    @ivar returned: the ids of what came back, each with the reason.
    @ivar returned_by: from which recipient each of them came back.
    @ivar reports: the alarms that were raised, oldest first.
    @ivar routes: say how texts are read.
    @ivar acknowledged: the ids of alarms that persons took over, each with who.
    @ivar waiting: who waits for that, by id.
    @ivar statuses: of the lines.
    @ivar country: whose national numbers are meant.
    @ivar accounts: the users who may log in.
    @ivar rejections: what was wrong with what came in; its C{counts} say how often.
    @ivar sections: what other sections of the configuration say.
    @ivar connectors: finds no other connectors.
    """

    reactor: Any
    clock: IReactorTime
    name: str = "gateway.example.org"
    key: bytes = field(default=bytes(32), repr=False)
    submissions: list[Submission] = field(factory=list)
    kept: dict[str, Message] = field(factory=dict)
    names: dict[str, str] = field(factory=dict)
    notes: dict[str, str] = field(factory=dict)
    forbidden: str = ""
    returned: list[tuple[str, str]] = field(factory=list)
    returned_by: list[str] = field(factory=list)
    reports: list[AlarmReport] = field(factory=list)
    routes: Routes = field(factory=Routes)
    acknowledged: list[tuple[str, str]] = field(factory=list)
    waiting: dict[str, list[Deferred[str]]] = field(factory=dict)
    statuses: list[LineStatus] = field(factory=list)
    country: str = ""
    accounts: Authenticator = field(init=False)
    rejections: Rejections = field(init=False)
    sections: ISections = field(factory=lambda: StandInSections())
    connectors: IConnectors = field(factory=lambda: StandInConnectors())
    messages: IMessages = field(init=False)
    alarms: IAlarms = field(init=False)
    directory: IDirectory = field(init=False)
    lines: ILines = field(init=False)
    bounces: IBounces = field(init=False)
    memory: IMemory = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.accounts = Authenticator((), self.clock, maybeDeferred)
        self.rejections = Rejections(self.clock)
        self.messages = StandInMessages(self)
        self.alarms = StandInAlarms(self)
        self.directory = self.lines = self.bounces = StandInDirectory(self)
        self.memory = StandInMemory(self.notes)

    def defer_to_thread(self, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        """See L{IGateway}; the work is done at once."""
        return maybeDeferred(work, *arguments)
