"""
The status mail: it tells the sender of a mail what became of his SMS, in words
and in the form of RFC 3464 that mail programs understand. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from attrs import frozen

from goiptwist.bridges.mail.outgoing.composition import (
    POLICY,
    SUBJECT_AT_MOST,
    body_text,
    header_text,
    mailbox,
    message_id,
    unstructured,
)
from goiptwist.bridges.mail.submission.context import MailContext
from goiptwist.model.notifications import Notification

#: Characters of a diagnostic.
REASON_AT_MOST = 300


@frozen
class StatusWording:
    """
    How a mail says one of the statuses.

    @ivar action: RFC 3464 section 2.3.3.
    @ivar status: RFC 3463.
    @ivar subject: before the subject of the mail.
    @ivar sentence: for a person.
    """

    action: str
    status: str
    subject: str
    sentence: str


#: An unknown SMS is "delayed", not "failed": it may have arrived, and a
#: delivery report can still say so.
WORDINGS = {
    "failed": StatusWording("failed", "5.0.0", "SMS not sent", "Your SMS could not be sent."),
    "expired": StatusWording(
        "failed", "4.4.7", "SMS not sent", "Your SMS was not sent: no line took it in its time."
    ),
    "cancelled": StatusWording("failed", "5.0.0", "SMS withdrawn", "Your SMS was withdrawn."),
    "undelivered": StatusWording(
        "failed",
        "5.2.0",
        "SMS not delivered",
        "Your SMS was sent, but the network could not deliver it to the phone.",
    ),
    "unknown": StatusWording(
        "delayed",
        "4.5.0",
        "SMS uncertain",
        "Nobody knows whether your SMS was sent: the device went silent when it had the number. "
        "It is not sent again on our own account.",
    ),
    "delayed": StatusWording(
        "delayed",
        "4.4.7",
        "SMS delayed",
        "Your SMS still waits to be sent. You need not send it again.",
    ),
    "sent": StatusWording("relayed", "2.0.0", "SMS sent", "The network has taken your SMS."),
    "delivered": StatusWording(
        "delivered", "2.0.0", "SMS delivered", "The phone has got your SMS."
    ),
}


def compose_status(notification: Notification, mail: MailContext, sender: str, name: str) -> bytes:
    """
    Write the mail.

    @param mail: the one that became the SMS.
    @param sender: the address that our mails come from.
    @param name: the host name of the gateway.
    @return: RFC 5322 with CRLF line ends and seven-bit content.
    """
    wording = WORDINGS[notification.status]
    outer = EmailMessage(policy=POLICY)
    for key, value in _header(notification, mail, wording, sender):
        outer.set_raw(key, value)
    outer.set_content(_text(notification, mail, wording))
    outer.make_mixed()
    outer.replace_header("Content-Type", 'multipart/report; report-type="delivery-status"')
    outer.set_boundary(f"status-{notification.id}")
    outer.attach(_machine_form(notification, mail, wording, name))
    outer.attach(_returned(mail))
    return outer.as_bytes()


def _header(
    notification: Notification, mail: MailContext, wording: StatusWording, sender: str
) -> Iterator[tuple[str, str]]:
    own = message_id(notification.message, sender.rpartition("@")[2]).removeprefix("<")
    about = f": {mail.subject}" if mail.subject else f" to {notification.message.recipient}"
    yield "From", mailbox("From", "SMS gateway", sender)
    yield "To", f"<{mail.to}>"
    yield "Subject", unstructured("Subject", header_text(wording.subject + about, SUBJECT_AT_MOST))
    yield "Date", format_datetime(datetime.fromtimestamp(notification.at, UTC))
    yield "Message-ID", f"<{notification.id}.{notification.status}.{own}"
    if mail.message_id:
        yield "In-Reply-To", f"<{mail.message_id}>"
    if mail.references:
        yield "References", "\r\n ".join(f"<{each}>" for each in mail.references)
    yield "Auto-Submitted", "auto-replied"  # RFC 3834 section 5
    yield "X-Auto-Response-Suppress", "All"
    yield "X-GoIP-Id", notification.message.id


def _reason(notification: Notification) -> str:
    return header_text(notification.reason, REASON_AT_MOST)


def _text(notification: Notification, mail: MailContext, wording: StatusWording) -> str:
    about = [f"To: {notification.message.recipient}"]
    if notification.message.line:
        about.append(f"By line: {notification.message.line}")
    if _reason(notification):
        about.append(f"Reason: {_reason(notification)}")
    about.append(f"Handed in: {_date(mail.arrived)}")
    about.append(f"Number of the message: {notification.message.id}")
    if mail.note:
        about.append(f"Note: {mail.note}")
    return body_text(
        "\n".join([wording.sentence, "", *about, "", "Your text:", "", notification.message.text])
    )


def _machine_form(
    notification: Notification, mail: MailContext, wording: StatusWording, name: str
) -> EmailMessage:
    whole = [("Reporting-MTA", f"dns; {name}"), ("Arrival-Date", _date(mail.arrived))]
    if mail.envid:
        whole.insert(0, ("Original-Envelope-Id", mail.envid))
    one = [
        ("Final-Recipient", f"rfc822; {mail.recipient}"),
        ("Action", wording.action),
        ("Status", wording.status),
        ("Last-Attempt-Date", _date(notification.at)),
        ("Final-Log-Id", notification.message.id),
    ]
    if mail.orcpt:
        kind, _, address = mail.orcpt.partition(";")
        one.insert(0, ("Original-Recipient", f"{kind}; {address}"))
    if _reason(notification):
        one.append(("Diagnostic-Code", f"x-goip; {_ascii(_reason(notification))}"))
    part = EmailMessage(policy=POLICY)
    part.set_raw("Content-Type", "message/delivery-status")
    part.set_payload([_group(whole), _group(one)])
    return part


def _group(fields: list[tuple[str, str]]) -> EmailMessage:
    group = EmailMessage(policy=POLICY)
    for key, value in fields:
        group.set_raw(key, _ascii(value))
    return group


def _returned(mail: MailContext) -> EmailMessage:
    """The header of the mail, as much of it as we remember (RFC 6522 section 4)."""
    part = EmailMessage(policy=POLICY)
    lines = [f"To: <{mail.recipient}>"]
    if mail.subject:
        lines.append(f"Subject: {unstructured('Subject', mail.subject)}")
    if mail.message_id:
        lines.append(f"Message-ID: <{mail.message_id}>")
    part.set_raw("Content-Type", "text/rfc822-headers")
    part.set_payload(_ascii("\r\n".join(lines)) + "\r\n")
    return part


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC))


def _ascii(text: str) -> str:
    """These fields know no encoded words (RFC 3464 section 2.1.1)."""
    return text.encode("ascii", "replace").decode("ascii")
