"""
A text as it may stand in an SMS: nothing invisible, nothing that only the way
of the mail put there. Pure.
"""

from __future__ import annotations

import re
import unicodedata

#: Every kind of line end that Unicode knows (Standard Annex #14, class BK).
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
#: Every blank that is no C{U+0020}: each would make the whole SMS UCS-2.
_BLANKS = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
#: Joiners are part of emoji and of some scripts, but not beside a blank.
_JOINERS = "\u200c\u200d"
_JOINED = re.compile(rf"([^\s{_JOINERS}]?)([{_JOINERS}]+)(?=(\S?))")
#: Letters of flags of regions (Unicode Technical Standard #51, emoji tags).
_TAGS = range(0xE0020, 0xE0080)

#: Where programs break long lines (RFC 5322 section 2.1.1 recommends 78). A
#: line that had room for the next word in C{NARROWEST} was ended by its writer.
NARROWEST, WIDEST = 70, 79
_NEW_ITEM = re.compile(r"\s|[-*\u2022\u2013>]|\d+[.)]|$")


def cleaned(text: str) -> str:
    """
    Line ends of one kind, plain blanks, nothing invisible, no blanks at the end
    of a line; blank lines at the edges go, and of several one stays.
    """
    lines = visible(text).split("\n")
    kept = "\n".join(line.rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", kept).strip("\n")


def visible(text: str) -> str:
    """Line ends of one kind, plain blanks, nothing invisible."""
    text = _BLANKS.sub(" ", _LINE_ENDS.sub("\n", text))
    return _JOINED.sub(_with_joiners, "".join(filter(_seen, text)))


def _with_joiners(found: re.Match[str]) -> str:
    before, joiners, behind = found.groups()
    return before + joiners if before and behind else before


def _seen(character: str) -> bool:
    if character == "\n" or character in _JOINERS:
        return True
    kind = unicodedata.category(character)
    return kind not in ("Cc", "Cf", "Cs") or ord(character) in _TAGS


def rejoined(text: str) -> str:
    """
    Lines that a program broke because they were full become one again: each
    broken line would cost a newline in the middle of a sentence.
    """
    lines = text.split("\n")
    whole = [lines[0]]
    last = lines[0]
    for line in lines[1:]:
        word = line.split(" ", 1)[0]
        full = len(last) <= WIDEST and len(last) + 1 + len(word) > NARROWEST
        quoted = last.startswith(">")
        if full and not quoted and len(last) > NARROWEST // 2 and not _NEW_ITEM.match(line):
            whole[-1] = f"{whole[-1].rstrip()} {line}"
        else:
            whole.append(line)
        last = line
    return "\n".join(whole)
