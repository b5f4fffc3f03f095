"""
The subject of a mail, without what programs put before it. Pure.
"""

from __future__ import annotations

import re

from goiptwist.bridges.mail.reading.cleaning import cleaned
from goiptwist.bridges.mail.reading.languages import LANGUAGES, OTHER_ANSWERS

#: Characters of a subject that may become text; the header allows 998.
SUBJECT_AT_MOST = 998

_MARKS = sorted({*OTHER_ANSWERS, *(mark for language in LANGUAGES for mark in language.answer)})
#: C{Re:}, C{RE[2]:}, C{Re(2):}, C{AW :}, C{[EXTERNAL]}.
_BEFORE = re.compile(
    rf"\s*(?:(?:{'|'.join(map(re.escape, _MARKS))})\s?(?:\[\d+\]|\(\d+\)|\^\d+)?\s?[:\uff1a]"
    r"|\[(?:external|ext|extern|külső)\]:?)\s*",
    re.I,
)


def without_prefixes(subject: str) -> str:
    """As it was typed by the one who wrote first: one line, without C{Re:} and the like."""
    subject = " ".join(cleaned(subject[:SUBJECT_AT_MOST]).split())
    while found := _BEFORE.match(subject):
        subject = subject[found.end() :]
    return subject
