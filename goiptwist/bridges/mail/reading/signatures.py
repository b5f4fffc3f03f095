"""
Telling a text from the signature below it. Pure.

Each rule takes lines off the end, and only while something is left above.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import frozen

from goiptwist.bridges.mail.reading.languages import DEVICES, LANGUAGES

#: Characters of a line that a program adds (K-9's excuse is the longest).
ADDED_AT_MOST = 160
#: Characters of the first line where such a line is broken into two.
BROKEN_AT_LEAST = 40
#: Words of a name, and lines below a closing: a name and an office.
NAME_WORDS, NAME_LINES = 4, 2

#: RFC 3676 section 4.3, and without the blank that many programs lose.
_DELIMITER = re.compile(r"--\s*|\u2014\s*")
_NAME = re.compile(r"[^\W\d_][^\W\d_.'\u2019-]*\.?([ -][^\W\d_][^\W\d_.'\u2019-]*\.?)*")


@frozen
class TruncatedText:
    """
    @ivar text: what is left.
    @ivar cut: what stood below it, or empty.
    """

    text: str
    cut: str = ""


def without_delimited(text: str) -> TruncatedText:
    """Without what stands below a line C{-- }."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if _DELIMITER.fullmatch(line):
            return _ended(lines, place)
    return TruncatedText(text)


def without_added(text: str) -> TruncatedText:
    """Without the lines that programs add at the end: C{Sent from my iPhone}."""
    lines = text.rstrip().split("\n")
    end = len(lines)
    while end:
        if _is_added(lines[end - 1]):
            end -= 1
        elif (
            end > 1
            and len(lines[end - 2]) >= BROKEN_AT_LEAST
            and _is_added(f"{lines[end - 2]} {lines[end - 1]}")
        ):
            end -= 2
        else:
            break
        while end and not lines[end - 1].strip():
            end -= 1
    return _ended(lines, end)


def without_closing(text: str) -> TruncatedText:
    """
    Without C{Regards, Joe} at the end, where it stands apart: a closing on a
    line of its own and at most two lines of a name below it, or both on the
    last line.
    """
    lines = text.rstrip().split("\n")
    used = [place for place, line in enumerate(lines) if line.strip()]
    for place in used[-NAME_LINES - 1 :]:
        if place == used[0]:
            continue
        below = [lines[other] for other in used if other > place]
        closing, name = _closing(lines[place])
        alone = closing and not name and all(_is_name(line) for line in below)
        if alone or (closing and _is_name(name) and not below):
            return _ended(lines, place)
    return TruncatedText(text)


def without_the_rest(text: str, mark: str) -> TruncatedText:
    """
    Without what follows the mark with which writers end their texts.

    @param mark: such as C{$$}; empty is none.
    """
    if not mark:
        return TruncatedText(text)
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if mark in line and not line.lstrip().startswith(">"):
            head, _, tail = line.partition(mark)
            return TruncatedText(
                "\n".join([*lines[:place], head]), "\n".join([tail, *lines[place + 1 :]])
            )
    return TruncatedText(text)


def _ended(lines: Sequence[str], place: int) -> TruncatedText:
    return TruncatedText("\n".join(lines[:place]).rstrip(), "\n".join(lines[place:]).strip())


def _is_added(line: str) -> bool:
    bare = line.casefold().strip(" .*_[]-")
    if not bare or len(bare) > ADDED_AT_MOST:
        return False
    return _ADDED.fullmatch(bare) is not None and _DEVICE.search(bare) is not None


def _closing(line: str) -> tuple[str, str]:
    """@return: the closing with which a line begins, if any, and what follows it."""
    found = _CLOSING.fullmatch(line.strip())
    return (found[1], found[2] or "") if found else ("", "")


def _is_name(line: str) -> bool:
    """Every word begins with a capital letter or is an initial; few words."""
    bare = line.strip(" ,")
    words = re.split(r"[ -]", bare)
    capital = all(word[:1].isupper() for word in words)
    return bool(_NAME.fullmatch(bare)) and capital and len(words) <= NAME_WORDS


def _either(phrases: Iterable[str]) -> str:
    longest_first = sorted(set(phrases), key=len, reverse=True)
    return "|".join(re.escape(phrase) for phrase in longest_first)


#: Behind the full stop some programs ask to excuse their brevity.
_ADDED = re.compile(
    "("
    + _either(line for language in LANGUAGES for line in language.sent_from).replace(
        r"\*", ".{0,90}"
    )
    + r")([.]\s.*)?"
)
_DEVICE = re.compile(_either(DEVICES))
_CLOSING = re.compile(
    rf"({_either(phrase for language in LANGUAGES for phrase in language.closings)})"
    r"(?:[,.!:;]*|[,:;]\s*(\S.*))",
    re.I,
)
