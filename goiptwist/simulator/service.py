"""The simulated device on real UDP: a port for each line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Site

from goiptwist.config.values import HostPort
from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.limits import allow_ports
from goiptwist.simulator.line import SimulatedLine
from goiptwist.simulator.radio import Radio
from goiptwist.simulator.traffic import RandomTraffic

Address = tuple[str, int]


class LinePort(DatagramProtocol):
    """
    The UDP end of one line. It takes datagrams of its server only.

    @ivar line: what sends and receives here.
    """

    noisy = False

    def __init__(self, line: SimulatedLine, link: ServerLink) -> None:
        self.line = line
        self._link = link

    def send(self, datagram: bytes) -> None:
        """Send to the server, through the radio."""
        self._link.observe(True, datagram)
        radio = self._link.to_server
        if radio.conditions.clear:
            self._put(datagram)
        else:
            radio.carry(self._put, datagram)

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        if addr != self._link.server:
            return
        self._link.observe(False, datagram)
        radio = self._link.to_device
        if radio.conditions.clear:
            self.line.datagram_received(datagram)
        else:
            radio.carry(self.line.datagram_received, datagram)

    def _put(self, datagram: bytes) -> None:
        if self.transport is None:
            return  # the port was closed while the datagram was in the air
        try:
            self.transport.write(datagram, self._link.server)
        except OSError:
            # No route, or no buffer left: on any network that is a lost datagram.
            self._link.unsent += 1


@define(eq=False)
class ServerLink:
    """
    What all lines share on their way to the server.

    @ivar server: its address and port.
    @ivar to_server: the radio for what lines say.
    @ivar to_device: the radio for what the server says.
    @ivar observe: called with each datagram, and whether it goes to the server.
    @ivar unsent: how many datagrams the operating system would not send.
    """

    server: Address
    to_server: Radio
    to_device: Radio
    observe: Callable[[bool, bytes], None] = lambda to_server, datagram: None
    unsent: int = field(default=0, init=False)

    @property
    def interface(self) -> str:
        """Where ports are opened: not beyond this machine without need."""
        host = HostPort(*self.server)
        if host.is_loopback:
            return self.server[0]
        return "::" if ":" in self.server[0] else ""


@define(eq=False)
class Simulator(Service):
    """
    @ivar device: the lines.
    @ivar link: the way to the server.
    @ivar traffic: random incoming SMS.
    @ivar first_port: of the first line, the others follow; 0 is any.
    @ivar control: where the HTTP control listens; C{None} is nowhere.
    @ivar pages: makes the root of the HTTP control.
    @ivar rate: incoming SMS a minute to begin with.
    """

    _log = Logger()

    reactor: Any
    device: SimulatedDevice
    link: ServerLink
    traffic: RandomTraffic
    first_port: int = 0
    control: HostPort | None = None
    rate: float = 0.0
    pages: Callable[[Simulator], Resource] | None = None
    _ports: dict[str, Any] = field(factory=dict, init=False)
    _control_port: Any = field(default=None, init=False)

    def startService(self) -> None:
        """Open every port, then switch every line on."""
        super().startService()
        allow_ports(len(self.device.lines))
        for index, line in enumerate(self.device):
            self._open(line, self.first_port and self.first_port + index)
        if self.control is not None and self.pages is not None:
            site = Site(self.pages(self))
            site.noisy = False
            self._control_port = self.reactor.listenTCP(
                self.control.port, site, interface=self.control.host
            )
        self.device.start()
        self.traffic.per_minute = self.rate
        self._log.info(
            "{lines} simulated lines speak to {server}",
            lines=len(self.device.lines),
            server=HostPort(*self.link.server),
        )

    def stopService(self) -> Deferred[Any]:
        """Switch every line off, and close every port."""
        super().stopService()
        self.traffic.stop()
        self.device.stop()
        ports = [*self._ports.values(), *filter(None, [self._control_port])]
        self._ports.clear()
        self._control_port = None
        return gatherResults([maybeDeferred(port.stopListening) for port in ports])

    def address(self, line: SimulatedLine) -> HostPort:
        """@return: where the line sits now."""
        host = self._ports[line.name].getHost()
        return HostPort(host.host, host.port)

    def control_address(self) -> HostPort:
        """@return: where the control listens, also if any port was asked for."""
        host = self._control_port.getHost()
        return HostPort(host.host, host.port)

    def move(self, line: SimulatedLine, port: int = 0) -> HostPort:
        """
        Give a line another port, as a router does that has restarted. The old
        one is closed.

        @raise CannotListenError: the port is taken; the line stays.
        """
        old = self._ports[line.name]
        self._open(line, port)
        old.stopListening()
        return self.address(line)

    def _open(self, line: SimulatedLine, port: int) -> None:
        end = LinePort(line, self.link)
        self._ports[line.name] = self.reactor.listenUDP(port, end, self.link.interface)
        line.connect(end.send)
