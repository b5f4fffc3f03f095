"""
What follows from what a destination answered. Pure: no clock, no store.

A bridge and a pool of lines are the same here, and this is the one place that
decides, see L{outcome_of}.
"""

from __future__ import annotations

from attrs import evolve, frozen

from goiptwist.errors import Refused, TryLater, Unsure
from goiptwist.model.delivery import AFTER_UNKNOWN, Delivered, QueueEntry, Settlement
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import Direction, OnUnknown, State

#: Seconds to wait after the first, second, ... attempt that a bridge's far
#: side put off; the last one is repeated. Postfix's default of 5 minutes to
#: about an hour, with quicker first steps, since an SMS is read at once.
BRIDGE_SCHEDULE = (5.0, 30.0, 120.0, 300.0, 900.0, 1800.0, 3600.0)

#: Attempts that one bridge may have under way: enough to hide a slow
#: smarthost, few enough to be a polite client of it.
BRIDGE_AT_ONCE = 10

#: The same for a line. The network's temporary errors pass in minutes.
LINE_SCHEDULE = (5.0, 15.0, 60.0, 180.0, 600.0)


#: What a fallback gets; a notification is for the bridge that asked for it alone.
_INCOMING = (Direction.IN, Direction.ALARM)


@frozen(kw_only=True)
class RetryPolicy:
    """
    What a kind of destination is given.

    @ivar schedule: seconds between attempts.
    @ivar attempts: after so many the message has failed; 0 is no limit.
    @ivar lifetime: seconds after its acceptance when a message is given up.
    @ivar circuit_breaker: whether a destination that is not reached is left alone as a
        whole for a while, rather than tried message by message.
    @ivar at_once: how many messages it may have in hand.
    @ivar on_unknown: what follows when nobody knows.
    @ivar fallback: the destination that gets what this one will never take, or empty.
    """

    schedule: tuple[float, ...]
    attempts: int = 0
    lifetime: float
    circuit_breaker: bool
    at_once: int
    on_unknown: OnUnknown = OnUnknown.HOLD
    fallback: str = ""


def outcome_of(
    answer: Delivered | Exception | None,
    waiting: QueueEntry,
    destination: str,
    policy: RetryPolicy,
    now: float,
) -> Settlement:
    """
    What follows from what a destination answered.

    @param answer: what C{deliver} returned or raised.
    @param waiting: the row of the queue as it stood before the attempt.
    """
    match answer:
        case None | Delivered():
            return _done(answer or Delivered(), waiting, destination, now)
        case Unsure() if waiting.message.direction is Direction.ALARM:
            # A second copy of an alarm is a nuisance, a lost one a disaster.
            reason, asked, attempted = str(answer), None, True
        case Unsure():
            return _unsure(str(answer), waiting, destination, policy, now)
        case Refused():
            return _failed(str(answer), waiting, destination, policy, now)
        case TryLater():
            reason, asked = str(answer), answer.after
            alarm = waiting.message.direction is Direction.ALARM
            attempted = answer.attempted or (alarm and not policy.circuit_breaker)
        case _:
            # A bug in a destination must not lose a message.
            reason, asked, attempted = "internal error, see the log", None, True
    return _later(reason, asked, attempted, waiting, destination, policy, now)


def _settlement(
    waiting: QueueEntry, destination: str, state: State, queue: str, detail: str, now: float
) -> Settlement:
    return Settlement(
        message=waiting.message,
        destination=destination,
        recipient=waiting.recipient,
        state=state,
        queue=queue,
        attempts=waiting.attempts + 1,
        due=now,
        at=now,
        detail=detail,
        step=queue,
        outcome=queue,
    )


def _done(handover: Delivered, waiting: QueueEntry, destination: str, now: float) -> Settlement:
    incoming = waiting.message.direction is not Direction.OUT
    state = State.DELIVERED if incoming else State.SENT
    settled = _settlement(waiting, destination, state, "done", handover.detail, now)
    # The queue's row and the transmission tell this step already.
    return evolve(settled, step="", outcome="sent", line=handover.line, sms_no=handover.sms_no)


def _failed(
    reason: str, waiting: QueueEntry, destination: str, policy: RetryPolicy, now: float
) -> Settlement:
    settled = _settlement(waiting, destination, State.FAILED, "failed", reason, now)
    instead = waiting.step.next if waiting.step else None
    if instead is None and policy.fallback and waiting.message.direction in _INCOMING:
        chain = waiting.step.chain if waiting.step else 0
        instead = EscalationStep(policy.fallback, chain)
    return evolve(settled, instead=instead)


def _unsure(
    reason: str, waiting: QueueEntry, destination: str, policy: RetryPolicy, now: float
) -> Settlement:
    choice = waiting.message.on_unknown or policy.on_unknown
    attempts = waiting.attempts + 1
    if choice is OnUnknown.RESEND and policy.attempts and attempts >= policy.attempts:
        choice = OnUnknown.HOLD  # so many copies may be out: a person has to look
    state, queue = AFTER_UNKNOWN[choice]
    settled = _settlement(waiting, destination, state, queue, reason, now)
    return evolve(settled, outcome="unknown", step="unknown")


def _later(
    reason: str,
    asked: float | None,
    attempted: bool,
    waiting: QueueEntry,
    destination: str,
    policy: RetryPolicy,
    now: float,
) -> Settlement:
    attempts = waiting.attempts + attempted
    incoming = waiting.message.direction is not Direction.OUT
    if policy.attempts and attempts >= policy.attempts:
        final = f"gave up after {attempts} attempts: {reason}"
        return _failed(final, waiting, destination, policy, now)
    place = max(0, min(attempts, len(policy.schedule)) - 1)
    # A line that is away calls when it is back; a bridge that does not rest
    # would be tried without a pause.
    pauses = attempted or (incoming and not policy.circuit_breaker)
    due = now + max(policy.schedule[place] if pauses else 0.0, asked or 0.0)
    state = State.RECEIVED if incoming else State.QUEUED
    settled = _settlement(waiting, destination, state, "waiting", reason, now)
    step = "deferred" if attempted else ""
    return evolve(settled, due=due, attempts=attempts, step=step, outcome="deferred")


def too_old(waiting: QueueEntry, policy: RetryPolicy, now: float) -> bool:
    """Whether it is no use to try any more."""
    return now >= (waiting.message.expires or waiting.begin + policy.lifetime)


def expired(waiting: QueueEntry, destination: str, policy: RetryPolicy, now: float) -> Settlement:
    """
    What becomes of a message that was too long in the queue: a text expires,
    and a bridge that never took it has failed it.
    """
    if waiting.message.direction is not Direction.OUT:
        why = "gave up: never taken in all that time"
        return _failed(why, waiting, destination, policy, now)
    reason = "expired: no line took it in time"
    settled = _settlement(waiting, destination, State.EXPIRED, "expired", reason, now)
    return evolve(settled, attempts=waiting.attempts)
