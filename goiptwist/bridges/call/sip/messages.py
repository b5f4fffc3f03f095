"""
SIP messages, read and made with C{sipmessage}. Pure.
"""

from __future__ import annotations

import re
import secrets

from attrs import define, field
from sipmessage import URI, Address, CSeq, MediaType, Message, Parameters, Request, Response, Via

__all__ = ["Request", "Response"]

#: Every branch of RFC 3261 begins so (section 8.1.1.7).
COOKIE = "z9hG4bK"
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE"
AGENT = "goiptwist"
#: Bytes of a message that are read; more than any needs.
LONGEST = 65536

_FOLD = re.compile(rb"\r?\n[ \t]+")
_COLON = re.compile(rb"^([A-Za-z0-9.!%*_+`'~-]+)[ \t]*:", re.MULTILINE)


def read(datagram: bytes) -> Request | Response:
    """
    @raise ValueError: it is no message, or lacks what every message has.
    """
    head, gap, body = datagram.lstrip(b"\r\n").partition(b"\r\n\r\n")
    # Folded lines, and blanks before colons, are more than the library reads.
    head = _COLON.sub(rb"\1:", _FOLD.sub(b" ", head))
    try:
        message = Message.parse(head + (gap or b"\r\n\r\n") + body)
        complete = message.via and message.call_id and message.cseq
        tagged = message.from_address and message.to_address
    except (KeyError, UnicodeDecodeError, AssertionError, TypeError) as error:
        raise ValueError(f"no SIP: {type(error).__name__}") from None
    if not complete or not tagged:
        raise ValueError("no SIP: it has no Via")
    length = message.headers.get("Content-Length")
    if length is not None and length.isdigit():
        message.body = message.body[: int(length)]
    return message


def branch_of(message: Message) -> str:
    """Which transaction a message belongs to."""
    return message.via[0].parameters.get("branch") or ""


def token(octets: int = 8) -> str:
    """A text that nobody has had before."""
    return secrets.token_hex(octets)


@define
class LocalAddress:
    """
    How we are called and reached.

    @ivar name: the user part of our addresses.
    """

    transport: str  # UDP or TCP
    host: str
    port: int
    name: str = AGENT

    @property
    def shown_host(self) -> str:
        """As it stands in a URI."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def contact(self) -> Address:
        parameters = Parameters(transport="tcp") if self.transport == "TCP" else Parameters()
        uri = URI("sip", self.shown_host, self.name or None, port=self.port, parameters=parameters)
        return Address(uri)

    def via(self) -> Via:
        """Where answers go; with rport also through what changes addresses (RFC 3581)."""
        parameters = Parameters(branch=COOKIE + token(), rport=None)
        return Via(self.transport, self.shown_host, self.port, parameters)


@define
class SipDialog:
    """
    A dialogue of RFC 3261 section 12, or what will become one: all that its
    requests have in common.

    @ivar target: the URI that requests are for.
    @ivar routes: the proxies that want to see every request.
    """

    local: LocalAddress
    target: URI
    ours: Address
    theirs: Address
    call_id: str = field(factory=lambda: token(16))
    sequence: int = field(factory=lambda: secrets.randbelow(1 << 16) + 1)
    routes: list[Address] = field(factory=list)

    @classmethod
    def new(
        cls, local: LocalAddress, target: URI, ours: URI, theirs: URI | None = None
    ) -> SipDialog:
        """The beginning of one."""
        sender = Address(ours, parameters=Parameters(tag=token()))
        return cls(local, target, sender, Address(theirs or target))

    def request(self, method: str, body: bytes = b"", *, sequence: int | None = None) -> Request:
        """The next request; ACK and CANCEL repeat the number of what they are about."""
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        made = Request(method, self.target, body)
        made.via = [self.local.via()]
        made.max_forwards = 70
        made.from_address, made.to_address = self.ours, self.theirs
        made.call_id = self.call_id
        made.cseq = CSeq(sequence, method)
        if self.routes:
            made.route = self.routes
        if method in ("INVITE", "OPTIONS", "REGISTER"):
            made.contact = [self.local.contact]
            made.headers.set("Allow", ALLOW)
        made.user_agent = AGENT
        _close(made, body)
        return made

    def confirmed(self, answer: Response) -> None:
        """Take over what a 2xx says of the other side (section 12.1.2)."""
        self.theirs = answer.to_address
        if answer.contact:
            self.target = answer.contact[0].uri
        self.routes = list(reversed(answer.record_route))


def acknowledgement(invite: Request, answer: Response) -> Request:
    """The ACK for a final answer that is no 2xx (section 17.1.1.3)."""
    return _sequel(invite, "ACK", answer.to_address)


def cancellation(invite: Request) -> Request:
    """The CANCEL for an INVITE (section 9.1)."""
    return _sequel(invite, "CANCEL", invite.to_address)


def _sequel(invite: Request, method: str, to: Address) -> Request:
    made = Request(method, invite.uri)
    made.via = invite.via[:1]
    made.max_forwards = 70
    made.from_address, made.to_address, made.call_id = invite.from_address, to, invite.call_id
    made.cseq = CSeq(invite.cseq.sequence, method)
    if invite.route:
        made.route = invite.route
    _close(made, b"")
    return made


def answer_to(
    request: Request, code: int, phrase: str, body: bytes = b"", *, tag: str = ""
) -> Response:
    """
    An answer of ours (section 8.2.6).

    @param tag: ours, where the request has none.
    """
    made = Response(code, phrase, body)
    for value in request.headers.getlist("Via"):
        made.headers.add("Via", value)
    made.headers.set("From", request.headers["From"])
    to = request.to_address
    if tag and "tag" not in to.parameters:
        to = Address(to.uri, to.name, to.parameters.replace(tag=tag))
    made.to_address = to
    made.call_id, made.cseq = request.call_id, request.cseq
    for value in request.headers.getlist("Record-Route"):
        made.headers.add("Record-Route", value)
    _close(made, body)
    return made


def _close(message: Message, body: bytes) -> None:
    if body:
        message.content_type = MediaType.parse("application/sdp")
    message.content_length = len(body)
