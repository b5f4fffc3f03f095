"""
Tokens that stand in mail addresses and prove that we wrote the address: the
address that answers an SMS, and the one that bounces go to. Pure.

A token is base32 in lower case, because servers on the way may fold the case
of a local part. It is bound to a purpose, to what it allows, and to a last day.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import re
import struct
from collections.abc import Iterable
from enum import StrEnum

from attrs import define, field, frozen

from goiptwist.errors import Unacceptable

DAY = 86400.0

#: Octets of the code. RFC 2104 section 5: not less than half of the hash.
REPLY_CODE = 16
#: A bounce only tells us that a mail did not arrive; RFC 2104 section 5 again:
#: not less than 80 bits.
BOUNCE_CODE = 13

#: Letters of a reply token (day, mark and code) and of a bounce token (day, code).
REPLY_LETTERS, BOUNCE_LETTERS = 32, 24

#: Octets of a key: as many as the hash has (RFC 2104 section 3).
KEY_AT_LEAST = 32

_LAST_DAY = 0xFFFF
_MARK = 2


class TokenFault(StrEnum):
    """Why a token is refused."""

    MALFORMED = "malformed"
    FORGED = "forged"
    ELSEWHERE = "elsewhere"
    EXPIRED = "expired"


_SENTENCES = {
    TokenFault.MALFORMED: "the reply token is damaged; answer to the address exactly as it stands",
    TokenFault.FORGED: "the reply token does not belong to this address; "
    "answer to the address exactly as it stands",
    TokenFault.ELSEWHERE: "the reply token is for another line or user, or for one that is gone; "
    "write a new mail instead of an answer",
    TokenFault.EXPIRED: "the SMS is too old to be answered by mail; "
    "write a new mail instead of an answer",
}


class BadToken(Unacceptable):
    """
    An address with a token that allows nothing.

    @ivar fault: the reason.
    """

    def __init__(self, fault: TokenFault) -> None:
        super().__init__("to", _SENTENCES[fault])
        self.fault = fault


@frozen
class ReplyGrant:
    """
    Who may answer, and by which line.

    @ivar owner: C{user:NAME} or C{bridge:NAME}.
    @ivar line: the line that the SMS came in by.
    """

    owner: str
    line: str


@define
class AddressTokens:
    """
    Makes tokens, and says what one allows.

    @ivar key: the secret of this gateway; everybody who has it can send.
    """

    key: bytes = field(repr=False)
    _by_mark: dict[bytes, list[ReplyGrant]] = field(factory=dict, init=False, repr=False)

    @key.validator
    def _check_key(self, _: object, key: bytes) -> None:
        if len(key) < KEY_AT_LEAST:
            raise ValueError(f"the key of the tokens needs {KEY_AT_LEAST} octets at least")

    def know(self, grants: Iterable[ReplyGrant]) -> None:
        """Say which grants there are; tokens of any other are for elsewhere."""
        self._by_mark = {}
        for grant in dict.fromkeys(grants):
            self._by_mark.setdefault(self._mark(grant), []).append(grant)

    def reply(self, grant: ReplyGrant, number: str, until: float) -> str:
        """
        @param number: as it stands in the address.
        @param until: seconds since the epoch; good for the whole of that day.
        @return: 32 letters and digits.
        """
        day = _day(until)
        mark = self._mark(grant)
        return _written(day + mark + self._reply_code(day, grant, number))

    def granted(
        self, token: str, number: str, now: float, *, owner: str = "", line: str = ""
    ) -> ReplyGrant:
        """
        What a reply token allows.

        @param number: as it stands in the address.
        @param owner: take no other's; empty takes any.
        @param line: take no other's; empty takes any.
        @raise BadToken: nothing.
        """
        octets = _read(token, REPLY_LETTERS)
        day, mark, code = octets[:2], octets[2 : 2 + _MARK], octets[2 + _MARK :]
        marked = [
            grant
            for grant in self._by_mark.get(mark, ())
            if (not owner or grant.owner == owner) and (not line or grant.line == line)
        ]
        if not marked:
            raise BadToken(TokenFault.ELSEWHERE)
        for grant in marked:
            if hmac.compare_digest(code, self._reply_code(day, grant, number)):
                _check_day(day, now)
                return grant
        raise BadToken(TokenFault.FORGED)

    def bounce(self, known: str, until: float, recipient: str = "") -> str:
        """
        @param known: the id of the message whose mail may bounce.
        @param recipient: whom that mail is for; empty is several.
        @return: 24 letters and digits.
        """
        day = _day(until)
        return _written(day + self._bounce_code(day, known, recipient))

    def bounced(self, token: str, known: str, now: float, recipients: Iterable[str] = ()) -> str:
        """
        Whose mail came back. The address has no room for a recipient, so the
        token is tried with each of those that there are.

        @param recipients: whom bridges write to.
        @return: one of them; empty where the mail was for several.
        @raise BadToken: no mail of ours had this address as its sender.
        """
        octets = _read(token, BOUNCE_LETTERS)
        day, code = octets[:2], octets[2:]
        for recipient in ("", *recipients):
            if hmac.compare_digest(code, self._bounce_code(day, known, recipient)):
                _check_day(day, now)
                return recipient
        raise BadToken(TokenFault.FORGED)

    def _mark(self, grant: ReplyGrant) -> bytes:
        return self._code(b"mark", grant.owner, grant.line)[:_MARK]

    def _reply_code(self, day: bytes, grant: ReplyGrant, number: str) -> bytes:
        return self._code(b"reply" + day, grant.owner, grant.line, number)[:REPLY_CODE]

    def _bounce_code(self, day: bytes, known: str, recipient: str) -> bytes:
        whose = (recipient,) if recipient else ()
        return self._code(b"bounce" + day, known.lower(), *whose)[:BOUNCE_CODE]

    def _code(self, purpose: bytes, *parts: str) -> bytes:
        fields = [purpose, *(part.encode("utf-8", "surrogatepass") for part in parts)]
        # Each part with its length, or two of them could be cut elsewhere.
        whole = b"".join(struct.pack(">I", len(part)) + part for part in fields)
        return hmac.digest(self.key, whole, hashlib.sha256)


def _day(at: float) -> bytes:
    return struct.pack(">H", max(0, min(math.floor(at / DAY), _LAST_DAY)))


def _check_day(day: bytes, now: float) -> None:
    if struct.unpack(">H", day)[0] < math.floor(now / DAY):
        raise BadToken(TokenFault.EXPIRED)


def _written(octets: bytes) -> str:
    return base64.b32encode(octets).decode("ascii").rstrip("=").lower()


def _read(token: str, letters: int) -> bytes:
    if not re.fullmatch(rf"[a-z2-7]{{{letters}}}", token, re.IGNORECASE | re.ASCII):
        raise BadToken(TokenFault.MALFORMED)
    try:
        octets = base64.b32decode(token.upper() + "=" * (-letters % 8))
    except binascii.Error:  # pragma: no cover
        raise BadToken(TokenFault.MALFORMED) from None
    return octets
