"""
AUTH (RFC 4954): what is asked and what is answered, up to a name and a
password; whether they are right is not decided here. Pure.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Generator, Mapping
from typing import TypeAlias

from attrs import field, frozen

from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply


@frozen
class PasswordClaim:
    """Who somebody says to be, and what is to prove it."""

    name: str
    password: str = field(repr=False)


#: Yields challenges, is sent responses, returns what they come to.
SaslExchange: TypeAlias = Generator[bytes, bytes, PasswordClaim]


def plain() -> SaslExchange:
    """RFC 4616. To act for somebody else (the first field) is not offered."""
    response = yield b""
    fields = response.split(b"\0")
    if len(fields) != 3:
        raise SmtpReply(501, "5.5.2", "PLAIN has three fields, with NUL between them")
    other, name, password = fields
    if other not in (b"", name):
        raise SmtpReply(535, "5.7.8", "Nobody acts for somebody else here")
    return _claim(name, password)


def login() -> SaslExchange:
    """No RFC has it, but many devices know nothing else."""
    name = yield b"Username:"
    password = yield b"Password:"
    return _claim(name, password)


MECHANISMS: Mapping[bytes, Callable[[], SaslExchange]] = {b"PLAIN": plain, b"LOGIN": login}


def _claim(name: bytes, password: bytes) -> PasswordClaim:
    # What is no UTF-8 is like no password there is, and counts as a guess.
    said = (part.decode("utf-8", "surrogateescape") for part in (name, password))
    return PasswordClaim(*said)


def decoded(response: bytes) -> bytes:
    """
    @raise SmtpReply: it is no base64, or the client has thought better of it.
    """
    if response == b"*":
        raise SmtpReply(501, "5.7.0", "As you like: no login")
    if response == b"=":  # RFC 4954 section 4: an empty initial response
        return b""
    try:
        return base64.b64decode(response, validate=True)
    except binascii.Error:
        raise SmtpReply(501, "5.5.2", "That is no base64") from None
