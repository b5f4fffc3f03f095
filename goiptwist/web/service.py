"""
Where HTTP meets the sockets: it listens while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import IResource

from goiptwist.certificate import OurCertificate, WithinTls
from goiptwist.errors import BadConfiguration
from goiptwist.values import HostPort
from goiptwist.web.settings import HttpSettings
from goiptwist.web.site import STRICT, Leniency, Site

log = Logger()

#: Connections that the kernel may hold until we take them. With Twisted's 50, a
#: few hundred clients at once wait for a second or more, until TCP tries again.
BACKLOG = 512


@frozen
class _Place:
    """
    One address to listen on.

    @ivar tls: what the log adds where TLS is spoken.
    @ivar factory: what a port is given; around the site there may be TLS.
    """

    address: HostPort
    tls: str
    factory: IProtocolFactory


class HttpService(Service):
    """
    HTTP, and HTTP within TLS.

    @ivar site: all connections, whichever way they came.
    @ivar ports: what it listens with, those in clear text first.
    """

    def __init__(
        self,
        reactor: Any,
        settings: HttpSettings,
        resource: IResource,
        leniency: Leniency = STRICT,
        ending: Callable[[], None] = lambda: None,
    ) -> None:
        """
        @param resource: the root of all paths.
        @param leniency: what old programs may do.
        @param ending: called when it stops, to end what would go on for ever.
        """
        self._ending = ending
        self._reactor = reactor
        self.site = Site(resource, reactor, leniency)
        self.ports: list[IListeningPort] = []
        self._places = tuple(self._all_places(settings))

    def _all_places(self, settings: HttpSettings) -> Iterator[_Place]:
        for address in settings.listen:
            yield _Place(address, "", self.site)
        if settings.listen_tls:
            certificate = OurCertificate(settings.certificate, settings.private_key)
            factory = WithinTls(certificate, self.site, self._reactor)
            for address in settings.listen_tls:
                yield _Place(address, " with TLS", factory)

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
            self._close_ports()
            raise BadConfiguration(problems)

    def _open(self, place: _Place) -> Iterator[str]:
        """@return: what is wrong, if anything, in a sentence."""
        address = place.address
        endpoint = TCP6ServerEndpoint if ":" in address.host else TCP4ServerEndpoint
        listening = endpoint(
            self._reactor, address.port, backlog=BACKLOG, interface=address.host
        ).listen(place.factory)
        failures: list[Failure] = []
        listening.addCallbacks(self._listens, failures.append, callbackArgs=(place.tls,))
        for failure in failures:
            failure.trap(CannotListenError)
            reason = getattr(failure.value, "socketError", failure.value)
            yield f"HTTP cannot listen on {address}: {reason}; is it running already?"

    def _listens(self, port: IListeningPort, tls: str) -> None:
        self.ports.append(port)
        host: Any = port.getHost()
        log.info("HTTP listens on {address}{tls}", address=HostPort(host.host, host.port), tls=tls)

    def _close_ports(self) -> list[Deferred[Any]]:
        ports, self.ports = self.ports, []
        return [maybeDeferred(port.stopListening) for port in ports]

    def stopService(self) -> Deferred[Any]:
        """@return: fires when all ports and connections are closed."""
        super().stopService()
        ports = self._close_ports()
        self._ending()
        return DeferredList([*ports, self.site.close()])
