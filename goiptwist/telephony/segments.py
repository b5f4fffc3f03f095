"""
How many SMS a text becomes on the air. Pure.

A device splits a long text itself; who submits one wants to know beforehand
what it costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from attrs import frozen


class Encoding(StrEnum):
    """How the text travels (3GPP TS 23.038 section 6.2)."""

    GSM7 = "gsm7"  # seven-bit default alphabet, with its extension table
    UCS2 = "ucs2"  # UTF-16, as all networks read it


#: The default alphabet (3GPP TS 23.038 section 6.2.1), in its order; 0x1B leads
#: to the extension table and is no character.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: The extension table (section 6.2.1.1): two septets each.
EXTENSION = "\f^{}\\[~]|€"

#: Units of a single SMS, and of each part of a longer text: 140 octets, less
#: the six of the header that joins the parts (3GPP TS 23.040 section 9.2.3.24.1).
SINGLE = {Encoding.GSM7: 160, Encoding.UCS2: 70}
JOINED = {Encoding.GSM7: 153, Encoding.UCS2: 67}

_SEPTETS = {
    **dict.fromkeys(BASIC.replace("\x1b", ""), 1),
    **dict.fromkeys(EXTENSION, 2),
}
_LETTERS = frozenset(_SEPTETS)


@frozen
class Count:
    """
    What a text comes to.

    @ivar parts: SMS on the air, each of which is paid for.
    @ivar units: septets, or 16-bit units, that the text has.
    @ivar room_left: units that the last part still has room for.
    """

    encoding: Encoding
    parts: int
    units: int
    room_left: int


def encoding(text: str) -> Encoding:
    """One character outside both tables makes the whole text UCS-2."""
    return Encoding.GSM7 if _LETTERS.issuperset(text) else Encoding.UCS2


def count(text: str) -> Count:
    """An empty text is one SMS too."""
    kind = encoding(text)
    if kind is Encoding.GSM7:
        units = len(text) + sum(map(text.count, EXTENSION))
    else:
        units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if units <= SINGLE[kind]:
        return Count(kind, 1, units, SINGLE[kind] - units)
    if kind is Encoding.GSM7:
        sizes = [_SEPTETS[character] for character in text]
    else:
        sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
    parts, last = _filled(sizes, JOINED[kind])
    return Count(kind, parts, units, JOINED[kind] - last)


def _filled(sizes: Iterable[int], room: int) -> tuple[int, int]:
    """
    Fill part after part; a character is never torn (section 9.2.3.24.1: neither
    an escape sequence nor a surrogate pair).

    @return: the number of parts, and what the last one holds.
    """
    parts, last = 1, 0
    for size in sizes:
        if last + size > room:
            parts, last = parts + 1, 0
        last += size
    return parts, last
