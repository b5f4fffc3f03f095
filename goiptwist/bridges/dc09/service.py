"""
Where the receiver meets the sockets: panels report over TCP and UDP.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredList, ensureDeferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import (
    DatagramProtocol,
    Protocol,
    ServerFactory,
    connectionDone,
)
from twisted.logger import Logger
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure

from goiptwist.alarm.panels import PanelSettings
from goiptwist.bridges.dc09 import frames
from goiptwist.bridges.dc09.intake import Dc09Reply, ReportIntake
from goiptwist.errors import BadConfiguration
from goiptwist.interfaces import IGateway
from goiptwist.net.draining import Connections
from goiptwist.net.listening import ListenAddress, Listening
from goiptwist.net.rejections import Rejections

#: Connections at once, and of them from one address.
CONNECTIONS, BY_SOURCE = 1000, 50
#: Seconds that a connection may stay without an accepted frame; and once it has
#: had one, for panels that stay connected between two link tests.
NEWCOMER, QUIET = 30.0, 3600.0
#: Frames in a row that are not accepted, after which a connection is closed.
WRONG_AT_MOST = 10
#: Datagrams that may be under way to the disk at once.
IN_HAND = 200


class PanelConnection(Protocol, TimeoutMixin):
    """One panel that has connected. Its frames are answered one after the other."""

    transport: Any

    def __init__(self, factory: PanelFactory, peer: str) -> None:
        self._factory, self._peer = factory, peer
        self._buffer = b""
        self._frames: deque[bytes] = deque()
        self._busy = self._leaving = self._closed = False
        self._wrong = 0

    def callLater(self, period: float, func: Any) -> Any:
        """Where L{TimeoutMixin} takes time from."""
        return self._factory.clock.callLater(period, func)

    def connectionMade(self) -> None:
        """Called by Twisted."""
        self.setTimeout(NEWCOMER)

    def dataReceived(self, data: bytes) -> None:
        """Called by Twisted: any part of a frame, or several."""
        whole, self._buffer = frames.cut(self._buffer + data)
        self._frames.extend(whole)
        if len(self._buffer) > frames.LONGEST or any(len(raw) > frames.LONGEST for raw in whole):
            self._factory.rejections.about(
                "dc09_malformed", self._peer, "no frame of DC-09: it does not end"
            )
            self._frames.clear()
            self.abort()
            return

        if self._frames and not self._busy:
            self._busy = True
            self.transport.pauseProducing()
            ensureDeferred(self._answer_frames())

    async def _answer_frames(self) -> None:
        """One after the other, in a loop: thousands may have come at once."""
        while self._frames and not (self._leaving or self._closed):
            try:
                reply = await self._factory.intake.receive(self._frames.popleft(), self._peer)
            except Exception:
                self._factory.log.failure("A report from {peer} broke", peer=self._peer)
                continue
            self._answer(reply)
        self._busy = False
        if self._leaving:
            self.transport.loseConnection()
        elif not self._closed:
            self.transport.resumeProducing()

    def _answer(self, reply: Dc09Reply | None) -> None:
        if reply is None or not reply.accepted:
            self._wrong += 1
        if reply is not None and not self._closed:
            self.transport.write(reply.raw)
            if reply.accepted:
                self._wrong = 0
                self.setTimeout(QUIET)
        if self._wrong >= WRONG_AT_MOST and not self._closed:
            self._factory.rejections.about(
                "dc09_malformed", self._peer, f"{self._wrong} frames in a row were not accepted"
            )
            self._leaving = True

    def timeoutConnection(self) -> None:
        """Called by L{TimeoutMixin}."""
        self.abort()

    def leave(self) -> None:
        """See L{goiptwist.net.draining.Connection}."""
        self._leaving = True
        if not self._busy:
            self.transport.loseConnection()

    def abort(self) -> None:
        """See L{goiptwist.net.draining.Connection}."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Called by Twisted."""
        self._closed = True
        self._frames.clear()
        self.setTimeout(None)
        self._factory.left(self, self._peer)


class PanelFactory(ServerFactory):
    """All connections of all ports."""

    noisy = False  # the service says where it listens
    log = Logger()

    def __init__(self, clock: Any, intake: ReportIntake, rejections: Rejections) -> None:
        self.clock, self.intake, self.rejections = clock, intake, rejections
        self.open: Connections[PanelConnection] = Connections(clock)
        self._by_source: Counter[str] = Counter()

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Called by Twisted for each connection."""
        peer = str(getattr(addr, "host", ""))
        if len(self.open) >= CONNECTIONS or self._by_source[peer] >= BY_SOURCE:
            self.rejections.about("dc09_crowded", peer, "one connection too many for DC-09")
            return None
        self._by_source[peer] += 1
        connection = PanelConnection(self, peer)
        self.open.came(connection)
        return connection

    def left(self, connection: PanelConnection, peer: str) -> None:
        """A connection has gone."""
        self._by_source -= Counter([peer])
        self.open.went(connection)


@define(eq=False, repr=False, slots=False)
class PanelDatagrams(DatagramProtocol):
    """Reports that come in one datagram each."""

    intake: ReportIntake
    rejections: Rejections
    _in_hand: int = field(default=0, init=False)
    noisy = False
    log = Logger()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Called by Twisted."""
        if self._in_hand >= IN_HAND:
            self.rejections.about("dc09_crowded", addr[0], "too many reports at once by UDP")
            return
        self._in_hand += 1

        def answered(reply: Dc09Reply | Failure | None) -> None:
            self._in_hand -= 1
            if isinstance(reply, Failure):
                self.log.failure("A report from {peer} broke", reply, peer=addr[0])
            # An answer to a stranger is never longer than the question.
            elif reply is not None and (reply.proved or len(reply.raw) <= len(datagram)):
                transport: Any = self.transport
                if transport is not None:
                    transport.write(reply.raw, addr)

        ensureDeferred(self.intake.receive(datagram, addr[0])).addBoth(answered)


class Dc09Receiver(Listening):
    """
    Takes reports of panels.

    @ivar udp_ports: what it hears datagrams with, in the order of C{dc09_udp}.
    """

    def __init__(self, gateway: IGateway, settings: PanelSettings, rejections: Rejections) -> None:
        """
        @param gateway: raises alarms, and remembers reports.
        @param rejections: counts what is wrong with what comes in.
        """
        self._intake = ReportIntake(gateway, settings.accounts, rejections)
        self._rejections, self._udp = rejections, settings.dc09_udp
        self._factory = PanelFactory(gateway.clock, self._intake, rejections)
        places = [
            ListenAddress(address, " (dc09_listen)", self._factory)
            for address in settings.dc09_listen
        ]
        super().__init__(gateway.reactor, "DC-09", places)
        self.udp_ports: list[IListeningPort] = []

    def privilegedStartService(self) -> None:
        """
        See L{Listening}.

        @raise BadConfiguration: nobody can listen on one of the addresses now.
        """
        super().privilegedStartService()
        self._bind()

    def startService(self) -> None:
        """
        @raise BadConfiguration: nobody can listen on one of the addresses now.
        """
        super().startService()
        self._bind()

    def _bind(self) -> None:
        if self.udp_ports:
            return
        problems = []
        for address in self._udp:
            datagrams = PanelDatagrams(self._intake, self._rejections)
            try:
                port = self.reactor.listenUDP(address.port, datagrams, interface=address.host)
            except CannotListenError as error:
                problems.append(
                    f"DC-09 cannot listen on {address} (dc09_udp): {error.socketError}; "
                    "is it running already?"
                )
            else:
                self.udp_ports.append(port)
                self.log.info("DC-09 listens on {address} (dc09_udp)", address=address)
        if problems:
            self.close_ports()
            raise BadConfiguration(problems)

    def close_ports(self) -> list[Deferred[Any]]:
        """Take nothing more; what is under way goes on."""
        ports, self.udp_ports = self.udp_ports, []
        return [*super().close_ports(), *(maybeDeferred(port.stopListening) for port in ports)]

    def stopService(self) -> Deferred[Any]:
        """@return: fires when all ports and connections are closed."""
        super().stopService()
        return DeferredList([*self.close_ports(), self._factory.open.part()])
