"""
Simulated lines and a server, joined without sockets: what the one writes the
other receives, in its own turn, through a radio for each direction.
"""

from __future__ import annotations

import random
from functools import partial
from typing import Any, Protocol

from attrs import define, field, frozen
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IReactorTime

from goiptwist.simulator.line import SimulatedLine
from goiptwist.simulator.radio import CLEAR, Conditions, Radio

Address = tuple[str, int]

#: Where lines sit by default: a documentation address (RFC 5737)
#: and the first port of newer devices.
HOST = "192.0.2.1"
FIRST_PORT = 10991
#: Where the server sits: the vendor's default port.
SERVER: Address = ("192.0.2.100", 44444)


class DatagramServer(Protocol):
    """What is joined to the lines, such as the gateway's DatagramProtocol."""

    def datagramReceived(self, datagram: bytes, addr: Address) -> object:
        """Take one datagram."""


@frozen
class LoggedDatagram:
    """
    One datagram on its way, before the radio.

    @ivar at: seconds by the clock.
    @ivar to_server: the direction.
    @ivar line: the address of the line that it comes from or is meant for.
    """

    at: float
    to_server: bool
    line: Address
    datagram: bytes


@define
class ServerTransport:
    """What the server writes to, as to a UDP port."""

    _network: SimulatedNetwork

    def write(self, datagram: bytes, addr: Address) -> None:
        """Send one datagram to a line."""
        self._network.to_line(datagram, addr)

    def getHost(self) -> IPv4Address:
        """Where the server sits."""
        return IPv4Address("UDP", *SERVER)

    def stopListening(self) -> None:
        """Hear nothing more."""
        self._network.server = None


@define(eq=False)
class SimulatedNetwork:
    """
    @ivar to_server_radio: what lines say goes through it.
    @ivar to_device_radio: what the server says goes through it.
    @ivar server: what receives from the lines; C{None} is a server that is down.
    @ivar transport: give it to the server.
    @ivar addresses: where each line sits now.
    @ivar log: everything that was written, in order.
    """

    _clock: IReactorTime
    _rng: random.Random
    to_server: Conditions = CLEAR
    to_device: Conditions = CLEAR
    server: DatagramServer | None = field(default=None, init=False)
    transport: ServerTransport = field(init=False)
    to_server_radio: Radio = field(init=False)
    to_device_radio: Radio = field(init=False)
    log: list[LoggedDatagram] = field(factory=list, init=False)
    addresses: dict[SimulatedLine, Address] = field(factory=dict, init=False)
    _lines: dict[Address, SimulatedLine] = field(factory=dict, init=False)
    _joined: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.transport = ServerTransport(self)
        self.to_server_radio = Radio(self._clock, self._rng, self.to_server)
        self.to_device_radio = Radio(self._clock, self._rng, self.to_device)

    def serve(self, server: Any) -> None:
        """
        Join a server. A C{DatagramProtocol} is connected to L{transport} as a
        port would do it; anything else only needs C{datagramReceived}.
        """
        self.server = server
        connect = getattr(server, "makeConnection", None)
        if connect is not None:
            connect(self.transport)

    def join(self, line: SimulatedLine, address: Address | None = None) -> Address:
        """
        Put a line at an address, or at another one than before: what is sent
        to the old address is lost from then on.

        @param address: where; C{None} takes a port of L{HOST} that was never
            used before.
        @return: the address.
        """
        if address is None:
            address = (HOST, FIRST_PORT + self._joined)
        self._joined += 1
        self._lines.pop(self.addresses.get(line, address), None)
        self._lines[address] = line
        self.addresses[line] = address
        line.connect(partial(self._from_line, address))
        return address

    def sent_by(self, line: SimulatedLine) -> list[bytes]:
        """@return: what the line has sent from where it sits now, in order."""
        return self._logged(self.addresses[line], True)

    def sent_to(self, line: SimulatedLine) -> list[bytes]:
        """@return: what the server has sent to where the line sits now, in order."""
        return self._logged(self.addresses[line], False)

    def _logged(self, line: Address, to_server: bool) -> list[bytes]:
        return [p.datagram for p in self.log if (p.line, p.to_server) == (line, to_server)]

    def _from_line(self, address: Address, datagram: bytes) -> None:
        self.log.append(LoggedDatagram(self._clock.seconds(), True, address, datagram))
        self.to_server_radio.carry(self._at_server, datagram, address)

    def _at_server(self, datagram: bytes, address: Address) -> None:
        if self.server is not None:
            self.server.datagramReceived(datagram, address)

    def to_line(self, datagram: bytes, address: Address) -> None:
        """Take what the server wrote."""
        self.log.append(LoggedDatagram(self._clock.seconds(), False, address, datagram))
        self.to_device_radio.carry(self._at_line, datagram, address)

    def _at_line(self, datagram: bytes, address: Address) -> None:
        line = self._lines.get(address)
        if line is not None:
            line.datagram_received(datagram)
