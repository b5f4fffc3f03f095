"""The yardstick: a bare Twisted UDP server that sends back what it gets."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol

from bench.orders import obey


class Echo(DatagramProtocol):
    """Nothing but the cost of Twisted and of the kernel."""

    noisy = False

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.transport.write(datagram, addr)


def main() -> None:
    """Listen on a free port, and tell which."""
    core: Any = reactor
    port = core.listenUDP(0, Echo(), interface="127.0.0.1", maxPacketSize=4097)
    obey({}, {"port": port.getHost().port})
    core.run()


if __name__ == "__main__":
    main()
