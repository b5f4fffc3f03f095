"""
How we log in at a smarthost: with what, and in which order.
"""

from __future__ import annotations

import base64
from typing import Any

from attrs import field, frozen
from twisted.mail import smtp
from twisted.mail.interfaces import IClientAuthentication
from zope.interface import implementer


@frozen
class SmarthostCredentials:
    """A name and password, as bytes; neither is shown."""

    username: bytes = field(repr=False)
    password: bytes = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every form in which a far side could echo the password."""
        plain = b"\0" + self.username + b"\0" + self.password
        coded = (base64.b64encode(secret).decode() for secret in (plain, self.password))
        return (self.password.decode("utf-8", "replace"), *coded)


@implementer(IClientAuthentication)
@frozen
class PlainAuthenticator:
    """AUTH PLAIN (RFC 4616) without an authorization identity."""

    username: bytes = field(repr=False)

    def getName(self) -> bytes:
        return b"PLAIN"

    def challengeResponse(self, secret: bytes, challenge: object) -> bytes:
        return b"\0" + self.username + b"\0" + secret


def authenticators(login: SmarthostCredentials, *, encrypted: bool) -> list[Any]:
    """
    What to try, best first. Within TLS that is PLAIN: many a server offers
    CRAM-MD5 without having the passwords that it needs for it.
    """
    clear = [PlainAuthenticator(login.username), smtp.LOGINAuthenticator(login.username)]
    hashed = smtp.CramMD5ClientAuthenticator(login.username)
    return [*clear, hashed] if encrypted else [hashed, *clear]
