"""
A text in the letters that a cheap SMS has (3GPP TS 23.038 section 6.2.1). Pure.

One letter outside that alphabet makes the whole text UCS-2, and an SMS then
holds 70 of them instead of 160. What the alphabet has stays; what it does not
have becomes what is nearest to it there, and only then plain ASCII.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

from goiptwist.telephony.segments import BASIC, EXTENSION

_KNOWN = frozenset(BASIC.replace("\x1b", "") + EXTENSION)

#: Marks that the alphabet has another for: what Hungarian writes with two
#: strokes is the long sister of what it writes with two dots.
_MARKS = {"\N{COMBINING DOUBLE ACUTE ACCENT}": "\N{COMBINING DIAERESIS}"}

#: Greek goes in capitals, as it does on handsets in Greece: ten of them are in
#: the alphabet, and the others look like Latin letters.
_LOOKALIKES = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))  # noqa: RUF001
_GREEK = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")

#: A mu alone is a millionth part: as a capital it would be a million times one.
_MICRO = re.compile(rf"(?<!{_GREEK.pattern})\u03bc(?!{_GREEK.pattern})")

#: Where the library is wrong for a text that a person reads on a handset, or
#: has nothing; by code point, because many of them cannot be seen.
_OWN = {
    0x09: " ",
    0x0B: "\n",
    0x60: "'",
    0x85: "\n",
    0xA0: " ",
    0xAB: '"',
    0xB4: "'",
    0xBB: '"',
    0xD7: "x",
    0x2014: "-",
    0x2015: "-",
    0x2028: "\n",
    0x2029: "\n",
    0x2190: "<-",
    0x2192: "->",
    0xFFFD: "?",
}

#: Categories of what is not seen: marks, formats such as joiners, controls, and
#: the colours of emoji.
_UNSEEN = ("Mn", "Me", "Mc", "Cf", "Cc")
_TONES = range(0x1F3FB, 0x1F400)


def fitted(text: str) -> str:
    """
    @return: the text, of nothing but the default alphabet and its extension;
        the same again if it is so already.
    """
    composed = _MICRO.sub("u", unicodedata.normalize("NFC", text))
    befores = "\n" + composed
    return "".join(
        c if c in _KNOWN else _between(before, c) + _nearest(c)
        for before, c in zip(befores, composed, strict=False)
    )


def _between(before: str, character: str) -> str:
    """What keeps 1\u00bd from becoming 11/2, and 10\u00b2 from becoming 102."""
    if not before.isdecimal() or unicodedata.category(character) != "No":
        return ""
    return "^" if unicodedata.decomposition(character).startswith("<super>") else " "


def _nearest(character: str) -> str:
    point = ord(character)
    if point in _OWN:
        return _OWN[point]
    if unicodedata.category(character) in _UNSEEN or point in _TONES:
        return ""
    base, *marks = list(unicodedata.normalize("NFD", character))
    near = _capital(base) if _GREEK.fullmatch(base) else _with_marks(base, marks)
    if near in _KNOWN:
        return near
    written = anyascii(character).replace("`", "'")
    return "".join(c for c in written if c in _KNOWN) or "?"


def _with_marks(base: str, marks: list[str]) -> str:
    near = "".join(_MARKS.get(mark, mark) for mark in marks)
    return unicodedata.normalize("NFC", base + near)


def _capital(greek: str) -> str:
    return _LOOKALIKES.get(greek.upper(), greek.upper())
