"""An alarm, and as much of a gateway as an SMS bridge sees."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from goiptwist.errors import Conflict
from goiptwist.model.messages import Direction, Message, State, Submission
from goiptwist.telephony.numbering import international

ALARM = Message(
    id="x-7",
    direction=Direction.ALARM,
    sender="Alarm 1113",
    text="Account 1113: audible panic alarm, partition 3, zone 3\n1113,18,1,123,03,003",
    alarm="1113,18,1,123,03,003",
    at=1_795_000_000.0,
    state=State.RECEIVED,
    origin="user:panel",
)


@define(eq=False)
class Gateway:
    """
    Keeps what is submitted, one SMS for each client id, as the real one does.

    @ivar sms: by client id.
    @ivar refusal: raised instead of keeping.
    """

    clock: Clock = field(factory=lambda: _clock())
    sms: dict[str, Message] = field(factory=dict)
    notes: dict[str, str] = field(factory=dict)
    alarms: dict[str, str] = field(factory=lambda: {"x-7": ""})
    refusal: Exception | None = None
    names: dict[str, str] = field(factory=dict)
    waiting: dict[str, list[Deferred[str]]] = field(factory=dict)

    async def submit(self, wanted: Submission) -> list[Message]:
        if self.refusal is not None:
            raise self.refusal
        [recipient] = wanted.recipients
        made = Message(
            id=f"x-{len(self.sms) + 10}",
            direction=Direction.OUT,
            recipient=recipient,
            text=wanted.text,
            pool=wanted.pool,
            at=self.clock.seconds(),
            state=State.QUEUED,
            origin=wanted.origin,
            client_id=wanted.client_id,
        )
        return [self.sms.setdefault(wanted.client_id, made)]

    async def remember(self, key: str, value: str) -> None:
        self.notes[key] = value

    async def recall(self, key: str) -> str:
        return self.notes.get(key, "")

    async def acknowledge(self, alarm_id: str, by: str) -> None:
        if alarm_id not in self.alarms:
            raise Conflict(f"there is no alarm {alarm_id!r}")
        self.alarms[alarm_id] = by
        for waiting in self.waiting.pop(alarm_id, []):
            waiting.callback(by)

    def acknowledgement(self, alarm_id: str) -> Deferred[str]:
        waiting: Deferred[str] = Deferred(lambda own: self.waiting[alarm_id].remove(own))
        self.waiting.setdefault(alarm_id, []).append(waiting)
        return waiting

    def dialled(self, typed: str) -> str:
        return international(typed, "HU")

    def name_of(self, number: str) -> str:
        return self.names.get(number, "")

    def becomes(self, client_id: str, **changes: Any) -> Message:
        """Something becomes of an SMS."""
        self.sms[client_id] = evolve(self.sms[client_id], **changes)
        return self.sms[client_id]


def _clock() -> Clock:
    clock = Clock()
    clock.advance(ALARM.at)
    return clock
