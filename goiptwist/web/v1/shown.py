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
from goiptwist.web.moments import timestamp
from goiptwist.web.reading import Shape

Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Encoding = Literal["gsm7", "ucs2"]


class Cost(Shape):
    """How a text travels: as gsm7, of which an SMS holds 160, or as ucs2, 70."""

    encoding: Encoding
    segments: int = Field(ge=1, description="SMS on the air, each of which is paid for.")


class Fitted(Cost):
    """The text in the letters of the GSM alphabet."""

    text: str


class Entry(Shape):
    """One message of a submission."""

    id: str
    to: str = Field(description="The number, as it will be dialled.")
    state: str


class Accepted(Shape):
    """It is on disk; from now on it ends in exactly one final state."""

    messages: list[Entry] = Field(description="One for each recipient, without repetitions.")
    encoding: Encoding
    segments: int = Field(ge=1, description="SMS on the air for each recipient.")
    text: str | None = Field(default=None, description="What is sent, if it was made to fit.")
    given: Cost | None = Field(default=None, description="What it would have been as given.")
    fitted: Fitted | None = Field(default=None, description="What it could be, if asked for.")


class Fault(Shape):
    """One thing that is wrong."""

    field: str
    detail: str


class Problem(Shape):
    """Why not (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = Field(default=None, description="A sentence for the person who reads it.")
    field: str | None = Field(default=None, description="The part of the request that is wrong.")
    errors: list[Fault] | None = Field(default=None, description="If more than one is wrong: all.")


class Result(Shape):
    """What became of one submission of a batch: messages, or a problem."""

    status: int = Field(description="As if it had been sent alone.")
    messages: list[Entry] | None = None
    encoding: Encoding | None = None
    segments: int | None = Field(default=None, ge=1)
    problem: Problem | None = None


class Results(Shape):
    """One for each submission, in their order."""

    results: list[Result]


class Previewed(Cost):
    """What a text would cost, as it is and made to fit."""

    units: int = Field(description="Septets, or 16-bit units.")
    room_left: int = Field(description="Units that the last segment still has room for.")
    fitted: Fitted


class Message(Shape):
    """A message as it stands."""

    id: str
    direction: Literal["in", "out", "alarm"]
    line: str
    sender: str = Field(alias="from")
    to: str
    text: str
    state: str
    at: Moment = Field(description="When it was accepted.")
    reason: str | None = None
    report: str | None = Field(default=None, description="What the handset's report said.")
    pool: str | None = None
    client_id: str | None = None
    origin: str | None = Field(default=None, description="Who submitted it.")
    alarm: str | None = Field(
        default=None, description="Of an alarm: the event, such as 1113,18,1,123,03,003."
    )


class Step(Shape):
    """One step of a journey."""

    at: Moment
    what: str
    where: str
    detail: str


class Followed(Message):
    """A message and its journey."""

    journey: list[Step]


class Messages(Shape):
    """A page of messages."""

    messages: list[Message]
    next: str | None = Field(default=None, description="Where the next page is, if there is one.")


class Alarm(Shape):
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
    at: Moment = Field(description="When it was accepted.")
    reason: str | None = None
    line: str | None = Field(default=None, description="By which line it came, if as an SMS.")
    to: str | None = Field(default=None, description="What its submitter typed.")
    client_id: str | None = None
    origin: str | None = Field(default=None, description="Who raised it.")


class Delivery(Shape):
    """How an alarm stands at one bridge."""

    bridge: str
    state: str = Field(description="waiting, done, escalated (to the next), failed or cancelled.")
    attempts: int = Field(description="How often it was tried and put off.")
    detail: str
    next_try: Moment | None = Field(default=None, description="When, if it waits.")
    settled_at: Moment | None = Field(default=None, description="Since when, if it does not.")
    following: list[str] = Field(description="Bridges that get it if this one does not deliver.")


class FollowedAlarm(Alarm):
    """An alarm, its deliveries and its journey."""

    deliveries: list[Delivery]
    journey: list[Step]


class Alarms(Shape):
    """A page of alarms."""

    alarms: list[Alarm]
    next: str | None = Field(default=None, description="Where the next page is, if there is one.")


class Line(Shape):
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
    heard_at: Moment | None
    stopped: str = Field(description="Why nothing is sent by it, or empty.")
    last_error: str
    sessions: int
    facts: dict[str, str] = Field(description="What else the device told, under its own names.")


class Lines(Shape):
    """Every configured line."""

    lines: list[Line]


class Person(Shape):
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


class People(Shape):
    """All users."""

    users: list[Person]


class Used(Shape):
    """What was sent today (UTC). It is counted for those who have a limit."""

    messages: int
    segments: int


class Myself(Person):
    """Who asks."""

    today: Used


class Health(Shape):
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
        "at": timestamp(given.at),
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
        "at": timestamp(given.at),
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
            shown[name] = timestamp(at)
    return shown


def step(given: domain.Step) -> dict[str, object]:
    """One step of a journey."""
    return {
        "at": timestamp(given.at),
        "what": given.what,
        "where": given.where,
        "detail": given.detail,
    }


_LINE = tuple(field.name for field in status.LineStatus.__attrs_attrs__)


def line(given: status.LineStatus) -> dict[str, object]:
    """A line as it stands now."""
    heard_at = None if given.heard_at is None else timestamp(given.heard_at)
    fields = {name: getattr(given, name) for name in _LINE}
    return {**fields, "heard_at": heard_at, "facts": dict(given.facts)}


def person(user: User) -> dict[str, Any]:
    """A user, without any secret."""
    return {
        "name": user.name,
        "may": list(user.may),
        "to": list(user.to),
        "lines": list(user.lines),
        "messages_a_day": user.messages_a_day,
        "segments_a_day": user.segments_a_day,
        "networks": [str(network) for network in user.networks],
        "password": user.password is not None,
        "token": user.token is not None,
    }


def health(given: status.Health) -> Mapping[str, object]:
    """Whether the gateway can do its work."""
    figures = {name: n if isfinite(n) else None for name, n in given.figures.items()}
    if given.ok:
        return {"status": "ok", "figures": figures}
    return {"status": "trouble", "problems": list(given.problems), "figures": figures}
