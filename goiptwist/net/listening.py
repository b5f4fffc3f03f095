"""
Listening on several addresses at once, as one service: all of them, or none
and a sentence for each that cannot be had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.config.values import HostPort
from goiptwist.errors import BadConfiguration

#: Connections that the kernel may hold until we take them. With Twisted's 50, a
#: few hundred clients at once wait for a second or more, until TCP tries again.
BACKLOG = 512


@frozen
class ListenAddress:
    """
    One address to listen on.

    @ivar remark: what the log and a complaint say behind the address, such as
        C{ (lmtp)}; may be empty.
    @ivar factory: what the port is given; TLS stands around it already.
    """

    address: HostPort
    remark: str
    factory: IProtocolFactory


class Listening(Service):
    """
    Listens on TCP while it runs.

    @ivar ports: what it listens with, in the order of C{places}.
    """

    log = Logger()

    def __init__(self, reactor: Any, what: str, places: Sequence[ListenAddress]) -> None:
        """@param what: who listens, for the log, such as C{Mail}."""
        self.reactor = reactor
        self.ports: list[IListeningPort] = []
        self._what = what
        self._places = tuple(places)

    def privilegedStartService(self) -> None:
        """
        Twisted calls this while it may still take ports below 1024.

        @raise BadConfiguration: nobody can listen on one of the addresses now.
        """
        super().privilegedStartService()
        self._listen()

    def startService(self) -> None:
        """
        @raise BadConfiguration: nobody can listen on one of the addresses now.
        """
        self._listen()
        super().startService()

    def _listen(self) -> None:
        if self.ports:
            return
        problems = [problem for place in self._places for problem in self._open(place)]
        if problems:
            self.close_ports()
            raise BadConfiguration(problems)

    def _open(self, place: ListenAddress) -> Iterator[str]:
        """@return: what is wrong, if anything, in a sentence."""
        address = place.address
        kind = TCP6ServerEndpoint if ":" in address.host else TCP4ServerEndpoint
        endpoint = kind(self.reactor, address.port, backlog=BACKLOG, interface=address.host)
        listening = endpoint.listen(place.factory)
        failures: list[Failure] = []
        listening.addCallbacks(self._listens, failures.append, callbackArgs=(place.remark,))
        for failure in failures:
            failure.trap(CannotListenError)
            reason = getattr(failure.value, "socketError", failure.value)
            yield (
                f"{self._what} cannot listen on {address}{place.remark}: {reason}; "
                "is it running already?"
            )

    def _listens(self, port: IListeningPort, remark: str) -> None:
        self.ports.append(port)
        host: Any = port.getHost()
        self.log.info(
            "{what} listens on {address}{remark}",
            what=self._what,
            address=HostPort(host.host, host.port),
            remark=remark,
        )

    def close_ports(self) -> list[Deferred[Any]]:
        """Take no more connections; those that there are go on."""
        ports, self.ports = self.ports, []
        return [maybeDeferred(port.stopListening) for port in ports]
