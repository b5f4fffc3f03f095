"""
A receiver of SIA DC-09 that is none: it takes alarms over TCP and UDP, answers
ACK, and logs what it took. In clear only.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.bridges.dc09 import frames
from goiptwist.bridges.dc09.frames import Dc09Frame, MalformedDc09Frame

#: Bytes after which a stream without an end is no DC-09.
MOST = 2 * frames.LONGEST


@define(eq=False, repr=False)
class SimulatedDc09Receiver:
    """
    @ivar events: what it took, as machines have it, oldest first.
    @ivar streams: the connections that there are.
    @ivar silent: whether it answers nothing from now on, as one that is broken.
    """

    reactor: Any
    silent: bool = False
    events: list[str] = field(factory=list, init=False)
    streams: set[Any] = field(factory=set, init=False)
    _ports: list[Any] = field(factory=list, init=False)
    log = Logger()

    def listen(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """@return: the port, the same for TCP and UDP."""
        tcp = self.reactor.listenTCP(port, _SimulatedTcpFactory(self), interface=host)
        number = int(tcp.getHost().port)
        try:
            udp = self.reactor.listenUDP(number, _SimulatedUdpPort(self), interface=host)
        except CannotListenError:
            tcp.stopListening()
            if port:
                raise
            return self.listen(host)  # what is free for TCP need not be free for UDP
        self._ports = [tcp, udp]
        return number

    def close(self) -> Deferred[Any]:
        """Hang up, and listen no more."""
        ports, self._ports = self._ports, []
        for stream in tuple(self.streams):
            stream.transport.abortConnection()
        return DeferredList([maybeDeferred(port.stopListening) for port in ports])

    def answer(self, raw: bytes) -> bytes:
        """@return: the reply to one frame; empty is none."""
        if self.silent:
            return b""
        try:
            frame = frames.read(raw)
            if frame.name == frames.CONTACT_ID and not frame.secret:
                self._take(frame)
                return self._reply(frames.ACK, frame)
            known = frame.name == frames.LINK_TEST
            return self._reply(frames.ACK if known else frames.DUH, frame)
        except MalformedDc09Frame:
            return b""

    def _take(self, frame: Dc09Frame) -> None:
        event = frames.event_of(frame)
        self.events.append(event.machine)
        self.log.info("The receiver took an event. {event}", event=event.log_words)

    def _reply(self, name: str, frame: Dc09Frame) -> bytes:
        return Dc09Frame(
            name=name,
            sequence=frame.sequence,
            receiver=frame.receiver,
            line=frame.line,
            account=frame.account,
        ).format()


@define(eq=False)
class _SimulatedTcpFactory(Factory):
    receiver: SimulatedDc09Receiver
    noisy = False

    def buildProtocol(self, addr: Any) -> _SimulatedTcpConnection:
        return _SimulatedTcpConnection(self.receiver)


@define(eq=False)
class _SimulatedTcpConnection(Protocol):
    receiver: SimulatedDc09Receiver
    _buffer: bytes = b""

    def connectionMade(self) -> None:
        self.receiver.streams.add(self)

    def dataReceived(self, data: bytes) -> None:
        whole, self._buffer = frames.cut(self._buffer + data)
        transport: Any = self.transport
        for frame in whole:
            transport.write(self.receiver.answer(frame))
        if len(self._buffer) > MOST:
            transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.receiver.streams.discard(self)


@define(eq=False)
class _SimulatedUdpPort(DatagramProtocol):
    receiver: SimulatedDc09Receiver
    noisy = False

    def datagramReceived(self, datagram: bytes, addr: IPv4Address | tuple[str, int]) -> None:
        reply = self.receiver.answer(datagram)
        transport: Any = self.transport
        if reply:
            transport.write(reply, addr)
