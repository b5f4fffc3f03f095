"""What a device sends: pushes, keepalives and answers, and their reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from attrs import field, frozen

from goiptwist.goip.frames.reading import (
    NAME,
    MalformedDatagram,
    decoded,
    integer,
    pairs,
    take_password,
)


@frozen
class Keepalive:
    """
    C{req:<count>;id:<line>;pass:<password>;num:...;signal:...;...}

    Sent by each line every 30 s; C{count} starts at 1 when the device powers
    up (seed, section "Registration and Keepalive"). Any subset of the fields
    may follow: four generations of firmware are known, up to 18 fields.

    @ivar facts: the further fields under their names on the wire, in order.
    """

    count: int
    line: str
    password: str = field(repr=False)
    facts: Mapping[str, str] = field(factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        fields = pairs(text)
        try:
            count, line = fields.pop("req"), fields.pop("id")
        except KeyError as missing:
            raise MalformedDatagram(f"keepalive without {missing}") from None
        password = take_password(fields, "pass", "password")
        # pairs() went backwards, for the sake of the first of two equal keys.
        facts = dict(reversed(fields.items()))
        return cls(integer(count, "count"), line, password, facts)

    def format(self) -> bytes:
        facts = "".join(f"{key}:{value};" for key, value in self.facts.items())
        return f"req:{self.count};id:{self.line};pass:{self.password};{facts}".encode()


@frozen
class ReceivedSms:
    """
    C{RECEIVE:<number>;id:<line>;password:<password>;srcnum:<sender>;msg:<text>}

    Repeated by the device every 3 s, at most 3 times, until acknowledged
    (seed, section "Receive SMS"). C{text} is last and runs to the end of the
    datagram, so it may itself hold C{;} and C{:} and newlines. The seed's
    example writes C{pass:}, its format C{password:}; both are read. Newer
    firmware puts C{smscnum:} before C{msg:}.
    """

    number: int
    line: str
    password: str = field(repr=False)
    sender: str = field(repr=False)
    text: str = field(repr=False)
    smsc: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        head, marker, body = text.partition(";msg:")
        if not marker:
            raise MalformedDatagram("RECEIVE without msg")
        fields = pairs(head)
        if "id" not in fields:
            raise MalformedDatagram("RECEIVE without id")
        if "srcnum" not in fields:
            raise MalformedDatagram("RECEIVE without srcnum")
        return cls(
            number=integer(fields.get("RECEIVE", ""), "RECEIVE number"),
            line=fields["id"],
            password=take_password(fields, "password", "pass"),
            sender=fields["srcnum"],
            text=body,
            smsc=fields.get("smscnum", ""),
        )

    def format(self) -> bytes:
        smsc = f"smscnum:{self.smsc};" if self.smsc else ""
        return (
            f"RECEIVE:{self.number};id:{self.line};password:{self.password};"
            f"srcnum:{self.sender};{smsc}msg:{self.text}"
        ).encode()


@frozen
class DeliveryReport:
    """
    C{DELIVER:<number>;id:<line>;password:<password>;sms_no:<n>;state:<s>;num:<to>}

    The state of a sent SMS at the handset. Not in the seed: it stands in the
    vendor's newest paper (section 3.1). C{state} 0 is delivered; other values
    are read as TP-Status of GSM 03.40. C{num} is missing in some firmware.
    """

    number: int
    line: str
    password: str = field(repr=False)
    sms_no: str
    state: int
    recipient: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        fields = pairs(text)
        if "id" not in fields or "sms_no" not in fields:
            raise MalformedDatagram("DELIVER without id or sms_no")
        return cls(
            number=integer(fields.get("DELIVER", ""), "DELIVER number"),
            line=fields["id"],
            password=take_password(fields, "password", "pass"),
            sms_no=fields["sms_no"],
            # The vendor's server takes 1 where the field is missing.
            state=integer(fields.get("state", "1"), "state"),
            recipient=fields.get("num", ""),
        )

    def format(self) -> bytes:
        return (
            f"DELIVER:{self.number};id:{self.line};password:{self.password};"
            f"sms_no:{self.sms_no};state:{self.state};num:{self.recipient}"
        ).encode()


@frozen
class DevicePush:
    """
    C{NAME:<number>;id:<line>;password:<password>;<fields>}: STATE, RECORD,
    REMAIN, EXPIRY, HANGUP, CELLINFO, BCCH, CELLS, CGATT, USSN, and every name
    that is not known. None is in the seed.

    @ivar name: as the device spells it; lower-case names exist.
    @ivar fields: the rest under its names on the wire.
    """

    #: Whose last field is free text that runs to the end of the datagram.
    OPEN_ENDED: ClassVar[Mapping[str, str]] = {"USSN": "msg", "CELLINFO": "info"}

    name: str
    number: int
    line: str
    password: str = field(repr=False)
    fields: Mapping[str, str] = field(factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        name = text.partition(":")[0]
        fields = cls._fields(name, text)
        # The number first: a push that is itself called "id" has no other id.
        number = integer(fields.pop(name), f"{name!r} number")
        if "id" not in fields:
            raise MalformedDatagram(f"{name!r} without id")
        line = fields.pop("id")
        password = take_password(fields, "password", "pass")
        return cls(name, number, line, password, dict(reversed(fields.items())))

    @classmethod
    def _fields(cls, name: str, text: str) -> dict[str, str]:
        last = cls.OPEN_ENDED.get(name)
        if last is not None:
            head, marker, body = text.partition(f";{last}:")
            if marker:
                # Some firmware quotes the cell; quotes in a USSD text are its own.
                body = body.strip('"') if name == "CELLINFO" else body
                return {last: body, **pairs(head)}
        fields = pairs(text)
        if name == "HANGUP":
            # The one push that separates its fields by a comma; real devices
            # also send a stray quotation mark.
            number, marker, cause = fields.get("num", "").partition(",cause:")
            if marker:
                fields = {"cause": cause.strip('"'), **fields, "num": number}
        return fields

    def format(self) -> bytes:
        separator = "," if self.name == "HANGUP" else ";"
        fields = separator.join(f"{key}:{value}" for key, value in self.fields.items())
        head = f"{self.name}:{self.number};id:{self.line};password:{self.password}"
        return (f"{head};{fields}" if fields else head).encode()


@frozen
class LineFacts:
    """
    C{GSM:<session>;get_gsm_num:...;get_exp_time:...;...}: the answer to the
    C{GSM} command. It carries no line id and is not acknowledged.
    """

    session: int
    facts: Mapping[str, str] = field(factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        fields = pairs(text)
        session = integer(fields.pop("GSM", ""), "GSM session")
        absent = ("(null)", "<NULL>")
        facts = {k: "" if v in absent else v for k, v in reversed(fields.items())}
        return cls(session, facts)

    def format(self) -> bytes:
        facts = ";".join(f"{key}:{value or '(null)'}" for key, value in self.facts.items())
        return f"GSM:{self.session};{facts}".encode()


@frozen
class TraceLine:
    """
    C{AT:<session>;count:<n>;id:<line>;password:...;receive:<text>}: one line
    of the AT trace, sent only while the trace is on, and not acknowledged.
    """

    session: int
    line: str
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        fields = pairs(text)
        if "id" not in fields:
            raise MalformedDatagram("AT without id")
        traced = text.partition(";receive:")[2] or text.partition(";write:")[2]
        return cls(integer(fields.get("AT", ""), "AT session"), fields["id"], traced)

    def format(self) -> bytes:
        return f"AT:{self.session};count:1;id:{self.line};password:;receive:{self.text}".encode()


@frozen
class DeviceAnswer:
    """
    C{WORD <session> <details>}: what a device says in the send dialogue, and
    its answers to commands.

    The words of the send dialogue are C{PASSWORD}, C{SEND}, C{OK}, C{ERROR},
    C{WAIT} and C{DONE} (seed, section "Process for Bulk SMS").

    @ivar details: the rest, split at blanks; C{OK 11 1 32} has C{("1", "32")}.
    """

    verb: str
    session: int
    details: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        verb, _, rest = text.partition(" ")
        session, _, details = rest.partition(" ")
        if not verb:
            raise MalformedDatagram("empty word")
        number = integer(session, f"{verb!r} session")
        return cls(verb, number, tuple(details.split(" ")) if details.strip(" ") else ())

    @property
    def text(self) -> str:
        """The details as one text, as they stood on the wire."""
        return " ".join(self.details)

    def format(self) -> bytes:
        return (" ".join((self.verb, str(self.session), *self.details)) + "\n").encode()


FromDevice = (
    Keepalive | ReceivedSms | DeliveryReport | DevicePush | LineFacts | TraceLine | DeviceAnswer
)

_PUSHES: Mapping[str, type[ReceivedSms | DeliveryReport | LineFacts | TraceLine | DevicePush]] = {
    "RECEIVE": ReceivedSms,
    "DELIVER": DeliveryReport,
    "GSM": LineFacts,
    "AT": TraceLine,
}


def from_device(datagram: bytes) -> FromDevice:
    """
    Read what a device sent.

    @raise MalformedDatagram: it is nothing that a device sends.
    """
    text = decoded(datagram)
    if text.startswith("req:"):
        return Keepalive.parse(text.rstrip("\r\n\0"))
    name = NAME.match(text)
    if name is None:
        raise MalformedDatagram("does not begin with a name")
    family = text[name.end() : name.end() + 1]
    if family == ":":
        # The text of an SMS may end with a newline of its own.
        text = text.rstrip("\0" if name.group() == "RECEIVE" else "\r\n\0")
        return _PUSHES.get(name.group(), DevicePush).parse(text)
    if family == " ":
        return DeviceAnswer.parse(text.rstrip("\r\n\0"))
    raise MalformedDatagram("neither NAME:number nor WORD number")
