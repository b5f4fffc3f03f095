"""
What comes out: messages, their journey, lines, users. The classes are for the
OpenAPI document; what is sent is made by the functions beside them, and a test
holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from goiptwist.accounts.users import User
from goiptwist.model import messages as domain
from goiptwist.model import status
from goiptwist.telephony.segments import count
from goiptwist.web.http.timestamps import format_timestamp
from goiptwist.web.http.validation import Shape

Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Encoding = Literal["gsm7", "ucs2"]


class CostView(Shape):
    """How a text travels: as gsm7, of which an SMS holds 160, or as ucs2, 70."""

    encoding: Encoding
    segments: int = Field(ge=1, description="SMS on the air, each of which is paid for.")


class FittedView(CostView):
    """The text in the letters of the GSM alphabet."""

    text: str


class RecipientView(Shape):
    """One message of a submission."""

    id: str
    to: str = Field(description="The number, as it will be dialled.")
    state: str


class AcceptedView(Shape):
    """It is on disk; from now on it ends in exactly one final state."""

    messages: list[RecipientView] = Field(
        description="One for each recipient, without repetitions."
    )
    encoding: Encoding
    segments: int = Field(ge=1, description="SMS on the air for each recipient.")
    text: str | None = Field(default=None, description="What is sent, if it was made to fit.")
    given: CostView | None = Field(default=None, description="What it would have been as given.")
    fitted: FittedView | None = Field(default=None, description="What it could be, if asked for.")


class FieldErrorView(Shape):
    """One thing that is wrong."""

    field: str
    detail: str


class ProblemView(Shape):
    """Why not (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = Field(default=None, description="A sentence for the person who reads it.")
    field: str | None = Field(default=None, description="The part of the request that is wrong.")
    errors: list[FieldErrorView] | None = Field(
        default=None, description="If more than one is wrong: all."
    )


class BatchResultView(Shape):
    """What became of one submission of a batch: messages, or a problem."""

    status: int = Field(description="As if it had been sent alone.")
    messages: list[RecipientView] | None = None
    encoding: Encoding | None = None
    segments: int | None = Field(default=None, ge=1)
    problem: ProblemView | None = None


class BatchResultsView(Shape):
    """One for each submission, in their order."""

    results: list[BatchResultView]


class TextPreviewView(CostView):
    """What a text would cost, as it is and made to fit."""

    units: int = Field(description="Septets, or 16-bit units.")
    room_left: int = Field(description="Units that the last segment still has room for.")
    fitted: FittedView


class MessageView(Shape):
    """A message as it stands."""

    id: str
    direction: Literal["in", "out", "alarm"]
    line: str
    sender: str = Field(alias="from")
    to: str
    text: str
    state: str
    at: Timestamp = Field(description="When it was accepted.")
    reason: str | None = None
    report: str | None = Field(default=None, description="What the handset's report said.")
    pool: str | None = None
    client_id: str | None = None
    origin: str | None = Field(default=None, description="Who submitted it.")
    alarm: str | None = Field(
        default=None, description="Of an alarm: the event, such as 1113,18,1,123,03,003."
    )


class StepView(Shape):
    """One step of a journey."""

    at: Timestamp
    what: str
    where: str
    detail: str


class MessageJourneyView(MessageView):
    """A message and its journey."""

    journey: list[StepView]


class MessagesView(Shape):
    """A page of messages."""

    messages: list[MessageView]
    next: str | None = Field(default=None, description="Where the next page is, if there is one.")


class AlarmView(Shape):
    """An alarm as it stands."""

    id: str
    event: str = Field(description="As machines have it, such as 1113,18,1,123,03,003.")
    words: str = Field(description="A sentence for a person.")
    account: str
    type: str
    qualifier: str
    code: str
    partition: str
    zone: str
    state: Literal["received", "delivered", "failed"]
    at: Timestamp = Field(description="When it was accepted.")
    reason: str | None = None
    line: str | None = Field(default=None, description="By which line it came, if as an SMS.")
    to: str | None = Field(default=None, description="What its submitter typed.")
    client_id: str | None = None
    origin: str | None = Field(default=None, description="Who raised it.")


class DeliveryView(Shape):
    """How an alarm stands at one bridge."""

    bridge: str
    state: str = Field(description="waiting, done, escalated (to the next), failed or cancelled.")
    attempts: int = Field(description="How often it was tried and put off.")
    detail: str
    next_try: Timestamp | None = Field(default=None, description="When, if it waits.")
    settled_at: Timestamp | None = Field(default=None, description="Since when, if it does not.")
    following: list[str] = Field(description="Bridges that get it if this one does not deliver.")


class AlarmJourneyView(AlarmView):
    """An alarm, its deliveries and its journey."""

    deliveries: list[DeliveryView]
    journey: list[StepView]


class AlarmsView(Shape):
    """A page of alarms."""

    alarms: list[AlarmView]
    next: str | None = Field(default=None, description="Where the next page is, if there is one.")


class LineView(Shape):
    """A line as it stands now."""

    id: str
    pool: str
    number: str
    presence: Literal["unheard", "present", "lost"]
    gsm: str
    signal: int | None = Field(description="0 to 31, as AT+CSQ gives it.")
    operator: str
    imei: str
    imsi: str
    iccid: str
    cell: str
    address: str
    heard_at: Timestamp | None
    stopped: str = Field(description="Why nothing is sent by it, or empty.")
    last_error: str
    sessions: int
    facts: dict[str, str] = Field(description="What else the device told, under its own names.")


class LinesView(Shape):
    """Every configured line."""

    lines: list[LineView]


class UserView(Shape):
    """A user, without any secret."""

    name: str
    may: list[Literal["send", "read", "admin"]]
    to: list[str]
    lines: list[str]
    messages_a_day: int
    segments_a_day: int
    networks: list[str]
    password: bool = Field(description="Whether there is one.")
    token: bool = Field(description="Whether there is one.")


class UsersView(Shape):
    """All users."""

    users: list[UserView]


class UsageView(Shape):
    """What was sent today (UTC). It is counted for those who have a limit."""

    messages: int
    segments: int


class MyselfView(UserView):
    """Who asks."""

    today: UsageView


class HealthView(Shape):
    """Whether the gateway can do its work."""

    status: Literal["ok", "trouble"]
    problems: list[str] | None = None
    figures: dict[str, float | None]


def cost(text: str) -> dict[str, object]:
    """What a text costs as it is."""
    counted = count(text)
    return {"encoding": counted.encoding.value, "segments": counted.parts}


def entries(messages: Iterable[domain.Message]) -> list[dict[str, object]]:
    """The messages of one submission."""
    return [{"id": m.id, "to": m.recipient, "state": m.state.value} for m in messages]


def message(given: domain.Message) -> dict[str, object]:
    """A message as it stands; what is empty by nature is left out."""
    shown: dict[str, object] = {
        "id": given.id,
        "direction": given.direction.value,
        "line": given.line,
        "from": given.sender,
        "to": given.recipient,
        "text": given.text,
        "state": given.state.value,
        "at": format_timestamp(given.at),
    }
    for name in ("reason", "report", "pool", "client_id", "origin", "alarm"):
        value = getattr(given, name)
        if value:
            shown[name] = value
    return shown


def alarm(given: domain.Message) -> dict[str, object]:
    """An alarm as it stands; what is empty by nature is left out."""
    parts = ("account", "type", "qualifier", "code", "partition", "zone")
    shown: dict[str, object] = {
        "id": given.id,
        "event": given.alarm,
        "words": given.text.partition("\n")[0],
        **dict(zip(parts, given.alarm.split(","), strict=True)),
        "state": given.state.value,
        "at": format_timestamp(given.at),
    }
    for name in ("reason", "line", "client_id", "origin"):
        value = getattr(given, name)
        if value:
            shown[name] = value
    return {**shown, "to": given.recipient} if given.recipient else shown


def delivery(given: status.DeliveryStatus) -> dict[str, object]:
    """How an alarm stands at one bridge."""
    shown: dict[str, object] = {
        "bridge": given.bridge,
        "state": given.state,
        "attempts": given.attempts,
        "detail": given.detail,
        "following": list(given.following),
    }
    for name in ("next_try", "settled_at"):
        at = getattr(given, name)
        if at is not None:
            shown[name] = format_timestamp(at)
    return shown


def step(given: domain.Step) -> dict[str, object]:
    """One step of a journey."""
    return {
        "at": format_timestamp(given.at),
        "what": given.what,
        "where": given.where,
        "detail": given.detail,
    }


_LINE = tuple(field.name for field in status.LineStatus.__attrs_attrs__)


def line(given: status.LineStatus) -> dict[str, object]:
    """A line as it stands now."""
    heard_at = None if given.heard_at is None else format_timestamp(given.heard_at)
    fields = {name: getattr(given, name) for name in _LINE}
    return {**fields, "heard_at": heard_at, "facts": dict(given.facts)}


def user(given: User) -> dict[str, Any]:
    """A user, without any secret."""
    return {
        "name": given.name,
        "may": list(given.may),
        "to": list(given.to),
        "lines": list(given.lines),
        "messages_a_day": given.messages_a_day,
        "segments_a_day": given.segments_a_day,
        "networks": [str(network) for network in given.networks],
        "password": given.password is not None,
        "token": given.token is not None,
    }


def health(given: status.Health) -> Mapping[str, object]:
    """Whether the gateway can do its work."""
    figures = {name: n if isfinite(n) else None for name, n in given.figures.items()}
    if given.ok:
        return {"status": "ok", "figures": figures}
    return {"status": "trouble", "problems": list(given.problems), "figures": figures}
