"""
Who is notified by mail of what became of an SMS, and of which statuses. Pure.

A status mail goes to the envelope sender, and only if that is proven to be the
author: else anybody could have us write to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable

from goiptwist.bridges.mail.reading.headers import Headers
from goiptwist.bridges.mail.reading.printable import readable
from goiptwist.bridges.mail.submission.authentication import author_of
from goiptwist.bridges.mail.submission.context import (
    NOTE_AT_MOST,
    REFERENCES_AT_MOST,
    SUBJECT_AT_MOST,
    MailContext,
    is_id,
)
from goiptwist.bridges.mail.submission.interfaces import DsnRequest
from goiptwist.bridges.mail.submission.relay_policy import Authorization

#: The statuses of an SMS for each keyword of NOTIFY (RFC 3461 section 4.1).
_STATUSES = {
    "failure": ("failed", "expired", "undelivered", "unknown"),
    "delay": ("delayed",),
    "success": ("delivered",),
}


def statuses_for(notify: Iterable[str]) -> tuple[str, ...]:
    """@return: of the statuses that L{goiptwist.model.subscriptions.Subscription} knows."""
    asked = set(notify)
    return tuple(
        status for word, statuses in _STATUSES.items() if word in asked for status in statuses
    )


def may_be_notified(
    by: Authorization, envelope_from: str, headers: Headers, *, logged_in: bool
) -> bool:
    """
    Whether a status mail to the envelope sender reaches the author of the mail.

    @param logged_in: a user who has logged in answers for the address.
    """
    sender, author = envelope_from.lower().rstrip("."), author_of(headers)
    if logged_in:
        return bool(sender)
    if by is Authorization.VOUCHED:  # systems have bounces come to an address of their own
        return bool(author) and sender.rpartition("@")[2] == author.rpartition("@")[2]
    return by is Authorization.REPLY and bool(author) and sender == author


def mail_context(
    headers: Headers,
    envelope_from: str,
    recipient: str,
    dsn: DsnRequest,
    now: float,
    note: str = "",
) -> MailContext | None:
    """
    @param note: what of the mail is not in the SMS.
    @return: C{None} where no report could be written to the sender.
    """
    own = [each for each in headers.ids("Message-ID")[:1] if is_id(each)]
    before = [each for each in headers.ids("References") if is_id(each) and each not in own]
    try:
        return MailContext(
            to=envelope_from,
            message_id="".join(own),
            references=(*before[1 - REFERENCES_AT_MOST :], *own),
            subject=readable(headers.first("Subject"))[:SUBJECT_AT_MOST],
            envid=dsn.envid,
            orcpt=dsn.orcpt,
            ret=dsn.ret,
            notify=dsn.notify,
            recipient=recipient,
            note=readable(note)[:NOTE_AT_MOST],
            arrived=int(now),
        )
    except ValueError:
        return None
