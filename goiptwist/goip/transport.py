"""Where datagrams leave: the one socket that all devices send to."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.interfaces import IUDPTransport

from goiptwist.net.rejections import Rejections

Address = tuple[str, int]


@define(eq=False, repr=False)
class DatagramSender:
    """
    Sends from the listening socket: a device behind NAT is only reached from
    there. While the socket is not open, datagrams are lost, as on any network.
    """

    rejections: Rejections
    _transport: IUDPTransport | None = field(default=None, init=False)

    def opened(self, transport: IUDPTransport) -> None:
        """The socket is open."""
        self._transport = transport

    def closed(self) -> None:
        """The socket is closed."""
        self._transport = None

    def write(self, datagram: bytes, address: Address) -> None:
        """Send one datagram."""
        if self._transport is None:
            return
        try:
            self._transport.write(datagram, address)
        except OSError as error:
            # No route, a full buffer: to the dialogue it is a lost datagram.
            self.rejections.about("not_sent", address[0], f"could not send: {error}")
