"""
A gateway that keeps its messages in a list: one small fake for each power, all
over the same archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from goiptwist.alarm.routes import Routes
from goiptwist.contact_id.event import Event
from goiptwist.errors import Conflict, OverQuota, Unacceptable
from goiptwist.interfaces import IAlarms, IBounces, IDirectory, ILines, IMessages
from goiptwist.messaging.events import EventBus
from goiptwist.model.messages import AlarmReport, Direction, Message, State, Step, Submission
from goiptwist.model.queries import Resolution, Search, SearchPage
from goiptwist.model.quota import UNLIMITED, Quota
from goiptwist.model.status import DeliveryStatus, Health, LineStatus
from goiptwist.operator_interfaces import IFolders, IHistory, IOperator, IOperatorGateway
from goiptwist.telephony.validation import (
    accepted,
    accepted_number,
    accepted_report,
    check_expiry,
)

#: 2024-02-29T12:00:00.250Z
NOON = 1709208000.25


@define(eq=False)
class FakeArchive:
    """
    What all powers have in common.

    @ivar kept: every message, in the order in which they were kept.
    @ivar fault: raised by everything that is asked, if not C{None}.
    @ivar before_kept: what a submission waits for, as for a commit.
    @ivar decisions: the id and the person of each decision.
    """

    kept: list[Message] = field(factory=list)
    fault: Exception | None = None
    before_kept: Deferred[None] | None = None
    decisions: list[tuple[str, str]] = field(factory=list)

    def check(self) -> None:
        if self.fault is not None:
            raise self.fault

    async def commit(self) -> None:
        if self.before_kept is not None:
            await self.before_kept

    def find(self, message_id: str) -> Message | None:
        return next((message for message in self.kept if message.id == message_id), None)

    def decide(self, message_id: str, by: str, before: State, after: State) -> Message:
        self.check()
        message = self.find(message_id)
        if message is None:
            raise Conflict("there is no outgoing message of this id")
        if message.state is not before:
            raise Conflict(f"it is {message.state.value}")
        self.decisions.append((message_id, by))
        decided = evolve(message, state=after)
        self.kept[self.kept.index(message)] = decided
        return decided


@implementer(IMessages)
@define(slots=False, eq=False)
class FakeMessages:
    """@ivar submissions: everything that was submitted, as it came."""

    archive: FakeArchive
    clock: Any
    submissions: list[Submission] = field(factory=list)

    async def submit(self, submission: Submission) -> list[Message]:
        self.archive.check()
        self.submissions.append(submission)
        await self.archive.commit()
        new = [
            Message(
                id=f"m{len(self.archive.kept) + n}",
                direction=Direction.OUT,
                line=submission.line,
                pool=submission.pool,
                recipient=recipient,
                text=submission.text,
                at=NOON,
                state=State.QUEUED,
                origin=submission.origin,
                client_id=submission.client_id,
            )
            for n, recipient in enumerate(submission.recipients)
        ]
        self.archive.kept += new
        return new

    async def submit_many(
        self, submissions: Sequence[Submission]
    ) -> list[list[Message] | Exception]:
        results: list[list[Message] | Exception] = []
        for submission in submissions:
            try:
                now = self.clock.seconds()
                check_expiry(accepted(submission, now), now)  # as the store does, for what is new
                results.append(await self.submit(submission))
            except (OverQuota, Unacceptable) as error:
                results.append(error)
        return results

    async def get(self, message_id: str) -> Message | None:
        self.archive.check()
        return self.archive.find(message_id)

    async def recent(self, owner: str, states: Sequence[State], limit: int) -> list[Message]:
        self.archive.check()
        kept = self.archive.kept
        return [m for m in kept if m.origin == owner and m.state in states][:limit]

    async def withdraw(self, message_id: str, by: str) -> Message:
        return self.archive.decide(message_id, by, State.QUEUED, State.CANCELLED)


@implementer(IAlarms)
@define(slots=False, eq=False)
class FakeAlarms:
    """
    @ivar reports: every alarm that was raised, as it came.
    @ivar routes: which texts are alarms, and which alarms are taken.
    """

    archive: FakeArchive
    reports: list[AlarmReport] = field(factory=list)
    routes: Routes = field(factory=Routes)

    def recognize(self, text: str, *, user: str = "", sender: str = "") -> Event | None:
        return self.routes.recognize(text, user=user, sender=sender)

    async def raise_alarm(self, report: AlarmReport) -> Message:
        self.archive.check()
        self.routes.steps(accepted_report(report))
        self.reports.append(report)
        await self.archive.commit()
        same = [
            m
            for m in self.archive.kept
            if report.client_id and (m.origin, m.client_id) == (report.origin, report.client_id)
        ]
        if not same:
            same = [self._new(report)]
            self.archive.kept += same
        if same[0].alarm != report.event.machine:
            raise Conflict("used before for something else")
        return same[0]

    def _new(self, report: AlarmReport) -> Message:
        return Message(
            id=f"m{len(self.archive.kept)}",
            direction=Direction.ALARM,
            sender=report.event.heading,
            recipient=report.recipient,
            text=f"{report.event.words}\n{report.event.machine}",
            alarm=report.event.machine,
            at=NOON,
            state=State.RECEIVED,
            origin=report.origin,
            client_id=report.client_id,
        )

    async def acknowledge(self, alarm_id: str, by: str) -> Message:
        self.archive.check()
        self.archive.decisions.append((alarm_id, by))
        found = self.archive.find(alarm_id)
        assert found is not None
        return found

    def acknowledged(self, alarm_id: str) -> Deferred[str]:
        return Deferred()


@implementer(IDirectory)
@define(slots=False, eq=False)
class FakeDirectory:
    """Knows nobody, and forbids nothing."""

    archive: FakeArchive

    def normalized(self, typed: str) -> str:
        return accepted_number(typed)

    def display_name(self, number: str) -> str:
        return ""

    def check_permission(self, origin: str, number: str, line: str) -> None:
        self.archive.check()


@implementer(ILines)
@define(slots=False, eq=False)
class FakeLines:
    """@ivar states: what is shown."""

    archive: FakeArchive
    states: list[LineStatus] = field(factory=list)

    def statuses(self) -> list[LineStatus]:
        self.archive.check()
        return self.states


@implementer(IBounces)
@define(slots=False, eq=False)
class FakeBounces:
    """Forgets what came back."""

    archive: FakeArchive

    async def bounced(self, message_id: str, reason: str, recipient: str = "") -> None:
        self.archive.check()


@implementer(IHistory)
@define(slots=False, eq=False)
class FakeHistory:
    """@ivar searches: what was looked for."""

    archive: FakeArchive
    searches: list[Search] = field(factory=list)

    async def page(self, direction: Direction | None, after: str, limit: int) -> list[Message]:
        self.archive.check()
        kept = self.archive.kept
        ids = [message.id for message in kept]
        if after and after not in ids:
            raise Unacceptable("after", "there is no message of this id")
        rest = kept[ids.index(after) + 1 :] if after else kept
        return [m for m in rest if direction in (None, m.direction)][:limit]

    async def search(self, wanted: Search) -> SearchPage:
        self.archive.check()
        self.searches.append(wanted)
        kept = reversed(self.archive.kept)
        newest = [m for m in kept if wanted.direction in (None, m.direction)]
        found = newest[: wanted.limit]
        return SearchPage(found, found[-1].id if len(newest) > wanted.limit else "")

    async def journey(self, message_id: str) -> list[Step]:
        return [Step(NOON, "accepted"), Step(NOON + 1, "given", "goip1", "session 7")]

    async def deliveries(self, alarm_id: str) -> list[DeliveryStatus]:
        return [
            DeliveryStatus(bridge="call", state="escalated", attempts=4, settled_at=NOON),
            DeliveryStatus(bridge="dc09", state="waiting", next_try=NOON + 60, following=("sms",)),
        ]


@implementer(IFolders)
@define(slots=False, eq=False)
class FakeFolders:
    """@ivar flags: owner, flag and id of each message that has one."""

    archive: FakeArchive
    flags: list[tuple[str, str, str]] = field(factory=list)

    async def inbox(self, owner: str, after: str, limit: int) -> list[Message]:
        self.archive.check()
        gone = {message_id for who, _, message_id in self.flags if who == owner}
        came = [m for m in self.archive.kept if m.direction is Direction.IN and m.id not in gone]
        return came[:limit]

    async def deleted(self, owner: str, limit: int) -> list[Message]:
        self.archive.check()
        gone = {i for who, flag, i in self.flags if (who, flag) == (owner, "deleted")}
        return [m for m in self.archive.kept if m.id in gone][:limit]

    async def flag(self, owner: str, ids: Sequence[str], flag: str) -> list[str]:
        self.archive.check()
        known = {
            name
            for m in self.archive.kept
            for name in (m.id, m.client_id)
            if m.state not in (State.QUEUED, State.SENDING)
        }
        self.flags += [(owner, flag, each) for each in ids if each in known]
        return [each for each in ids if each in known]


@implementer(IOperator)
@define(slots=False, eq=False)
class FakeOperator:
    """
    @ivar state: what C{health} says.
    @ivar limits: of every origin.
    @ivar spent: messages and segments of today, of every origin.
    """

    archive: FakeArchive
    state: Health = field(factory=Health)
    limits: Quota = UNLIMITED
    spent: tuple[int, int] = (0, 0)

    async def resolve(self, message_id: str, resolution: Resolution, by: str) -> Message:
        after = State.QUEUED if resolution is Resolution.RESEND else State(resolution.value)
        return self.archive.decide(message_id, by, State.UNKNOWN, after)

    async def redeliver(self, message_id: str, bridge: str, by: str) -> None:
        self.archive.check()
        if bridge != "crm":
            raise Conflict(f"bridge {bridge} has had nothing of it")
        self.archive.decisions.append((message_id, by))

    async def quota(self, origin: str) -> tuple[Quota, int, int]:
        return self.limits, *self.spent

    def health(self) -> Health:
        self.archive.check()
        return self.state


@implementer(IOperatorGateway)
@define(slots=False, eq=False)
class FakeGateway:
    """The powers, over one archive and by one clock."""

    clock: Any = field(factory=Clock)
    reactor: Any = None
    name: str = "gateway.example"
    key: bytes = bytes(32)
    memory: Any = None
    # What the kind of the section uses, and nobody behind it.
    defer_to_thread: Any = None
    accounts: Any = None
    rejections: Any = None
    sections: Any = None
    connectors: Any = None
    archive: FakeArchive = field(factory=FakeArchive)
    messages: FakeMessages = field(init=False)
    alarms: FakeAlarms = field(init=False)
    directory: FakeDirectory = field(init=False)
    lines: FakeLines = field(init=False)
    bounces: FakeBounces = field(init=False)
    history: FakeHistory = field(init=False)
    folders: FakeFolders = field(init=False)
    operator: FakeOperator = field(init=False)
    events: EventBus = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.messages = FakeMessages(self.archive, self.clock)
        self.alarms = FakeAlarms(self.archive)
        self.directory = FakeDirectory(self.archive)
        self.lines = FakeLines(self.archive)
        self.bounces = FakeBounces(self.archive)
        self.history = FakeHistory(self.archive)
        self.folders = FakeFolders(self.archive)
        self.operator = FakeOperator(self.archive)
        self.events = EventBus(self.clock)
