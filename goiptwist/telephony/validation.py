"""
What may be submitted: numbers and texts that a device can take. Whatever is
wrong is said before anything is kept.
"""

from __future__ import annotations

import re

from attrs import evolve

from goiptwist.errors import Unacceptable
from goiptwist.model.messages import AlarmReport, Submission

#: The longest text of one SMS in bytes of UTF-8 (seed, section "Bulk SMS").
LONGEST_TEXT = 3000
#: The longest context of a submission, in characters: some headers of a mail.
LONGEST_CONTEXT = 4000
#: Seconds that one step of priority counts for: a text of priority 1 goes
#: before those of priority 0 that were accepted up to an hour before it. So
#: urgent texts overtake, and the others still have their turn.
HEAD_START = 3600.0
MOST_URGENT = 9
#: How far ahead a text may be submitted, in seconds: a year.
FARTHEST = 366 * 86400.0
#: The longest name that a client may give to a submission, in characters.
LONGEST_CLIENT_ID = 200

_NUMBER = re.compile(r"\+?[0-9]{3,20}")
#: E.164 section 6.1. Some numbering plans go beyond it by a digit or two.
_LONGEST_NUMBER = 15
#: Digits of which one of several numbers in a text has at least so many.
_WHOLE_NUMBER = 7
#: Control characters (Unicode category Cc) but newline and tab.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: What people put between digits.
_ORNAMENTS = re.compile(r"[ \u00a0().\-/]")


def accepted_number(typed: str) -> str:
    """
    A recipient as the device wants it.

    @raise Unacceptable: a device could not dial it.
    """
    number = _ORNAMENTS.sub("", typed)
    groups = [_ORNAMENTS.sub("", group) for group in typed.split()]
    if (
        len(number) > _LONGEST_NUMBER
        and len(groups) > 1
        and len(min(groups, key=len)) >= _WHOLE_NUMBER
    ):
        raise Unacceptable(
            "to", f"{typed[:40]!r} are {len(groups)} numbers: name each recipient by itself"
        )
    if not _NUMBER.fullmatch(number):
        raise Unacceptable(
            "to",
            f"{typed[:40]!r} is no telephone number: 3 to 20 digits, + before the country code",
        )
    return number


def accepted_text(text: str) -> str:
    """
    @raise Unacceptable: it is empty or too long, or holds what no SMS can.
    """
    if not text:
        raise Unacceptable("text", "the text is empty")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Unacceptable("text", "the text holds half of a surrogate pair") from None
    if size > LONGEST_TEXT:
        raise Unacceptable(
            "text", f"the text has {size} bytes of UTF-8; a device takes {LONGEST_TEXT}"
        )
    control = _CONTROL.search(text)
    if control is not None:
        raise Unacceptable(
            "text",
            f"the text holds the control character U+{ord(control[0]):04X}; "
            "only newline and tab are allowed",
        )
    return text


def _check_times(submission: Submission, now: float) -> None:
    send_at, expires = submission.send_at, submission.expires
    if not 0 <= submission.priority <= MOST_URGENT:
        raise Unacceptable("priority", f"the priority must be 0 to {MOST_URGENT}")
    if send_at > now + FARTHEST:
        raise Unacceptable("send_at", "the time to send at is more than a year ahead")
    if expires and expires <= send_at:
        raise _too_late()


def check_expiry(submission: Submission, now: float) -> None:
    """
    Only for what is not kept already: a repeat of what has expired meanwhile
    gets the answer that the first one got.

    @raise Unacceptable: it is of no use any more.
    """
    if submission.expires and submission.expires <= now:
        raise _too_late()


def _too_late() -> Unacceptable:
    return Unacceptable("expires", "it would have expired before it could be sent")


def accepted(submission: Submission, now: float) -> Submission:
    """
    A submission whose parts are all right; the same number twice is one.

    @param now: seconds since the epoch.
    @raise Unacceptable: naming the part that is wrong.
    """
    _check_times(submission, now)
    if not submission.recipients:
        raise Unacceptable("to", "name at least one recipient")
    _check_names(submission)
    numbers = dict.fromkeys(accepted_number(typed) for typed in submission.recipients)
    return evolve(submission, recipients=tuple(numbers), text=accepted_text(submission.text))


def _check_names(given: Submission | AlarmReport) -> None:
    if len(given.context) > LONGEST_CONTEXT:
        raise Unacceptable("context", f"the context is longer than {LONGEST_CONTEXT} characters")
    if len(given.client_id) > LONGEST_CLIENT_ID:
        raise Unacceptable("id", f"the id is longer than {LONGEST_CLIENT_ID} characters")
    if _has_half(given.client_id):
        raise Unacceptable("id", "the id holds half of a surrogate pair")


def _has_half(text: str) -> bool:
    return any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def accepted_report(report: AlarmReport) -> AlarmReport:
    """
    An alarm whose parts are all right. Its recipient is dialled by nobody, so
    it need not be a number.

    @raise Unacceptable: naming the part that is wrong.
    """
    _check_names(report)
    recipient = report.recipient.strip()
    if len(recipient) > LONGEST_CLIENT_ID or _has_half(recipient) or _CONTROL.search(recipient):
        raise Unacceptable("to", "the recipient is no name or number that could be shown")
    return evolve(report, recipient=recipient)
