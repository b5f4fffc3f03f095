"""
LMTP (RFC 2033): SMTP between neighbours, with an answer for each recipient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goiptwist.bridges.mail.intake.line_server import Replies
from goiptwist.bridges.mail.intake.session import SmtpSession
from goiptwist.bridges.mail.submission.interfaces import MailProtocol
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply


class LmtpSession(SmtpSession):
    """Greets with LHLO, and knows neither HELO nor EHLO (RFC 2033 section 4.1)."""

    protocol = MailProtocol.LMTP
    verbs = SmtpSession.verbs - {b"HELO", b"EHLO"} | {b"LHLO"}

    def greeting(self) -> bytes:
        """Called by the stock server for its first line."""
        return f"{self.context.domain} LMTP".encode("ascii")

    def do_LHLO(self, name: bytes) -> None:
        """RFC 2033 section 4.1."""
        self.do_EHLO(name)

    def final_replies(self, recipients: Sequence[str], replies: Mapping[str, SmtpReply]) -> Replies:
        """One reply for each RCPT that was taken, in their order (RFC 2033 section 4.2)."""
        return [replies[recipient] for recipient in recipients]
