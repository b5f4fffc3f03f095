"""
What waits for a destination, and what becomes of it there. Pure.
"""

from __future__ import annotations

from attrs import evolve, frozen

from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import Message, OnUnknown, State

#: What a policy makes of a message and of its row in the queue.
AFTER_UNKNOWN = {
    OnUnknown.HOLD: (State.UNKNOWN, "unknown"),
    OnUnknown.RESEND: (State.QUEUED, "waiting"),
    OnUnknown.FAIL: (State.FAILED, "failed"),
}


@frozen
class Delivered:
    """
    What a destination says about a message that it took.

    @ivar detail: the far side's words, for the journey.
    @ivar line: the line it left by; empty for bridges.
    @ivar sms_no: the device's number for it, which its delivery report will
        carry; empty where there is none.
    """

    detail: str = ""
    line: str = ""
    sms_no: str = ""


@frozen(kw_only=True)
class QueueEntry:
    """
    One row of a queue: a message that waits for a destination.

    @ivar recipient: whom of the destination's recipients it is for; empty
        where the destination has the message as a whole.
    @ivar attempts: how often it has been tried.
    @ivar due: when it may be tried next, in seconds since the epoch.
    @ivar since: when the destination could first have it, where that is not
        C{message.at}; or 0.
    @ivar step: of a chain: who follows.
    """

    destination: str
    message: Message
    due: float
    recipient: str = ""
    attempts: int = 0
    since: float = 0.0
    step: EscalationStep | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one row of its queue."""
        return self.message.id, self.recipient

    @property
    def begin(self) -> float:
        """When the destination could first have it."""
        return self.since or self.message.at


@frozen(kw_only=True)
class Settlement:
    """
    What became of one delivery.

    @ivar recipient: as of the L{QueueEntry}.
    @ivar state: where an outgoing message stands now; incoming ones find
        their state from all their deliveries.
    @ivar queue: the state of the row in the queue: waiting, done, failed,
        unknown, expired or cancelled. What is failed, and another destination
        gets it, is escalated.
    @ivar step: the word for the journey, or empty where other tables tell.
    @ivar due: when a waiting row is tried next.
    @ivar outcome: what became of what was given to the SIM: sent, failed,
        deferred or unknown.
    @ivar line: by which line an outgoing message left, or empty.
    @ivar instead: who gets it now, since this one never will.
    """

    message: Message
    destination: str
    recipient: str = ""
    state: State
    queue: str
    attempts: int
    due: float
    at: float
    detail: str = ""
    step: str = ""
    line: str = ""
    sms_no: str = ""
    outcome: str = ""
    instead: EscalationStep | None = None

    @property
    def place(self) -> str:
        """Where it was delivered to, for the journey."""
        return place_of(self.destination, self.recipient)

    @property
    def reason(self) -> str:
        """Why the message stands where it stands now; may be empty."""
        return "" if self.queue == "done" else self.detail

    def after(self) -> Message:
        """The outgoing message as it stands after this."""
        return evolve(
            self.message,
            state=self.state,
            reason=self.reason,
            line=self.line or self.message.line,
        )


def place_of(destination: str, recipient: str) -> str:
    """How a destination, or one recipient of it, is called in a journey."""
    return f"{destination} {recipient}" if recipient else destination
