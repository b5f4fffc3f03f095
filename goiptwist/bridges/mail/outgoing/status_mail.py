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
    What a piece of news comes to in a mail.

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


def compose_status(news: Notification, mail: MailContext, sender: str, name: str) -> bytes:
    """
    Write the mail.

    @param mail: the one that became the SMS.
    @param sender: the address that our mails come from.
    @param name: the host name of the gateway.
    @return: RFC 5322 with CRLF line ends and seven-bit content.
    """
    meaning = WORDINGS[news.what]
    outer = EmailMessage(policy=POLICY)
    for key, value in _header(news, mail, meaning, sender):
        outer.set_raw(key, value)
    outer.set_content(_words(news, mail, meaning))
    outer.make_mixed()
    outer.replace_header("Content-Type", 'multipart/report; report-type="delivery-status"')
    outer.set_boundary(f"status-{news.id}")
    outer.attach(_machine_form(news, mail, meaning, name))
    outer.attach(_returned(mail))
    return outer.as_bytes()


def _header(
    news: Notification, mail: MailContext, meaning: StatusWording, sender: str
) -> Iterator[tuple[str, str]]:
    own = message_id(news.message, sender.rpartition("@")[2]).removeprefix("<")
    about = f": {mail.subject}" if mail.subject else f" to {news.message.recipient}"
    yield "From", mailbox("From", "SMS gateway", sender)
    yield "To", f"<{mail.to}>"
    yield "Subject", unstructured("Subject", header_text(meaning.subject + about, SUBJECT_AT_MOST))
    yield "Date", format_datetime(datetime.fromtimestamp(news.at, UTC))
    yield "Message-ID", f"<{news.id}.{news.what}.{own}"
    if mail.message_id:
        yield "In-Reply-To", f"<{mail.message_id}>"
    if mail.references:
        yield "References", "\r\n ".join(f"<{each}>" for each in mail.references)
    yield "Auto-Submitted", "auto-replied"  # RFC 3834 section 5
    yield "X-Auto-Response-Suppress", "All"
    yield "X-GoIP-Id", news.message.id


def _reason(news: Notification) -> str:
    return header_text(news.reason, REASON_AT_MOST)


def _words(news: Notification, mail: MailContext, meaning: StatusWording) -> str:
    about = [f"To: {news.message.recipient}"]
    if news.message.line:
        about.append(f"By line: {news.message.line}")
    if _reason(news):
        about.append(f"Reason: {_reason(news)}")
    about.append(f"Handed in: {_moment(mail.arrived)}")
    about.append(f"Number of the message: {news.message.id}")
    if mail.note:
        about.append(f"Note: {mail.note}")
    return body_text(
        "\n".join([meaning.sentence, "", *about, "", "Your text:", "", news.message.text])
    )


def _machine_form(
    news: Notification, mail: MailContext, meaning: StatusWording, name: str
) -> EmailMessage:
    whole = [("Reporting-MTA", f"dns; {name}"), ("Arrival-Date", _moment(mail.arrived))]
    if mail.envid:
        whole.insert(0, ("Original-Envelope-Id", mail.envid))
    one = [
        ("Final-Recipient", f"rfc822; {mail.recipient}"),
        ("Action", meaning.action),
        ("Status", meaning.status),
        ("Last-Attempt-Date", _moment(news.at)),
        ("Final-Log-Id", news.message.id),
    ]
    if mail.orcpt:
        kind, _, address = mail.orcpt.partition(";")
        one.insert(0, ("Original-Recipient", f"{kind}; {address}"))
    if _reason(news):
        one.append(("Diagnostic-Code", f"x-goip; {_ascii(_reason(news))}"))
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


def _moment(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC))


def _ascii(text: str) -> str:
    """These fields know no encoded words (RFC 3464 section 2.1.1)."""
    return text.encode("ascii", "replace").decode("ascii")
