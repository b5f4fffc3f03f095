"""
L{Message}: the one shape that everything passes, and what may become of it.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import field, frozen

from goiptwist.contact_id.event import Event
from goiptwist.model.subscriptions import Subscription


class Direction(StrEnum):
    """
    Seen from the gateway: C{IN} came from a SIM, C{OUT} goes to one, C{ALARM}
    is what an alarm panel reports, whichever way it came, see L{AlarmReport}.
    C{NOTIFICATION} tells a bridge what became of one that went out, see
    L{Notification<goiptwist.model.notifications.Notification>}, and C{EVENT} what
    happened on a line, see L{LineEvent<goiptwist.model.notifications.LineEvent>}.
    """

    IN = "in"
    OUT = "out"
    ALARM = "alarm"
    NOTIFICATION = "notification"
    EVENT = "event"


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
    RECEIVED = "received"  # in, alarm: on disk, not yet handed on everywhere
    KEPT = "kept"  # in: on disk, and no bridge wants it
    DELIVERED = "delivered"  # in, alarm: every way of it ended with a delivery


class OnUnknown(StrEnum):
    """What follows when nobody knows whether a text went out."""

    HOLD = "hold"
    RESEND = "resend"
    FAIL = "fail"


@frozen(kw_only=True)
class Message:
    """
    One SMS, or one alarm, kept. A message of C{Direction.NOTIFICATION} or
    C{Direction.EVENT} is a row of the queue more than a message; bridges see it
    as L{Notification} or L{LineEvent}.

    @ivar id: unique in this gateway's life, never used again, sortable only
        through the store.
    @ivar line: the line it came in on, or the one that it is to leave (or left) by;
        empty where any line of the pool will do.
    @ivar pool: the pool of lines that it is to leave by, or empty.
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
    @ivar context: what the submitter gets back with notifications; nobody else reads it.
    @ivar subscriptions: the bridges that are notified of what became of it.
    @ivar expires: when it is worth nothing any more, in seconds since the
        epoch; 0 leaves it to the settings.
    @ivar on_unknown: what follows if nobody knows whether it went out;
        C{None} leaves it to the settings.
    @ivar about: of a notification: the id of the message that it is about.
    @ivar topic: of a notification: one of L{STATUSES
        <goiptwist.model.subscriptions.STATUSES>}; its C{text} says why. Of an event:
        what happened; its C{text} is its fields as JSON.
    @ivar alarm: of an alarm: the event as machines have it, such as
        C{1113,18,1,123,03,003}. Its C{text} is a sentence and the same again,
        its C{sender} a name such as C{Alarm 1113}, and its C{recipient} what
        the submitter typed, if anything.
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
    context: str = field(default="", repr=False)
    subscriptions: tuple[Subscription, ...] = ()
    expires: float = 0.0
    on_unknown: OnUnknown | None = None
    about: str = ""
    topic: str = ""
    alarm: str = ""


@frozen(kw_only=True)
class Submission:
    """
    One text to one or more recipients, as a bridge or the HTTP interface
    hands it to L{goiptwist.interfaces.IMessages.submit}.

    @ivar recipients: as typed by the submitter; the gateway checks and
        normalises them.
    @ivar line: send by this line only; or empty.
    @ivar pool: send by any line of this pool; or empty. With neither, the
        default pool is taken.
    @ivar client_id: makes a repeat of the same submission by the same origin
        one message; or empty.
    @ivar context: what comes back with notifications; at most
        L{goiptwist.telephony.validation.LONGEST_CONTEXT} characters.
    @ivar subscriptions: the bridges that are notified of what became of it.
    @ivar send_at: not before this time, in seconds since the epoch; 0 is now.
    @ivar expires: not after this time; 0 leaves it to the settings.
    @ivar priority: 0 to 9; see L{goiptwist.telephony.validation.HEAD_START}.
    @ivar on_unknown: what follows if nobody knows whether it went out.
    """

    origin: str
    recipients: tuple[str, ...] = field(repr=False)
    text: str = field(repr=False)
    line: str = ""
    pool: str = ""
    client_id: str = ""
    context: str = field(default="", repr=False)
    subscriptions: tuple[Subscription, ...] = ()
    send_at: float = 0.0
    expires: float = 0.0
    priority: int = 0
    on_unknown: OnUnknown | None = None


@frozen(kw_only=True)
class AlarmReport:
    """
    One event of an alarm panel, as its receiver hands it to
    L{goiptwist.interfaces.IAlarms.raise_alarm}.

    @ivar origin: who brought it, such as C{user:ops} or C{dc09}.
    @ivar client_id: as of a L{Submission}: makes a repeat one alarm.
    @ivar recipient: as typed by the submitter; nobody dials it.
    @ivar line: the line that it came by, where it came as an SMS.
    @ivar sender: the number of that SMS. It chooses the way; it is not kept.
    @ivar context: what comes back with notifications, as of a L{Submission}.
    @ivar subscriptions: the bridges that are notified of what became of it:
        C{delivered} when all of its ways ended with a delivery, or C{failed}.
    """

    event: Event
    origin: str
    client_id: str = ""
    recipient: str = field(default="", repr=False)
    line: str = ""
    sender: str = field(default="", repr=False)
    context: str = field(default="", repr=False)
    subscriptions: tuple[Subscription, ...] = ()


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
    @ivar state: TP-Status of 3GPP TS 23.040 section 9.2.3.15; 0 is delivered.
    """

    line: str
    number: int
    sms_no: str
    state: int
    recipient: str = field(default="", repr=False)
    at: float

    @property
    def words(self) -> str:
        """
        C{delivered}, C{unconfirmed} (the SMSC is done and cannot say whether the
        handset has it), C{pending} (it still tries) or C{undelivered}.
        """
        if self.state == 0:
            return "delivered"
        if self.state < 32:
            return "unconfirmed"
        return "pending" if self.state < 64 else "undelivered"


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
