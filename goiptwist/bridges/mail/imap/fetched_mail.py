"""
A mail of a mailbox, with the envelope that the server has noted in it. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from email import policy
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from typing import Any

from attrs import frozen

from goiptwist.bridges.mail.intake.content import check_text
from goiptwist.bridges.mail.intake.envelope import read_mail, read_recipient
from goiptwist.bridges.mail.submission.addresses import behind_mailbox

#: Where a mail may say for whom it is.
_ADDRESSED = ("X-Original-To", "Envelope-To", "To", "Cc")


@frozen
class FetchedMail:
    """
    A fetched mail with the envelope that the server has noted in it.

    @ivar content: with a Message-ID.
    """

    sender: str
    recipient: str
    content: bytes

    @classmethod
    def read(
        cls, content: bytes, recipient_header: str, own_id: str, mailboxes: Sequence[str] = ()
    ) -> FetchedMail:
        """
        @param own_id: the Message-ID of a mail that has none.
        @param mailboxes: the addresses under which the folder gets its mail.
        @raise SmtpReply: it is no mail, or has no recipient.
        """
        check_text(content)
        headers = BytesHeaderParser(policy=policy.compat32).parsebytes(content)
        recipient = _topmost(headers, recipient_header).strip("<>")
        for mailbox in mailboxes:
            if not recipient or recipient.lower() == mailbox.lower():
                recipient = _addressed(headers, mailbox) or recipient
        sender = _topmost(headers, "Return-Path") or "<>"
        if not headers.get("Message-ID"):
            content = f"Message-ID: <{own_id}>\r\n".encode() + content
        return cls(
            read_mail(f"FROM:{sender} SMTPUTF8".encode(), extended=True, login=False).sender,
            read_recipient(f"TO:<{recipient}>".encode(), extended=False, utf8=True).recipient,
            content,
        )


def _topmost(headers: Any, name: str) -> str:
    # What is further down was there before the mail came, and anybody may have written it.
    value = str((headers.get_all(name) or [""])[0]).strip()
    return value.encode("utf-8", "replace").decode()


def _addressed(headers: Any, mailbox: str) -> str:
    """
    Many servers note the mailbox alone, so the mail itself is asked for what
    stood behind the plus. Anybody may write that, but nobody a token of ours.
    """
    named = [str(value) for name in _ADDRESSED for value in headers.get_all(name) or ()]
    found = (address for _, address in getaddresses(named))
    return next((each for each in found if behind_mailbox(each, mailbox)), "")
