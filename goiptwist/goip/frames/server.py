"""What a server sends: answers, orders and commands, and their reader."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Self

from attrs import field, frozen

from goiptwist.goip.frames.reading import NAME, MalformedDatagram, decoded, integer, pairs


@frozen
class KeepaliveAnswer:
    """C{reg:<count>;status:<status>;} (seed, section "Registration")."""

    count: int
    status: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        fields = pairs(text)
        return cls(
            integer(fields.get("reg", ""), "count"),
            integer(fields.get("status", ""), "status"),
        )

    def format(self) -> bytes:
        return b"reg:%d;status:%d;" % (self.count, self.status)


@frozen
class PushAcknowledgement:
    """
    C{NAME <number> OK} or C{NAME <number> ERROR <text>}: the answer to a push.

    @ivar error: why not, or C{None} for OK. C{DISABLE} is a verdict of its
        own on the wire.
    """

    #: The vendor's paper ends these with a newline, and no others.
    WITH_NEWLINE: ClassVar[frozenset[str]] = frozenset({"RECEIVE", "DELIVER"})

    name: str
    number: int
    error: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        name, number, verdict, *rest = (*text.split(" ", 3), "", "")[:4]
        if verdict == "OK":
            return cls(name, integer(number, "number"))
        if verdict == "DISABLE":
            return cls(name, integer(number, "number"), "DISABLE")
        if verdict != "ERROR":
            raise MalformedDatagram("neither OK nor ERROR")
        return cls(name, integer(number, "number"), rest[0])

    def format(self) -> bytes:
        if self.error == "DISABLE":
            return f"{self.name} {self.number} DISABLE".encode()
        if self.error is not None:
            return f"{self.name} {self.number} ERROR {self.error}".encode()
        newline = "\n" if self.name in self.WITH_NEWLINE else ""
        return f"{self.name} {self.number} OK{newline}".encode()


@frozen
class SessionOffer:
    """
    C{MSG <session> <length> <text>\\n}: opens a bulk session. C{length} counts
    bytes of UTF-8.
    """

    session: int
    text: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        _, session, length, body = (*text.split(" ", 3), "", "", "")[:4]
        if not length:
            raise MalformedDatagram("MSG without length")
        # Some servers count characters instead of bytes, and some leave the
        # newline off: the length only tells whether the last newline is ours.
        size = integer(length, "MSG length")
        if body.endswith("\n") and len(body.encode()) > size:
            body = body[:-1]
        return cls(integer(session, "MSG session"), body)

    def format(self) -> bytes:
        body = self.text.encode()
        return b"MSG %d %d %b\n" % (self.session, len(body), body)


@frozen
class SessionPassword:
    """C{PASSWORD <session> <password>\\n}"""

    session: int
    password: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        _, session, password = (*text.split(" ", 2), "", "")[:3]
        return cls(integer(session, "PASSWORD session"), password)

    def format(self) -> bytes:
        return f"PASSWORD {self.session} {self.password}\n".encode()


@frozen
class SessionSend:
    """
    C{SEND <session> <telid> <number>\\n}. The same again, with the same
    C{telid}, asks what became of it.
    """

    session: int
    telid: int
    recipient: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        _, session, telid, recipient = (*text.split(" ", 3), "", "", "")[:4]
        return cls(integer(session, "SEND session"), integer(telid, "telid"), recipient)

    def format(self) -> bytes:
        return f"SEND {self.session} {self.telid} {self.recipient}\n".encode()


@frozen
class SessionDone:
    """C{DONE <session>\\n}: ends a bulk session."""

    session: int

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(integer(text.split(" ")[1], "DONE session"))

    def format(self) -> bytes:
        return b"DONE %d\n" % self.session


@frozen
class DeviceCommand:
    """
    C{WORD <session> <arguments>}, without a newline: everything else that a
    server may ask (USSD, get_gsm_num, svr_reboot_dev, SMS, ...). The order of
    value and password differs from word to word, so they stay as they are.
    """

    verb: str
    session: int
    arguments: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        verb, _, rest = text.partition(" ")
        session, _, arguments = rest.partition(" ")
        number = integer(session, f"{verb!r} session")
        return cls(verb, number, tuple(arguments.split(" ")) if arguments else ())

    def format(self) -> bytes:
        return " ".join((self.verb, str(self.session), *self.arguments)).encode()


FromServer = (
    KeepaliveAnswer
    | PushAcknowledgement
    | SessionOffer
    | SessionPassword
    | SessionSend
    | SessionDone
    | DeviceCommand
)

_DIALOGUE: Mapping[str, type[SessionPassword | SessionSend | SessionDone]] = {
    "PASSWORD": SessionPassword,
    "SEND": SessionSend,
    "DONE": SessionDone,
}

#: A word of capitals may be a push's name or a command; the third token tells.
_VERDICT = re.compile(r"[A-Za-z_]\w* -?[0-9]+ (OK$|DISABLE$|ERROR( |$))")


def from_server(datagram: bytes) -> FromServer:
    """
    Read what a server sent; the simulator needs it.

    @raise MalformedDatagram: it is nothing that a server sends.
    """
    text = decoded(datagram)
    if text.startswith("MSG "):
        return SessionOffer.parse(text)
    text = text.rstrip("\r\n\0")
    if text.startswith("reg:"):
        return KeepaliveAnswer.parse(text)
    if text.startswith("RECEIVEOK:"):
        # One public server answers so; it stands in no document.
        return PushAcknowledgement("RECEIVE", integer(pairs(text)["RECEIVEOK"], "number"))
    name = NAME.match(text)
    if name is None or text[name.end() : name.end() + 1] != " ":
        raise MalformedDatagram("neither reg: nor WORD number")
    # The dialogue first: a line's password may well be "OK".
    if name.group() not in _DIALOGUE and _VERDICT.match(text):
        return PushAcknowledgement.parse(text)
    return _DIALOGUE.get(name.group(), DeviceCommand).parse(text)
