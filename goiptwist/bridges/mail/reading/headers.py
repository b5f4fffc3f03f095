"""
The header of a mail, as text: unfolded, encoded words read. Pure; any header can
be read.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Sequence

from attrs import frozen

from goiptwist.bridges.mail.reading.charsets import decoded

#: RFC 2047 section 2, and the language of RFC 2231 section 5.
_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bq])\?([!->@-~]*)\?=", re.I | re.A)
#: Surrogates that no octet stands behind.
_NO_OCTET = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_FOLD = re.compile(r"\r\n?|\n")
_ID = re.compile(r"<([^<>\s]{1,998})>")
#: Ids of one header that count. Threads are that long at most; each one of an
#: answer is looked for in the store.
IDS_AT_MOST = 100


@frozen
class Headers:
    """
    The fields of a header, in order.

    @ivar fields: name and value, as they came; octets beyond ASCII stand
        there as lone surrogates, as C{surrogateescape} writes them.
    """

    fields: Sequence[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """The values of each field of that name, the topmost first, as text."""
        return [text_of(value) for value in self._raw(name)]

    def first(self, name: str) -> str:
        """The value of the topmost field of that name, or an empty text."""
        return next((text_of(value) for value in self._raw(name)), "")

    def plain(self, name: str) -> list[str]:
        """Likewise, but encoded words stay as they are: where they mean nothing."""
        return [unfolded(value) for value in self._raw(name)]

    def names(self) -> list[str]:
        """In lower case."""
        return [name.lower() for name, _ in self.fields]

    def ids(self, *names: str) -> list[str]:
        """
        The message ids that stand in fields of those names, without brackets: of
        more than L{IDS_AT_MOST} the last ones, which are the nearest.
        """
        found = [
            each for name in names for value in self.plain(name) for each in _ID.findall(value)
        ]
        return found[-IDS_AT_MOST:]

    def _raw(self, name: str) -> Iterator[str]:
        return (value for own, value in self.fields if own.lower() == name.lower())


def unfolded(value: str) -> str:
    """One line; octets beyond ASCII are read as UTF-8, or else as Western."""
    if not value.isascii():
        octets = _NO_OCTET.sub("\ufffd", value).encode("utf-8", "surrogateescape")
        value = decoded(octets, "utf-8")
    return _FOLD.sub("", value).strip(" \t")


def text_of(value: str) -> str:
    """What a person reads there (RFC 2047 section 6)."""
    value = unfolded(value)
    pieces: list[str] = []
    octets, charset, end = b"", "", 0
    for word in _WORD.finditer(value):
        between = value[end : word.start()]
        # Blanks between two words are no part of the text. Some programs tear
        # a character in two, so words of one charset are joined first.
        if between.strip(" \t") or charset.lower() != word[1].lower() or not end:
            pieces.append(decoded(octets, charset))
            pieces.append(between if between.strip(" \t") or not end else "")
            octets = b""
        octets, charset, end = octets + _octets(word[2], word[3]), word[1], word.end()
    return "".join(pieces) + decoded(octets, charset) + value[end:]


def _octets(way: str, written: str) -> bytes:
    if way in "qQ":
        return quopri.decodestring(written.encode("ascii", "replace"), header=True)
    kept = re.sub(r"[^A-Za-z0-9+/]", "", written)
    try:
        # A lone letter at the end holds no octet.
        return base64.b64decode(kept[: len(kept) - (len(kept) % 4 == 1)] + "==")
    except binascii.Error:
        return written.encode("ascii", "replace")
