"""
L{Message}: the one shape that everything passes, and what may become of it.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import field, frozen


class Direction(StrEnum):
    """Seen from the gateway: C{IN} came from a SIM, C{OUT} goes to one."""

    IN = "in"
    OUT = "out"


class State(StrEnum):
    """
    Where a message stands. An outgoing one ends in exactly one of C{SENT},
    C{FAILED}, C{EXPIRED}, C{CANCELLED} and C{UNKNOWN}; only the last may still
    be settled, by a late answer, a delivery report or an operator.
    """

    QUEUED = "queued"  # out: on disk, waits for its turn
    SENDING = "sending"  # out: written down as given to a SIM, no verdict yet
    SENT = "sent"  # out: the network accepted it
    FAILED = "failed"  # either: nobody will take it
    EXPIRED = "expired"  # out: too old before a line was free
    CANCELLED = "cancelled"  # out: withdrawn before it left
    UNKNOWN = "unknown"  # out: the device went silent after it had the number
    RECEIVED = "received"  # in: on disk, not yet handed on everywhere
    HANDED_ON = "handed_on"  # in: every destination has taken it


class OnUnknown(StrEnum):
    """What follows when nobody knows whether a text went out."""

    HOLD = "hold"
    RESEND = "resend"
    FAIL = "fail"


@frozen(kw_only=True)
class Message:
    """
    One SMS, kept.

    @ivar id: unique in this gateway's life, never used again, sortable only
        through the store.
    @ivar line: the line it came in on, or the one it shall leave (or left) by;
        empty where any line of the pool will do.
    @ivar pool: the pool of lines it shall leave by, or empty.
    @ivar sender: who wrote it: an MSISDN, a short code, or an alphanumeric
        sender. Empty for outgoing texts.
    @ivar recipient: the MSISDN it goes to. Empty for incoming texts.
    @ivar at: when it was accepted, in seconds since the epoch.
    @ivar reason: why it stands where it stands, in words; may be empty.
    @ivar report: what the handset's delivery report said, or empty.
    @ivar origin: who submitted it, such as C{user:ops}.
    @ivar client_id: the submitter's own name for it, or empty.
    @ivar batch: messages of one submission share it, and so can share one
        bulk session of the device.
    @ivar smsc: the service centre that an incoming text names, or empty.
    """

    id: str
    direction: Direction
    line: str = ""
    pool: str = ""
    sender: str = field(default="", repr=False)
    recipient: str = field(default="", repr=False)
    text: str = field(repr=False)
    at: float
    state: State
    reason: str = ""
    report: str = ""
    origin: str = ""
    client_id: str = ""
    batch: str = ""
    smsc: str = ""


@frozen
class Wish:
    """
    Somebody wants to hear what becomes of a submission.

    @ivar destination: who is told, such as C{bridge:ops}.
    @ivar whats: the news that are wanted: any of C{sent}, C{failed},
        C{expired}, C{cancelled}, C{unknown}, C{delivered}, C{undelivered} and
        C{delayed}; none is all of them.
    """

    destination: str
    whats: tuple[str, ...] = ()


@frozen(kw_only=True)
class Submission:
    """
    One text to one or more recipients, as a bridge or the HTTP interface
    hands it to L{goiptwist.interfaces.IGateway.submit}.

    @ivar recipients: as typed by the submitter; the gateway checks and
        normalises them.
    @ivar line: send by this line only; or empty.
    @ivar pool: send by any line of this pool; or empty. With neither, the
        default pool is taken.
    @ivar client_id: makes a repeat of the same submission by the same origin
        one message; or empty.
    @ivar context: what the submitter wants back with news, 4000 characters at
        the most; nobody else reads it.
    @ivar tell: who wants to hear what.
    """

    origin: str
    recipients: tuple[str, ...] = field(repr=False)
    text: str = field(repr=False)
    line: str = ""
    pool: str = ""
    client_id: str = ""
    context: str = field(default="", repr=False)
    tell: tuple[Wish, ...] = ()


@frozen(kw_only=True)
class IncomingSms:
    """
    A text that a device has just handed in, not yet kept.

    @ivar number: the packet number; together with line, kind and text it
        tells a repeat from a new SMS.
    """

    line: str
    number: int
    sender: str = field(repr=False)
    text: str = field(repr=False)
    smsc: str = ""
    at: float


@frozen(kw_only=True)
class HandsetReport:
    """
    The state of a sent SMS at the handset (protocol: DELIVER).

    @ivar sms_no: the number that the device gave with its OK, as text.
    @ivar state: TP-Status of GSM 03.40 section 9.2.3.15; 0 is delivered.
    """

    line: str
    number: int
    sms_no: str
    state: int
    recipient: str = field(default="", repr=False)
    at: float

    @property
    def words(self) -> str:
        """C{delivered}, C{pending} (the SMSC still tries) or C{undelivered}."""
        if self.state < 32:
            return "delivered"
        return "pending" if self.state < 64 else "undelivered"


@frozen
class Handover:
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


@frozen
class Step:
    """
    One step of a message's journey.

    @ivar at: seconds since the epoch.
    @ivar what: a word such as C{accepted}, C{given}, C{sent}, C{deferred}.
    @ivar where: the destination or line, or empty.
    @ivar detail: what was said, in words.
    """

    at: float
    what: str
    where: str = ""
    detail: str = ""
