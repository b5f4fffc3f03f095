"""
What may be submitted: numbers and texts that a device can take. Whatever is
wrong is said before anything is kept.
"""

from __future__ import annotations

import re
import unicodedata

from attrs import evolve

from goiptwist.errors import Unacceptable
from goiptwist.message import Submission

#: The longest text of one SMS in bytes of UTF-8 (seed, section "Bulk SMS").
LONGEST_TEXT = 3000
#: The longest name that a client may give to a submission, in characters.
LONGEST_CLIENT_ID = 200

_NUMBER = re.compile(r"\+?[0-9]{3,20}")
#: What people put between digits.
_ORNAMENTS = re.compile(r"[ \u00a0().\-/]")


def accepted_number(typed: str) -> str:
    """
    A recipient as the device wants it.

    @raise Unacceptable: a device could not dial it.
    """
    number = _ORNAMENTS.sub("", typed)
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
    for character in text:
        if unicodedata.category(character) == "Cc" and character not in "\n\t":
            raise Unacceptable(
                "text",
                f"the text holds the control character U+{ord(character):04X}; "
                "only newline and tab are allowed",
            )
    return text


def accepted(submission: Submission) -> Submission:
    """
    A submission whose parts are all right; the same number twice is one.

    @raise Unacceptable: naming the part that is wrong.
    """
    if not submission.recipients:
        raise Unacceptable("to", "name at least one recipient")
    if len(submission.client_id) > LONGEST_CLIENT_ID:
        raise Unacceptable("id", f"the id is longer than {LONGEST_CLIENT_ID} characters")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in submission.client_id):
        raise Unacceptable("id", "the id holds half of a surrogate pair")
    numbers = dict.fromkeys(accepted_number(typed) for typed in submission.recipients)
    return evolve(submission, recipients=tuple(numbers), text=accepted_text(submission.text))
