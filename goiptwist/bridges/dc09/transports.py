"""
What carries frames to one receiver: a TCP connection, or a UDP port connected to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from attrs import define, field
from twisted.internet import protocol
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IResolutionReceiver
from twisted.internet.protocol import DatagramProtocol, Factory
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.bridges.dc09 import frames
from goiptwist.config.values import HostPort
from goiptwist.errors import Away


class FrameListener(Protocol):
    """Takes what comes back."""

    def received(self, raw: bytes) -> None:
        """One frame, or what stands in its place."""

    def closed(self) -> None:
        """Nothing more will come."""


class FrameTransport(Protocol):
    """An open connection, or port."""

    def write(self, raw: bytes) -> None:
        """Send one frame."""

    def close(self) -> None:
        """Close it. The listener hears nothing more of it."""


#: Opens a transport, and raises L{Away} where nobody is reached.
OpenTransport = Callable[[FrameListener], Deferred[Any]]


class TcpFrameTransport(protocol.Protocol):
    transport: Any

    def __init__(self, listener: FrameListener) -> None:
        self._listener: FrameListener | None = listener
        self._buffer = b""

    def write(self, raw: bytes) -> None:
        self.transport.write(raw)

    def close(self) -> None:
        self._listener = None
        self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        whole, rest = frames.cut(self._buffer + data)
        if frames.is_naked(rest):
            whole, rest = [*whole, rest], b""
        self._buffer = rest[-frames.LONGEST :]
        for raw in whole:
            if self._listener is not None:
                self._listener.received(raw)

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        if self._listener is not None:
            self._listener.closed()


class UdpFrameTransport(DatagramProtocol):
    transport: Any
    noisy = False

    def __init__(self, listener: FrameListener, host: str, port: int) -> None:
        self._listener: FrameListener | None = listener
        self._address = host, port

    def startProtocol(self) -> None:
        # What comes from anywhere else does not reach us then.
        self.transport.connect(*self._address)

    def write(self, raw: bytes) -> None:
        self.transport.write(raw)

    def close(self) -> None:
        if self._listener is not None:
            self._listener = None
            self.transport.stopListening()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        if self._listener is not None:
            self._listener.received(datagram)

    def connectionRefused(self) -> None:
        listener = self._listener
        self.close()
        if listener is not None:
            listener.closed()


async def connected(
    reactor: Any, place: HostPort, timeout: float, listener: FrameListener
) -> FrameTransport:
    """
    @return: a TCP connection.
    @raise Away: there is none to be had.
    """
    endpoint = HostnameEndpoint(reactor, place.host, place.port, timeout=timeout)
    factory = Factory.forProtocol(lambda: TcpFrameTransport(listener))
    factory.noisy = False
    try:
        connection: Any = await endpoint.connect(factory)
    except DNSLookupError:
        raise Away(f"{place} cannot be reached: its name is not known") from None
    except (ConnectError, OSError) as error:
        raise Away(f"{place} cannot be reached: {error or type(error).__name__}") from None
    made: FrameTransport = connection
    return made


async def bound(reactor: Any, place: HostPort, listener: FrameListener) -> FrameTransport:
    """
    @return: a UDP port of our own.
    @raise Away: the name of the receiver is not known.
    """
    host = await _FirstAddress.of(reactor, place)
    datagrams = UdpFrameTransport(listener, host, place.port)
    reactor.listenUDP(0, datagrams, interface="::" if ":" in host else "0.0.0.0")  # noqa: S104
    return datagrams


@implementer(IResolutionReceiver)
@define(eq=False)
class _FirstAddress:
    """Waits for the first address of a name."""

    found: list[str] = field(factory=list)
    finished: Deferred[None] = field(factory=Deferred)

    @classmethod
    async def of(cls, reactor: Any, place: HostPort) -> str:
        lookup = cls()
        reactor.nameResolver.resolveHostName(lookup, place.host, place.port)
        await lookup.finished
        if not lookup.found:
            raise Away(f"{place} cannot be reached: its name is not known")
        return lookup.found[0]

    def resolutionBegan(self, resolutionInProgress: Any) -> None: ...

    def addressResolved(self, address: Any) -> None:
        self.found.append(address.host)

    def resolutionComplete(self) -> None:
        if not self.finished.called:
            self.finished.callback(None)
