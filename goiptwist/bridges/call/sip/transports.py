"""
What carries SIP messages: a UDP port (RFC 3261 section 18), or one TCP connection
that is opened anew after it broke.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import ConnectError, ConnectionLost
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol

from goiptwist.bridges.call.sip.messages import LONGEST
from goiptwist.errors import Away

#: Seconds in which a TCP connection has to be there.
CONNECTING = 10.0

Received = Callable[..., None]


def own_address(peer: tuple[str, int]) -> str:
    """
    By which address of this machine another one is reached. Nothing is sent.

    @raise Away: it cannot be reached at all.
    """
    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(peer)
        except OSError as error:
            raise Away(f"{peer[0]} cannot be reached: {error.strerror}") from None
        return str(probe.getsockname()[0])


async def address_of(reactor: Any, host: str) -> str:
    """
    The address of a host.

    @raise Away: its name is not known.
    """
    bare = host.strip("[]")
    if ":" in bare:
        return bare
    try:
        return str(await maybeDeferred(reactor.resolve, bare))
    except Exception as error:  # what resolvers fail with, nobody lists
        raise Away(f"the name {bare} is not known: {type(error).__name__}") from None


@define(eq=False, repr=False, slots=False)
class SipUdpTransport(DatagramProtocol):
    """
    @ivar peer: where requests go.
    @ivar received: called with each datagram, and with what sends an answer to it.
    """

    peer: tuple[str, int]
    received: Received
    noisy = False
    transport: Any = field(default=None, init=False)
    _port: Any = field(default=None, init=False)

    name = "UDP"

    async def open(self, reactor: Any, host: str, port: int) -> int:
        """@return: the port that it has got."""
        if self._port is None:
            self._port = reactor.listenUDP(port, self, interface=host, maxPacketSize=LONGEST)
        return int(self._port.getHost().port)

    def write(self, message: bytes) -> None:
        """To the peer; what cannot be sent is lost, and repeated by its transaction."""
        self._send(message, self.peer)

    def _send(self, message: bytes, address: tuple[str, int]) -> None:
        if self._port is not None:
            with suppress(OSError):
                self.transport.write(message, address)

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """An answer goes where its request came from."""
        self.received(datagram, lambda reply: self._send(reply, addr[:2]))

    def close(self) -> Any:
        """Give the port back."""
        port, self._port = self._port, None
        return port.stopListening() if port is not None else None


@define
class SipStreamSplitter:
    """Cuts a stream into messages by their Content-Length (RFC 3261 section 18.3)."""

    _buffer: bytes = b""

    def split(self, octets: bytes) -> list[bytes]:
        """
        @return: the messages that are whole by now.
        @raise ValueError: it is too long to be one.
        """
        self._buffer += octets
        found: list[bytes] = []
        while True:
            buffer = self._buffer.lstrip(b"\r\n")
            head, gap, rest = buffer.partition(b"\r\n\r\n")
            length = _length(head) if gap else 0
            if len(buffer) > LONGEST or length > LONGEST:
                raise ValueError("a SIP message is too long")
            if not gap or len(rest) < length:
                self._buffer = buffer
                return found
            found.append(head + gap + rest[:length])
            self._buffer = rest[length:]


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() in (b"content-length", b"l"):
            return int(value) if value.strip().isdigit() else 0
    return 0


@define(eq=False, repr=False, slots=False)
class SipTcpConnection(Protocol):
    """One TCP connection to the peer."""

    owner: SipTcpTransport
    transport: Any = field(default=None, init=False)
    _splitter: SipStreamSplitter = field(factory=SipStreamSplitter, init=False)

    def dataReceived(self, data: bytes) -> None:
        try:
            for message in self._splitter.split(data):
                self.owner.received(message)
        except ValueError:
            self.transport.abortConnection()

    def connectionLost(self, reason: Any = None) -> None:
        self.owner.closed(self)


@define(eq=False, repr=False, slots=False)
class SipTcpTransport:
    """
    @ivar lost: called when the connection broke.
    """

    peer: tuple[str, int]
    received: Received
    lost: Callable[[], None]
    _connection: SipTcpConnection | None = field(default=None, init=False)
    _closed: Deferred[None] | None = field(default=None, init=False)

    name = "TCP"

    async def open(self, reactor: Any, host: str, port: int) -> int:
        """
        @return: our port of the connection.
        @raise Away: nobody takes it.
        """
        if self._connection is None:
            kind = TCP6ClientEndpoint if ":" in self.peer[0] else TCP4ClientEndpoint
            endpoint = kind(reactor, *self.peer, CONNECTING, (host, 0))
            try:
                made: Any = await endpoint.connect(
                    Factory.forProtocol(lambda: SipTcpConnection(self))
                )
            except (ConnectError, ConnectionLost, OSError) as error:
                place = f"{self.peer[0]}:{self.peer[1]}"
                raise Away(f"{place} takes no TCP connection: {error}") from None
            if self._connection is not None:  # another call was quicker
                made.transport.loseConnection()
            else:
                self._connection = made
        connection: Any = self._connection
        return int(connection.transport.getHost().port)

    def write(self, message: bytes) -> None:
        """Into the connection, if it is there."""
        if self._connection is not None:
            self._connection.transport.write(message)

    def closed(self, connection: SipTcpConnection) -> None:
        """A connection is no more."""
        if self._closed is not None:
            self._closed.callback(None)
            self._closed = None
        if connection is self._connection:
            self._connection = None
            self.lost()

    def close(self) -> Any:
        """Hang it up, after what was written has left."""
        if self._connection is None:
            return None
        self._closed = Deferred()
        connection, self._connection = self._connection, None
        connection.transport.loseConnection()
        return self._closed
