"""A gateway that keeps its messages in a list, and a client without sockets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import define, evolve, field
from treq.testing import StubTreq
from twisted.internet.defer import Deferred, ensureDeferred, execute
from twisted.internet.task import Clock
from twisted.web.client import ResponseNeverReceived
from zope.interface import implementer

from goiptwist.accounts.secrets import Secret
from goiptwist.accounts.users import DeferToThread, User, Users
from goiptwist.alarm.routes import Routes
from goiptwist.config.values import Network
from goiptwist.contact_id.event import Event
from goiptwist.errors import Conflict, OverQuota, Unacceptable
from goiptwist.interfaces import IOperatorGateway
from goiptwist.messaging.events import EventBus
from goiptwist.model.messages import AlarmReport, Direction, Message, State, Step, Submission
from goiptwist.model.queries import Resolution, Search, SearchPage
from goiptwist.model.quota import UNLIMITED, Quota
from goiptwist.model.status import DeliveryStatus, Health, LineStatus
from goiptwist.telephony.validation import (
    accepted,
    accepted_number,
    accepted_report,
    check_expiry,
)
from goiptwist.web.api import Api
from tests.accounts.test_secrets import CHEAP

#: 2024-02-29T12:00:00.250Z
NOON = 1709208000.25


@implementer(IOperatorGateway)
@define(slots=False, eq=False)
class FakeGateway:
    """
    Every power of the gateway in one.

    @ivar fault: raised by everything that is asked, if not C{None}.
    @ivar before_kept: what a submission waits for, as for a commit.
    @ivar submissions: everything that was submitted, as it came.
    @ivar reports: every alarm that was raised, as it came.
    @ivar routes: which texts are alarms, and which alarms are taken.
    @ivar marked: owner, word and id of each mark.
    """

    clock: Any = field(factory=Clock)
    reactor: Any = None
    name: str = "gateway.example"
    key: bytes = bytes(32)
    fault: Exception | None = None
    before_kept: Deferred[None] | None = None
    submissions: list[Submission] = field(factory=list)
    reports: list[AlarmReport] = field(factory=list)
    routes: Routes = field(factory=Routes)
    kept: list[Message] = field(factory=list)
    marked: list[tuple[str, str, str]] = field(factory=list)
    line_states: list[LineStatus] = field(factory=list)
    state: Health = field(factory=Health)
    searches: list[Search] = field(factory=list)
    decisions: list[tuple[str, str]] = field(factory=list)
    allowance: Quota = UNLIMITED
    spent: tuple[int, int] = (0, 0)
    events: EventBus = field(init=False)
    memory: Any = None
    messages: Any = field(init=False)
    alarms: Any = field(init=False)
    directory: Any = field(init=False)
    lines: Any = field(init=False)
    bounces: Any = field(init=False)
    history: Any = field(init=False)
    folders: Any = field(init=False)
    operator: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.events = EventBus(self.clock)
        self.messages = self.alarms = self.directory = self.lines = self.bounces = self
        self.history = self.folders = self.operator = self

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault

    async def submit(self, submission: Submission) -> list[Message]:
        self._fail()
        self.submissions.append(submission)
        if self.before_kept is not None:
            await self.before_kept
        new = [
            Message(
                id=f"m{len(self.kept) + n}",
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
        self.kept += new
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

    async def raise_alarm(self, report: AlarmReport) -> Message:
        self._fail()
        self.routes.steps(accepted_report(report))
        self.reports.append(report)
        if self.before_kept is not None:
            await self.before_kept
        same = [
            m
            for m in self.kept
            if report.client_id and (m.origin, m.client_id) == (report.origin, report.client_id)
        ]
        if not same:
            raised = Message(
                id=f"m{len(self.kept)}",
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
            same = [raised]
            self.kept.append(raised)
        if same[0].alarm != report.event.machine:
            raise Conflict("used before for something else")
        return same[0]

    def recognize(self, text: str, *, user: str = "", sender: str = "") -> Event | None:
        return self.routes.recognize(text, user=user, sender=sender)

    async def acknowledge(self, alarm_id: str, by: str) -> Message:
        self._fail()
        self.decisions.append((alarm_id, by))
        return await self.get(alarm_id)  # type: ignore[return-value]

    def acknowledged(self, alarm_id: str) -> Deferred[str]:
        return Deferred()

    async def deliveries(self, alarm_id: str) -> list[DeliveryStatus]:
        return [
            DeliveryStatus(bridge="call", state="escalated", attempts=4, settled_at=NOON),
            DeliveryStatus(bridge="dc09", state="waiting", next_try=NOON + 60, following=("sms",)),
        ]

    async def inbox(self, owner: str, after: str, limit: int) -> list[Message]:
        self._fail()
        gone = {message_id for who, _, message_id in self.marked if who == owner}
        came = [m for m in self.kept if m.direction is Direction.IN and m.id not in gone]
        return came[:limit]

    async def recent(self, owner: str, states: Sequence[State], limit: int) -> list[Message]:
        self._fail()
        return [m for m in self.kept if m.origin == owner and m.state in states][:limit]

    async def deleted(self, owner: str, limit: int) -> list[Message]:
        self._fail()
        gone = {i for who, word, i in self.marked if (who, word) == (owner, "deleted")}
        return [m for m in self.kept if m.id in gone][:limit]

    async def flag(self, owner: str, ids: Sequence[str], flag: str) -> list[str]:
        self._fail()
        known = {
            name
            for m in self.kept
            for name in (m.id, m.client_id)
            if m.state not in (State.QUEUED, State.SENDING)
        }
        self.marked += [(owner, flag, each) for each in ids if each in known]
        return [each for each in ids if each in known]

    def check_permission(self, origin: str, number: str, line: str) -> None:
        self._fail()

    def normalized(self, typed: str) -> str:
        return accepted_number(typed)

    def display_name(self, number: str) -> str:
        return ""

    async def bounced(self, message_id: str, reason: str, recipient: str = "") -> None:
        self._fail()

    async def get(self, message_id: str) -> Message | None:
        self._fail()
        return next((message for message in self.kept if message.id == message_id), None)

    async def page(self, direction: Direction | None, after: str, limit: int) -> list[Message]:
        self._fail()
        ids = [message.id for message in self.kept]
        if after and after not in ids:
            raise Unacceptable("after", "there is no message of this id")
        rest = self.kept[ids.index(after) + 1 :] if after else self.kept
        return [m for m in rest if direction in (None, m.direction)][:limit]

    async def search(self, wanted: Search) -> SearchPage:
        self._fail()
        self.searches.append(wanted)
        newest = [m for m in reversed(self.kept) if wanted.direction in (None, m.direction)]
        found = newest[: wanted.limit]
        return SearchPage(found, found[-1].id if len(newest) > wanted.limit else "")

    async def withdraw(self, message_id: str, by: str) -> Message:
        return self._decided(message_id, by, State.QUEUED, State.CANCELLED)

    async def resolve(self, message_id: str, resolution: Resolution, by: str) -> Message:
        after = State.QUEUED if resolution is Resolution.RESEND else State(resolution.value)
        return self._decided(message_id, by, State.UNKNOWN, after)

    def _decided(self, message_id: str, by: str, before: State, after: State) -> Message:
        self._fail()
        place = next((n for n, one in enumerate(self.kept) if one.id == message_id), None)
        if place is None:
            raise Conflict("there is no outgoing message of this id")
        message = self.kept[place]
        if message.state is not before:
            raise Conflict(f"it is {message.state.value}")
        self.decisions.append((message_id, by))
        self.kept[place] = evolve(self.kept[place], state=after)
        return self.kept[place]

    async def redeliver(self, message_id: str, bridge: str, by: str) -> None:
        self._fail()
        if bridge != "crm":
            raise Conflict(f"bridge {bridge} has had nothing of it")
        self.decisions.append((message_id, by))

    async def quota(self, origin: str) -> tuple[Quota, int, int]:
        return self.allowance, *self.spent

    async def journey(self, message_id: str) -> list[Step]:
        return [Step(NOON, "accepted"), Step(NOON + 1, "given", "goip1", "session 7")]

    def statuses(self) -> list[LineStatus]:
        self._fail()
        return self.line_states

    def health(self) -> Health:
        self._fail()
        return self.state


def at_once(function: Any, *arguments: Any) -> Deferred[Any]:
    """Stands in for C{deferToThread}."""
    return execute(function, *arguments)


#: One user for each thing that a user may.
USERS = [
    User(name="ops", token=Secret.from_setting("ops-token")),
    User(name="sender", token=Secret.from_setting("send-token"), may=("send",)),
    User(name="reader", token=Secret.from_setting("read-token"), may=("read",)),
    User(name="hashed", token=Secret.from_setting(CHEAP)),
    User(name="admin", token=Secret.from_setting("admin-token"), may=("admin",)),
    User(
        name="near",
        token=Secret.from_setting("near-token"),
        password=Secret.from_setting("near-word:ő"),
        networks=(Network.from_setting("192.0.2.0/24"),),
    ),
    User(name="few", token=Secret.from_setting("few-token"), messages_a_day=100, parts_a_day=50),
]


@define
class Reply:
    """What came back, with its body read."""

    status: int
    phrase: bytes
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        values = self.headers.getRawHeaders(name)
        return None if values is None else ", ".join(values)


class Client:
    """
    Asks an L{Api} over a fake gateway.

    @ivar gateway: the gateway.
    @ivar clock: the clock of the API.
    """

    def __init__(
        self, *, token: str | None = "ops-token", defer_to_thread: DeferToThread = at_once
    ) -> None:
        self.gateway = FakeGateway()
        self.clock = Clock()
        self.token = token
        users = Users(USERS, defer_to_thread)
        self.api = Api(self.gateway, users, self.clock, ["crm"])
        self.stub = StubTreq(self.api.resource())

    def start(self, method: str, path: str, **more: Any) -> list[Reply]:
        """@return: a list in which the reply will be, once it is there."""
        replies: list[Reply] = []
        headers = dict(more.pop("headers", {}))
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        asking = ensureDeferred(self._ask(method, path, headers, more))
        asking.addCallbacks(replies.append, lambda failure: failure.trap(ResponseNeverReceived))
        self.stub.flush()
        return replies

    def hang_up(self) -> None:
        """Close every connection, whatever is waited for."""
        for pump in self.stub._agent._pumps:
            pump.clientIO.abortConnection()
        self.stub.flush()

    async def _ask(self, method: str, path: str, headers: Any, more: Any) -> Reply:
        url = f"http://gateway.example{path}"
        response = await self.stub.request(method, url, headers=headers, **more)
        body = await self.stub.content(response)
        return Reply(response.code, response.phrase, response.headers, body)

    def ask(self, method: str, path: str, **more: Any) -> Reply:
        """@return: the reply, which must be there without waiting."""
        [reply] = self.start(method, path, **more)
        return reply

    def get(self, path: str, **more: Any) -> Reply:
        return self.ask("GET", path, **more)

    def post(self, document: Any, path: str = "/api/v1/messages", **headers: str) -> Reply:
        """Submit a document as JSON, or bytes as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = {"Content-Type": "application/json", **headers}
        return self.ask("POST", path, data=body, headers=headers)
