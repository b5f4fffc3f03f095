"""
The frames of SIA DC-09, section 5.5, both directions. Pure::

    LF CRC LLLL "ADM-CID" SEQ Rreceiver Lline #account [ data ] [extra] _time CR

CRC and length stand for what begins with the first quotation mark and ends
before the CR. Where the name has an asterisk, what follows the first bracket
is the hex of AES in CBC mode over C{padding|data][extra]_time}.
"""

from __future__ import annotations

import re
import secrets
import string
from calendar import timegm
from datetime import UTC, datetime

from attrs import evolve, frozen
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from goiptwist.alarm.panels import plain_account
from goiptwist.contact_id.event import Event
from goiptwist.errors import GoipTwistError, Unacceptable

#: Names of what a panel says.
CONTACT_ID, LINK_TEST = "ADM-CID", "NULL"
#: Names of what a receiver says: taken; wrong time (or account, or key); cannot
#: be understood; taken, and here is what you asked for.
ACK, NAK, DUH, RSP = "ACK", "NAK", "DUH", "RSP"
ANSWERS = frozenset({ACK, NAK, DUH, RSP})

#: Bytes around what CRC and length stand for: LF, both of them, and CR.
AROUND = 10
#: The longest frame: three digits of hex are the length.
LONGEST = 0xFFF + AROUND
#: The polynomial of CRC-16/ARC, turned around (SIA DC-07, appendix).
_POLYNOMIAL = 0xA001


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


#: What each byte adds: strangers send long frames, and each is summed up.
_CRC_TABLE = tuple(map(_table_entry, range(256)))
_BLOCK = 16
_IV = bytes(_BLOCK)
#: Letters of the padding: all but brackets and the bar may stand there.
_PADDING = string.ascii_letters + string.digits

_TIME = "%H:%M:%S,%m-%d-%Y"

_OUTSIDE = re.compile(rb"([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})(\".*)", re.DOTALL)
#: Receivers write R and L in either order; one writes C{None} for no R, and the
#: account of a NAK is C{A0}.
_INSIDE = re.compile(
    r'"(?P<star>\*?)(?P<name>[A-Z0-9-]{2,10})"(?P<sequence>[0-9A-Fa-f]{4})'
    r"(?:None)?(?:R(?P<receiver>[0-9A-Fa-f]{1,6}))?"
    r"(?:L(?P<line>[0-9A-Fa-f]{1,6}?))?(?:R(?P<late>[0-9A-Fa-f]{1,6}?))?"
    r"(?:A0|#(?P<account>[0-9A-Fa-f]{3,16}))?\[(?P<rest>.*)",
    re.DOTALL,
)
_DATA = re.compile(r"(?P<data>[^\[\]]*)\](?P<extra>(?:\[[^\[\]]*\])*)(?:_(?P<time>[0-9:,-]*))?\s*")
_NAKED = re.compile(rb'\s*"(ACK|NAK|DUH)"\s*')
_EVENT = re.compile(
    r"(?:#(?P<account>[0-9A-Fa-f]{3,16}))?\|?(?P<qualifier>[0-9])(?P<code>[0-9A-Fa-f]{3})"
    r" ?(?P<partition>[0-9A-Fa-f]{2}) ?(?P<zone>[0-9A-Fa-f]{3})\s*"
)


class MalformedDc09Frame(GoipTwistError):
    """These bytes are no frame of DC-09."""


class ChecksumMismatch(MalformedDc09Frame):
    """They would be, but CRC or length does not fit."""


class DecryptionFailed(MalformedDc09Frame):
    """What is encrypted makes no sense with this key, or there is none."""


@frozen(kw_only=True)
class Dc09Frame:
    """
    One frame, of either side.

    @ivar name: such as C{ADM-CID}, C{NULL}, C{ACK}.
    @ivar sequence: four digits; 0000 in a link test. Empty in an answer that
        is nothing but its name.
    @ivar receiver: the number of the receiver, hex; or empty.
    @ivar line: the number of the line at the receiver; or empty.
    @ivar account: hex digits; or empty.
    @ivar data: what stands in the first brackets.
    @ivar extra: further brackets behind it, as they are.
    @ivar time: of the sender, in seconds since the epoch; or C{None}.
    @ivar encrypted: whether it is, or was.
    @ivar secret: the encrypted part, as long as it is not decrypted.
    """

    name: str
    sequence: str = ""
    receiver: str = ""
    line: str = ""
    account: str = ""
    data: str = ""
    extra: str = ""
    time: float | None = None
    encrypted: bool = False
    secret: bytes = b""

    def format(self, key: bytes | None = None) -> bytes:
        """
        @param key: needed if it is encrypted, of 16, 24 or 32 bytes.
        """
        stamp = "" if self.time is None else "_" + _stamp(self.time)
        rest = f"{self.data}]{self.extra}{stamp}"
        if self.encrypted:
            if key is None:
                raise ValueError("an encrypted frame needs a key")
            rest = _encrypted("|" + rest, key)
        receiver = f"R{self.receiver}" if self.receiver else ""
        line = f"L{self.line}" if self.line else ""
        # A NAK knows no account, and says so (section 5.5.3.2).
        account = f"#{self.account}" if self.account else "A0" if self.name == NAK else ""
        star = "*" if self.encrypted else ""
        head = f'"{star}{self.name}"{self.sequence}{receiver}{line}{account}['
        body = (head + rest).encode("latin-1")
        return b"\n%04X%04X%b\r" % (crc(body), len(body), body)

    def decrypted(self, key: bytes | None) -> Dc09Frame:
        """
        @return: the same in clear; itself if it is so already.
        @raise NotDecrypted: the key is another.
        """
        if not self.secret:
            return self
        if key is None:
            raise DecryptionFailed("it is encrypted, and there is no key for it")
        decryptor = Cipher(AES(key), CBC(_IV)).decryptor()
        clear = (decryptor.update(self.secret) + decryptor.finalize()).decode("latin-1")
        # The padding ends at the bar; receivers that leave the bar out end it
        # at the bracket.
        before, bar, behind = clear.partition("|")
        if not bar or "]" in before:
            behind = clear[clear.find("]") :]
        parts = _DATA.fullmatch(behind)
        if parts is None or (bar and "[" in before):
            raise DecryptionFailed("its encryption is with another key")
        return _with(evolve(self, secret=b""), parts)


def read(raw: bytes) -> Dc09Frame:
    """
    @param raw: one frame, with or without the LF and CR around it.
    @return: it; where it is encrypted, C{secret} is still to be decrypted.
    @raise WrongSum: CRC or length do not fit.
    @raise MalformedFrame: it is no frame.
    """
    if len(raw) > LONGEST:
        raise MalformedDc09Frame(f"it is longer than {LONGEST} bytes")
    naked = _NAKED.fullmatch(raw)
    if naked:  # pysiaalarm says so to an account that it does not know
        return Dc09Frame(name=naked[1].decode())
    outside = _OUTSIDE.fullmatch(raw.strip(b"\r\n"))
    if outside is None:
        raise MalformedDc09Frame("it does not begin with CRC, length and a name")
    body = outside[3]
    if int(outside[1], 16) != crc(body):
        raise ChecksumMismatch("its CRC does not fit")
    # Panels of Eldes write the length in decimal.
    if len(body) not in (int(outside[2], 16), _decimal(outside[2])):
        raise ChecksumMismatch("its length does not fit")
    return _read_body(body)


def is_naked(raw: bytes) -> bool:
    """Whether this is an answer of nothing but its name, without an end."""
    return _NAKED.fullmatch(raw) is not None


def event_of(frame: Dc09Frame) -> Event:
    """
    @param frame: an C{ADM-CID}, in clear.
    @return: what it reports. The account is that of its data if it has one:
        the one outside may be that of a transmitter.
    @raise MalformedFrame: it reports nothing that can be understood.
    """
    found = _EVENT.fullmatch(frame.data)
    if found is None:
        raise MalformedDc09Frame("its data is no Contact ID")
    parts = found.groupdict()
    # Panels of Pima fill the inner account up with zeros.
    inner, outer = parts.pop("account") or "", frame.account
    account = outer if not inner or same_account(inner, outer) else inner
    try:
        return Event(account=account, **parts)
    except Unacceptable as error:
        raise MalformedDc09Frame(str(error)) from None


def account_of(frame: Dc09Frame) -> str:
    """Whose frame it is: by what stands outside, or in clear inside; or empty."""
    found = _EVENT.fullmatch(frame.data)
    return frame.account or ((found["account"] or "").upper() if found else "")


def data_of(event: Event, account: str = "") -> str:
    """
    @param account: instead of the event's own.
    @return: the data of an C{ADM-CID}; type and check digit are not sent.
    """
    what = f"{event.qualifier}{event.code} {event.partition} {event.zone}"
    return f"#{account or event.account}|{what}"


def same_account(one: str, other: str) -> bool:
    """Whether two accounts are one, but for case and zeros before it."""
    return plain_account(one) == plain_account(other)


def crc(body: bytes) -> int:
    """CRC-16/ARC, which begins with 0."""
    value = 0
    for byte in body:
        value = value >> 8 ^ _CRC_TABLE[(value ^ byte) & 0xFF]
    return value


def _read_body(body: bytes) -> Dc09Frame:
    inside = _INSIDE.fullmatch(body.decode("latin-1"))
    if inside is None:
        raise MalformedDc09Frame("it has no sequence number, or no brackets")
    frame = Dc09Frame(
        name=inside["name"],
        sequence=inside["sequence"],
        receiver=(inside["receiver"] or inside["late"] or "").upper(),
        line=(inside["line"] or "").upper(),
        account=(inside["account"] or "").upper(),
        encrypted=bool(inside["star"]),
    )
    if frame.encrypted:
        return evolve(frame, secret=_secret(inside["rest"]))
    parts = _DATA.fullmatch(inside["rest"])
    if parts is None:
        raise MalformedDc09Frame("its brackets do not close")
    return _with(frame, parts)


def _secret(rest: str) -> bytes:
    try:
        secret = bytes.fromhex(rest)
    except ValueError:
        raise MalformedDc09Frame("its encrypted part is no hex") from None
    if not secret or len(secret) % _BLOCK:
        raise MalformedDc09Frame("its encrypted part is not made of whole blocks")
    return secret


def _with(frame: Dc09Frame, found: re.Match[str]) -> Dc09Frame:
    time = _seconds(found["time"] or "")
    return evolve(frame, data=found["data"], extra=found["extra"], time=time)


def _encrypted(clear: str, key: bytes) -> str:
    # At least one letter of padding, so that no two frames begin alike.
    padding = "".join(secrets.choice(_PADDING) for _ in range(_BLOCK - len(clear) % _BLOCK))
    encryptor = Cipher(AES(key), CBC(_IV)).encryptor()
    whole = encryptor.update((padding + clear).encode("latin-1")) + encryptor.finalize()
    return whole.hex().upper()


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(int(time), UTC).strftime(_TIME)


def _seconds(stamp: str) -> float | None:
    """A time that is none is as good as no time."""
    try:
        return float(timegm(datetime.strptime(stamp, _TIME).timetuple()))
    except ValueError:
        return None


def _decimal(digits: bytes) -> int:
    return int(digits) if digits.isdigit() else -1


def cut(buffer: bytes) -> tuple[list[bytes], bytes]:
    """
    Cut a stream into frames, which end with a CR each.

    @return: the frames that are whole, and what has come of the next.
    """
    *whole, rest = buffer.split(b"\r")
    frames = [piece[piece.find(b"\n") + 1 :] for piece in whole]
    return [frame for frame in frames if frame.strip()], rest.lstrip(
        b"\n"
    ) if rest == b"\n" else rest
