"""What both directions share: numbers, pairs, bytes to text."""

from __future__ import annotations

import re

#: The longest text of one SMS in bytes of UTF-8 (seed, section "Bulk SMS").
LONGEST_TEXT = 3000
#: Nothing longer is a frame: a text of 3000 bytes and a generous head. The
#: vendor's own server reads 3500 bytes.
LONGEST_DATAGRAM = 4096

#: Eighteen digits always fit the 64 bits that a database keeps of a number.
_INTEGER = re.compile(r"-?[0-9]{1,18}")


class MalformedDatagram(ValueError):
    """These bytes are no frame of this protocol. The text says why."""


def integer(text: str, what: str) -> int:
    # int() alone would take "1_0", blanks and the digits of other scripts.
    if not _INTEGER.fullmatch(text):
        raise MalformedDatagram(f"{what} is not a number")
    return int(text)


def decoded(datagram: bytes) -> str:
    if len(datagram) > LONGEST_DATAGRAM:
        raise MalformedDatagram("datagram too long")
    return datagram.decode("utf-8", "replace")


def pairs(text: str) -> dict[str, str]:
    """
    C{key:value;key:value}, split at C{;} and the key at the first C{:} only:
    values such as C{LAC:7E5,CELL ID:5E5B} hold more colons. Of a key that
    comes twice the first counts, so that nothing a stranger wrote further
    back can replace an id or a password.
    """
    fields: dict[str, str] = {}
    for part in reversed(text.split(";")):
        key, colon, value = part.partition(":")
        if colon:
            fields[key] = value
    return fields


def take_password(fields: dict[str, str], name: str, other: str) -> str:
    """
    Take the password out of the fields under both of its names: none may stay
    behind, where it would be shown.

    @param name: the one that counts, unless it is missing or empty.
    @param other: how the vendor's papers spell it elsewhere.
    """
    password, otherwise = fields.pop(name, ""), fields.pop(other, "")
    return password or otherwise


#: How the first word of either family is spelled.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
