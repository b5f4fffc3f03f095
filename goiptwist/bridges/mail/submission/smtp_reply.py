"""
Replies of SMTP (RFC 5321 section 4.2) with their enhanced codes (RFC 3463), and
the reply to each kind of error. Pure.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from goiptwist.bridges.mail.reading.printable import readable
from goiptwist.errors import (
    Busy,
    Conflict,
    Forbidden,
    GoipTwistError,
    OverQuota,
    Refused,
    Unacceptable,
)

#: Characters of text in one line: with codes and CRLF it stays below the 512
#: octets of RFC 5321 section 4.5.3.1.5.
LINE_AT_MOST = 400


class SmtpReply(GoipTwistError):
    """
    One reply. It may be returned, or raised from any place where something is wrong.

    @ivar code: the three digits.
    @ivar enhanced: such as C{5.7.1}; empty where none belongs.
    @ivar text: one sentence. The far side hands it to a person as it is.
    """

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(text)
        self.code, self.enhanced, self.text = code, enhanced, text

    @property
    def taken(self) -> bool:
        return 200 <= self.code < 300

    @property
    def later(self) -> bool:
        """Whether the far side should come again with the same."""
        return 400 <= self.code < 500

    @property
    def codes(self) -> str:
        """What may stand in a log: the text may name people."""
        return f"{self.code} {self.enhanced}".strip()

    @property
    def lines(self) -> list[str]:
        """The text as it may stand on the wire: short, printable, ASCII."""
        clean = readable(self.text).encode("ascii", "replace").decode("ascii")
        parts = textwrap.wrap(clean, LINE_AT_MOST) or [""]
        return [f"{self.enhanced} {part}".strip() for part in parts]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SmtpReply) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.code, self.enhanced, self.text))

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}"

    def __repr__(self) -> str:
        return f"Reply({self.code}, {self.enhanced!r}, {self.text!r})"


class ClosingReply(SmtpReply):
    """The last reply: the connection is closed behind it."""


#: A bug of ours, or a submission that forgot a recipient: the mail is not lost
#: as long as the far side keeps it.
INTERNAL_ERROR = SmtpReply(451, "4.3.0", "Something is wrong on our side; come again later")


def reply_to(error: BaseException) -> SmtpReply | None:
    """
    The reply to an error.

    @return: C{None} for an error that nobody foresaw: log it, and reply with
        L{INTERNAL_ERROR}.
    """
    if isinstance(error, SmtpReply):
        return error
    if isinstance(error, Forbidden):
        return SmtpReply(550, "5.7.1", str(error))
    if isinstance(error, OverQuota):
        return SmtpReply(452, "4.7.1", str(error))
    if isinstance(error, Busy):
        return SmtpReply(451, "4.3.2", str(error))
    if isinstance(error, Unacceptable | Refused | Conflict):
        return SmtpReply(554, "5.6.0", str(error))
    if isinstance(error, GoipTwistError):
        return SmtpReply(451, "4.3.0", str(error))
    return None


def in_one(replies: Mapping[str, SmtpReply]) -> SmtpReply:
    """
    One answer for several recipients, since SMTP has no more.

    It is positive only if every recipient was taken: a positive reply for a
    recipient who was not would lose a text without a trace. If one of them may be
    taken later, the mail has to come again, and the submission knows by its
    Message-ID which recipients it has taken already. Otherwise the reply is
    negative and names those who were taken and those who were not, so that a
    person can see which of them to write to again.
    """
    each = list(replies.values())
    first = each[0]
    if all(reply == first for reply in each) or all(reply.taken for reply in each):
        return first
    later = [reply for reply in each if reply.later]
    if later:
        return SmtpReply(later[0].code, later[0].enhanced, _by_outcome(replies))
    refused = next(reply for reply in each if not reply.taken)
    return SmtpReply(refused.code, refused.enhanced, _by_outcome(replies))


def _by_outcome(replies: Mapping[str, SmtpReply]) -> str:
    taken = [recipient for recipient, reply in replies.items() if reply.taken]
    together: dict[str, list[str]] = {}
    for recipient, reply in replies.items():
        if not reply.taken:
            together.setdefault(reply.text, []).append(recipient)
    parts = [f"NOT taken for {_named(those)}: {text}" for text, those in together.items()]
    if taken:
        parts.append(f"taken for {_named(taken)}")
    return "; ".join(parts)


def _named(recipients: Sequence[str], most: int = 5) -> str:
    more = f" and {len(recipients) - most} more" if len(recipients) > most else ""
    return ", ".join(recipients[:most]) + more
