"""What a destination says, how often it was tried before, and what follows."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from goiptwist.delivery.retry import (
    BRIDGE_SCHEDULE,
    LINE_SCHEDULE,
    RetryPolicy,
    expired,
    outcome_of,
)
from goiptwist.errors import Busy, Refused, StoreUnavailable, TryLater, Unsure
from goiptwist.model.delivery import Delivered, QueueEntry
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import Direction, Message, OnUnknown, State

NOW = 1_000_000.0
LINES = RetryPolicy(
    schedule=(5.0, 15.0, 60.0), attempts=5, lifetime=86400.0, circuit_breaker=False, at_once=100
)
BRIDGE = RetryPolicy(schedule=(5.0, 30.0), lifetime=86400.0, circuit_breaker=True, at_once=10)


def waiting(direction: Direction = Direction.OUT, attempts: int = 0) -> QueueEntry:
    state = State.QUEUED if direction is Direction.OUT else State.RECEIVED
    message = Message(id="t-1", direction=direction, text="x", at=NOW - 9, state=state)
    return QueueEntry(destination="b:a", message=message, attempts=attempts, due=NOW - 9)


#: answer, attempts before; state, row of the queue, seconds until due, attempts words.
OUTGOING = [
    (Delivered("OK", "goip1", "32"), 0, "sent", "done", 0, 1, "OK"),
    (None, 3, "sent", "done", 0, 4, ""),
    (Refused("no such number"), 0, "failed", "failed", 0, 1, "no such number"),
    (TryLater("busy"), 0, "queued", "waiting", 5, 1, "busy"),
    (TryLater("busy"), 1, "queued", "waiting", 15, 2, "busy"),
    (TryLater("busy"), 2, "queued", "waiting", 60, 3, "busy"),
    (TryLater("busy"), 3, "queued", "waiting", 60, 4, "busy"),
    (TryLater("busy"), 4, "failed", "failed", 0, 5, "gave up after 5 attempts: busy"),
    (TryLater("busy", after=600), 0, "queued", "waiting", 600, 1, "busy"),
    (TryLater("busy", after=1), 0, "queued", "waiting", 5, 1, "busy"),
    (TryLater("away", attempted=False), 0, "queued", "waiting", 0, 0, "away"),
    (TryLater("away", attempted=False), 4, "queued", "waiting", 0, 4, "away"),
    (TryLater("away", after=7, attempted=False), 2, "queued", "waiting", 7, 2, "away"),
    (Unsure("silence"), 0, "unknown", "unknown", 0, 1, "silence"),
    (KeyError("x"), 0, "queued", "waiting", 5, 1, "internal error, see the log"),
    (Busy("full", after=9), 0, "queued", "waiting", 5, 1, "internal error, see the log"),
    (StoreUnavailable("x"), 0, "queued", "waiting", 5, 1, "internal error, see the log"),
]


@pytest.mark.parametrize(
    ("answer", "before", "state", "queue", "due", "attempts", "detail"),
    OUTGOING,
    ids=[f"{row[0]!r} after {row[1]}" for row in OUTGOING],
)
def test_outgoing(
    answer: Any, before: int, state: str, queue: str, due: float, attempts: int, detail: str
) -> None:
    """What becomes of a text that a line was asked to send."""
    settlement = outcome_of(answer, waiting(attempts=before), "pool:a", LINES, NOW)
    assert (settlement.state, settlement.queue, settlement.detail) == (state, queue, detail)
    assert (settlement.due - NOW, settlement.attempts) == (due, attempts)


#: answer, attempts before; state, row of the queue, seconds until due.
INCOMING = [
    (None, 0, "delivered", "done", 0),
    (Delivered("250 queued"), 0, "delivered", "done", 0),
    (Refused("550"), 0, "failed", "failed", 0),
    (TryLater("451"), 0, "received", "waiting", 5),
    (TryLater("451"), 1, "received", "waiting", 30),
    (TryLater("451"), 1000, "received", "waiting", 30),
    (Unsure("cut off"), 0, "unknown", "unknown", 0),
]


@pytest.mark.parametrize(
    ("answer", "before", "state", "queue", "due"),
    INCOMING,
    ids=[f"{row[0]!r} after {row[1]}" for row in INCOMING],
)
def test_incoming(answer: Any, before: int, state: str, queue: str, due: float) -> None:
    """What becomes of an SMS that a bridge was asked to take: no number of tries is too many."""
    settlement = outcome_of(answer, waiting(Direction.IN, before), "bridge:a", BRIDGE, NOW)
    assert (settlement.state, settlement.queue, settlement.due - NOW) == (state, queue, due)


@pytest.mark.parametrize(
    ("policy", "state", "queue"),
    [
        (OnUnknown.HOLD, "unknown", "unknown"),
        (OnUnknown.RESEND, "queued", "waiting"),
        (OnUnknown.FAIL, "failed", "failed"),
    ],
)
def test_unknown(policy: OnUnknown, state: str, queue: str) -> None:
    """The journey says unknown in any case."""
    settlement = outcome_of(
        Unsure("silence"), waiting(), "pool:a", evolve(LINES, on_unknown=policy), NOW
    )
    assert (settlement.state, settlement.queue) == (state, queue)
    assert (settlement.step, settlement.outcome) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("before", "state"), [(0, "queued"), (3, "queued"), (4, "unknown"), (9, "unknown")]
)
def test_not_sent_again_for_ever(before: int, state: str) -> None:
    """
    Each C{resend} may be one more copy at the same handset: after as many as
    there are attempts a person has to look.
    """
    policy = evolve(LINES, on_unknown=OnUnknown.RESEND)
    settlement = outcome_of(Unsure("silence"), waiting(attempts=before), "pool:a", policy, NOW)
    assert settlement.state == state


def test_what_left() -> None:
    """The line and the device's number are kept, for the delivery report."""
    settlement = outcome_of(Delivered("OK", "goip1", "32"), waiting(), "pool:a", LINES, NOW)
    assert (settlement.line, settlement.sms_no, settlement.outcome) == ("goip1", "32", "sent")
    message = settlement.after()
    assert (message.state, message.line, message.reason) == ("sent", "goip1", "")


def test_expired() -> None:
    """A text expires; an SMS that no bridge ever took has failed there. No attempt counts."""
    out = expired(waiting(attempts=2), "pool:a", LINES, NOW)
    assert (out.state, out.queue, out.attempts) == ("expired", "expired", 2)
    assert out.after().reason == "expired: no line took it in time"
    into = expired(waiting(Direction.IN), "bridge:a", BRIDGE, NOW)
    assert (into.state, into.queue) == ("failed", "failed")


def test_no_limit() -> None:
    """0 attempts is no limit, also for lines."""
    settlement = outcome_of(
        TryLater("busy"), waiting(attempts=99), "pool:a", evolve(LINES, attempts=0), NOW
    )
    assert settlement.queue == "waiting"


def test_schedules_grow() -> None:
    """Patience grows with each attempt, and begins quickly: an SMS is read at once."""
    for schedule in (BRIDGE_SCHEDULE, LINE_SCHEDULE):
        assert list(schedule) == sorted(schedule)
        assert schedule[0] == 5


class TestAlarms:
    """A second copy is a nuisance, a lost alarm a disaster."""

    STEP = EscalationStep("b:a", 2, ("b:b",), 60.0)

    def waiting(self, leg: EscalationStep | None = None) -> QueueEntry:
        return evolve(waiting(Direction.ALARM), step=leg)

    def test_who_follows(self) -> None:
        """The next of the chain; after the last the fallback, which is of that chain too."""
        policy = evolve(BRIDGE, fallback="b:f")
        for leg, follows in (
            (self.STEP, self.STEP.next),
            (self.STEP.next, EscalationStep("b:f", 2)),
            (None, EscalationStep("b:f")),
        ):
            settled = outcome_of(Refused("no"), self.waiting(leg), "b:a", policy, NOW)
            assert (settled.queue, settled.instead) == ("failed", follows)
        later = outcome_of(TryLater("busy"), self.waiting(self.STEP), "b:a", policy, NOW)
        assert (later.queue, later.instead) == ("waiting", None)

    def test_unsure(self) -> None:
        """It may not have arrived, so it goes again."""
        settled = outcome_of(Unsure("no kissoff"), self.waiting(), "b:a", BRIDGE, NOW)
        assert (settled.queue, settled.due - NOW, settled.step) == ("waiting", 5, "deferred")

    @pytest.mark.parametrize(
        ("circuit_breaker", "pause", "attempts"), [(True, 0, 0), (False, 5, 1)]
    )
    def test_absence(self, circuit_breaker: bool, pause: float, attempts: int) -> None:
        """A bridge that does not rest uses up an attempt, and is not tried without a pause."""
        settled = outcome_of(
            TryLater("away", attempted=False),
            self.waiting(),
            "b:a",
            evolve(BRIDGE, circuit_breaker=circuit_breaker),
            NOW,
        )
        assert (settled.due - NOW, settled.attempts) == (pause, attempts)
