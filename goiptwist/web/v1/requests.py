"""
What may come in: the bodies and queries of each path. These classes check what
is sent, and are what the OpenAPI document shows.

They see to the shape only; whether a number or a line exists is the gateway's
to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from goiptwist.contact_id.event import USUAL_ACCOUNT
from goiptwist.telephony.validation import LONGEST_CLIENT_ID, LONGEST_TEXT, MOST_URGENT
from goiptwist.web.http.timestamps import parse_timestamp
from goiptwist.web.http.validation import Shape

#: Recipients of one submission. It is committed as one group, which must not
#: keep others waiting for long.
MAX_RECIPIENTS = 1000

#: Characters of one recipient as typed, with blanks and brackets; E.164 has 15 digits.
MAX_RECIPIENT = 64

#: Submissions of one batch, and their recipients in all.
MAX_BATCH = 10_000

#: Characters that are searched for. The whole query must fit into 16 kB,
#: with twelve for each character.
MAX_SEARCHED = 200

#: Messages of one page, where the client says nothing and at the most.
PAGE, MAX_PAGE = 100, 1000

#: Characters of a name that we are asked for: a line, a pool, a user.
MAX_WORD = 100

#: Characters of an Idempotency-Key; in a batch a number is added to each.
MAX_KEY = LONGEST_CLIENT_ID - 10

#: Bridges that one submission may name.
MAX_REPORTS = 10


def _listed(given: object) -> object:
    return given if isinstance(given, list) else [given]


def _digits(given: object) -> object:
    if isinstance(given, str):
        if not (given.isascii() and given.isdigit() and len(given) <= len(str(MAX_PAGE))):
            raise ValueError(f"must be a number from 1 to {MAX_PAGE}")
        return int(given)
    return given


def _separated(given: object) -> object:
    return given.split(",") if isinstance(given, str) else given


def _one_or_many(one: dict[str, Any], most: int) -> WithJsonSchema:
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": most}
    return WithJsonSchema({"anyOf": [one, many]})


#: What the document says of what L{goiptwist.telephony.validation} checks.
NUMBER = r"^[ \u00a0().\-/]*\+?([ \u00a0().\-/]*[0-9]){3,20}[ \u00a0().\-/]*$"
NO_CONTROLS = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]+$"

_NUMBER = {"type": "string", "minLength": 3, "maxLength": MAX_RECIPIENT, "pattern": NUMBER}
_WORD = {"type": "string", "minLength": 1, "maxLength": MAX_WORD}

Recipients = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_RECIPIENT)]],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=MAX_RECIPIENTS),
    _one_or_many(_NUMBER, MAX_RECIPIENTS),
]
BridgeNames = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_WORD)]],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=MAX_REPORTS),
    _one_or_many(_WORD, MAX_REPORTS),
]
Timestamp = Annotated[
    float,
    BeforeValidator(parse_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Word = Annotated[str, Field(max_length=MAX_WORD)]
Text = Annotated[
    str,
    Field(
        max_length=LONGEST_TEXT,
        description=f"The text: up to {LONGEST_TEXT} bytes of UTF-8, without control characters "
        "but newline and tab.",
        json_schema_extra={"minLength": 1, "pattern": NO_CONTROLS},
    ),
]


class SubmissionRequest(Shape):
    """One text for one or more recipients."""

    formerly = {"report": "notify"}

    to: Recipients = Field(
        description="Who gets it: one number, or a list. Blanks, dots, hyphens and brackets are "
        "taken out."
    )
    text: Text
    line: Word = Field(default="", description="Send by this line only.")
    pool: Word = Field(
        default="", description="Send by any line of this pool; without one, by the default pool."
    )
    id: str = Field(
        default="",
        max_length=LONGEST_CLIENT_ID,
        description="Your own name for it. The same id again is answered with the same messages "
        "and sends nothing.",
    )
    send_at: Timestamp = Field(default=0.0, description="Not before this time.")
    expires: Timestamp = Field(default=0.0, description="Not after this time.")
    priority: int = Field(
        default=0,
        ge=0,
        le=MOST_URGENT,
        description="Each step lets it overtake what was accepted up to an hour earlier.",
    )
    notify: BridgeNames = Field(
        default_factory=list,
        description="Bridges that are notified of what becomes of it, such as a webhook: the NAME "
        "of [bridge.NAME].",
    )
    on_unknown: Literal["hold", "resend", "fail"] | None = Field(
        default=None,
        description="What follows if nobody knows whether it went out; null leaves it to the "
        "settings of the gateway.",
    )
    fit: Literal["gsm7"] | None = Field(
        default=None,
        description="Send it in the letters of the GSM alphabet, of which an SMS holds 160 and "
        "not 70.",
    )

    @classmethod
    def contradictions(cls, given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """See L{Shape}."""
        if given.get("line") and given.get("pool"):
            yield "line", "give line or pool, not both"


class BatchRequest(Shape):
    """Many submissions, each of which is kept or refused by itself."""

    messages: list[Any] = Field(
        min_length=1,
        max_length=MAX_BATCH,
        description=f"Submissions, with at most {MAX_BATCH} recipients in all.",
        json_schema_extra={"items": {"$ref": "#/components/schemas/Submission"}},
    )

    @classmethod
    def contradictions(cls, given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """See L{Shape}."""
        many = given.get("messages")
        if isinstance(many, list) and sum(map(_recipients, many)) > MAX_BATCH:
            yield "messages", f"must not have more than {MAX_BATCH} recipients in all"


def _recipients(one: object) -> int:
    to = one.get("to") if isinstance(one, dict) else None
    return len(to) if isinstance(to, list) else 1


class PreviewRequest(Shape):
    """A text, to see what it would cost."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]


class ResolutionRequest(Shape):
    """What a person knows of a message of which the gateway does not."""

    verdict: Literal["sent", "failed", "resend"] = Field(
        description="sent or failed settles it; resend sends it once more, and so perhaps twice."
    )


class RedeliveryRequest(Shape):
    """To whom a message is handed once more."""

    bridge: Annotated[str, Field(min_length=1, max_length=MAX_WORD)] = Field(
        description="The NAME of [bridge.NAME]."
    )


class SubmissionQuery(Shape):
    """The query of a submission."""

    fit: Literal["gsm7"] | None = Field(
        default=None,
        description="Let the answer offer the text in the letters of the GSM alphabet; what is "
        "sent stays as it is.",
    )


class MessagesQuery(Shape):
    """
    Which messages are shown. Without any of the keys of a search they
    come oldest first; with one, newest first.
    """

    direction: Literal["in", "out", "alarm"] | None = Field(
        default=None, description="in came from a SIM, out goes to one, alarm is an alarm."
    )
    after: Word = Field(
        default="", description="Oldest first: go on behind this id. Not with a search."
    )
    order: Literal["oldest", "newest"] | None = Field(
        default=None, description="Which come first; a search is always newest first."
    )
    state: (
        Literal[
            "queued",
            "sending",
            "sent",
            "failed",
            "expired",
            "cancelled",
            "unknown",
            "received",
            "delivered",
            "kept",
        ]
        | None
    ) = Field(default=None, description="Search: where it stands.")
    line: Word = Field(default="", description="Search: by which line.")
    origin: Word = Field(default="", description="Search: who submitted it, such as user:NAME.")
    number: Annotated[str, Field(max_length=MAX_RECIPIENT)] = Field(
        default="", description="Search: how a sender's or recipient's number ends."
    )
    text: Annotated[str, Field(max_length=MAX_SEARCHED)] = Field(
        default="", description="Search: a part of the text, as it is written there."
    )
    since: Timestamp = Field(default=0.0, description="Search: accepted at this time or later.")
    until: Timestamp = Field(default=0.0, description="Search: accepted before this time.")
    before: Word = Field(default="", description="Search: go on behind this id, as next says.")
    limit: Annotated[int, BeforeValidator(_digits), Field(ge=1, le=MAX_PAGE)] = Field(
        default=PAGE, description="How many at the most."
    )

    @property
    def is_search(self) -> bool:
        """Whether they come newest first."""
        return self.order == "newest" or any(getattr(self, name) for name in SEARCHED)

    @classmethod
    def contradictions(cls, given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """See L{Shape}."""
        searched = [name for name in SEARCHED if given.get(name)]
        if given.get("order") == "newest":
            searched.append("order=newest")
        if given.get("after") and searched:
            yield "after", f"does not go with {searched[0]}; say before"
        elif given.get("order") == "oldest" and searched:
            yield "order", f"does not go with {searched[0]}, which is newest first"


SEARCHED = ("state", "line", "origin", "number", "text", "since", "until", "before")


#: The parts of an event, as keys.
PARTS = ("account", "type", "qualifier", "code", "partition", "zone")


def _account(given: Any) -> Any:
    is_text = isinstance(given, str) and given
    return given.strip().upper().rjust(USUAL_ACCOUNT, "0") if is_text else given


def _code(given: Any) -> Any:
    if not isinstance(given, str) or not given:
        return given
    code = given.strip().upper()
    if len(code) != 3 or not set(code) <= set("0123456789ABCDEF"):
        raise ValueError("must be three hex digits, such as 130")
    return code


class AlarmSubmissionRequest(Shape):
    """One event of an alarm panel: as event, or part by part."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"event": "1113,18,1,123,03,003"}]})
    formerly = {"report": "notify"}

    event: Word = Field(
        default="",
        description="In any form of Contact ID: 1113,18,1,123,03,003, or its 16 digits, "
        "1113181123030032, or these in groups.",
    )
    account: Word = Field(
        default="",
        description="Whose panel it is: 4 hex digits, or 3 to 16 where it goes over IP.",
    )
    type: Word = Field(default="", description="18, which may be left out, or 98.")
    qualifier: Word = Field(
        default="", description="1 new event or opening, 3 restore or closing, 6 still so."
    )
    code: Word = Field(default="", description="What happened: 3 hex digits, such as 130.")
    partition: Word = Field(default="", description="Up to 2 hex digits; none is 00.")
    zone: Word = Field(
        default="", description="Up to 3 hex digits, the zone or the user; none is 000."
    )
    to: Word = Field(
        default="", description="A note of your own. Routes say where it goes; nobody dials this."
    )
    id: str = Field(
        default="",
        max_length=LONGEST_CLIENT_ID,
        description="Your own name for it. The same id again is answered with the same alarm "
        "and raises none.",
    )
    notify: BridgeNames = Field(
        default_factory=list,
        description="Bridges that are notified of what becomes of it, such as a webhook: the NAME "
        "of [bridge.NAME].",
    )

    @classmethod
    def contradictions(cls, given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """See L{Shape}."""
        parts = [name for name in PARTS if given.get(name)]
        if given.get("event") and parts:
            yield parts[0], "give event or its parts, not both"
        if not given.get("event") and not parts:
            yield "event", "give event, or account, qualifier and code"


class AlarmsQuery(Shape):
    """Which alarms are shown."""

    account: Annotated[Word, BeforeValidator(_account)] = Field(
        default="", description="Of this account."
    )
    code: Annotated[Word, BeforeValidator(_code)] = Field(
        default="", description="With this event code."
    )
    state: Literal["received", "delivered", "failed"] | None = Field(
        default=None,
        description="received: still under way; delivered: somebody has it; failed: nobody has.",
    )
    since: Timestamp = Field(default=0.0, description="Accepted at this time or later.")
    until: Timestamp = Field(default=0.0, description="Accepted before this time.")
    before: Word = Field(default="", description="Go on behind this id, as next says.")
    limit: Annotated[int, BeforeValidator(_digits), Field(ge=1, le=MAX_PAGE)] = Field(
        default=PAGE, description="How many at the most."
    )


class EventsQuery(Shape):
    """What is told live."""

    last: Word = Field(
        default="", description="Go on behind this event; as the header Last-Event-ID."
    )
    kinds: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=MAX_WORD)]],
        BeforeValidator(_separated),
        Field(max_length=20),
        WithJsonSchema({"type": "string", "maxLength": 1000}),
    ] = Field(
        default_factory=list,
        description="Only these, with commas between, such as message.received,line.lost; "
        "message.* is every kind that begins so.",
    )
    follow: Literal["yes", "no"] = Field(
        default="yes", description="no ends the answer when all that was missed is told."
    )
