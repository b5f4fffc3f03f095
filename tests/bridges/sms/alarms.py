"""An alarm, and as much of a gateway as an SMS bridge sees."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from goiptwist.errors import Conflict
from goiptwist.model.messages import Direction, Message, State, Submission
from goiptwist.testing.stubs import StandInAlarms, StandInGateway, StandInMessages

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


@frozen(eq=False)
class _OneSmsEach(StandInMessages):
    """Keeps what is submitted, one SMS for each client id, as the real one does."""

    gateway: AlarmedGateway

    async def submit(self, submission: Submission) -> list[Message]:
        own = self.gateway
        if own.refusal is not None:
            raise own.refusal
        [recipient] = submission.recipients
        made = Message(
            id=f"x-{len(own.sms) + 10}",
            direction=Direction.OUT,
            recipient=recipient,
            text=submission.text,
            pool=submission.pool,
            at=own.clock.seconds(),
            state=State.QUEUED,
            origin=submission.origin,
            client_id=submission.client_id,
        )
        return [own.sms.setdefault(submission.client_id, made)]


@frozen(eq=False)
class _OneAlarm(StandInAlarms):
    """Knows the alarms of L{AlarmedGateway.taken_over}, and no other."""

    gateway: AlarmedGateway

    async def acknowledge(self, alarm_id: str, by: str) -> Message:
        if alarm_id not in self.gateway.taken_over:
            raise Conflict(f"there is no alarm {alarm_id!r}")
        self.gateway.taken_over[alarm_id] = by
        for waiting in self.gateway.waiting.pop(alarm_id, []):
            waiting.callback(by)
        return ALARM

    def acknowledged(self, alarm_id: str) -> Deferred[str]:
        others = self.gateway.waiting.setdefault(alarm_id, [])
        waiting: Deferred[str] = Deferred(others.remove)
        others.append(waiting)
        return waiting


@define(eq=False)
class AlarmedGateway(StandInGateway):
    """
    The gateway that an SMS bridge sees.

    @ivar sms: by client id.
    @ivar taken_over: by the id of an alarm, who has acknowledged it; empty is nobody.
    @ivar refusal: raised instead of keeping.
    """

    reactor: Any = None
    clock: Clock = field(factory=lambda: _clock())
    country: str = "HU"
    sms: dict[str, Message] = field(factory=dict)
    taken_over: dict[str, str] = field(factory=lambda: {"x-7": ""})
    refusal: Exception | None = None

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.messages, self.alarms = _OneSmsEach(self), _OneAlarm(self)

    def becomes(self, client_id: str, **changes: Any) -> Message:
        """Something becomes of an SMS."""
        self.sms[client_id] = evolve(self.sms[client_id], **changes)
        return self.sms[client_id]


def _clock() -> Clock:
    clock = Clock()
    clock.advance(ALARM.at)
    return clock
