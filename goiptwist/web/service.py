"""
Where HTTP meets the sockets: it listens while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.web.resource import IResource

from goiptwist.net.certificate import OurCertificate, WithinTls
from goiptwist.net.listening import ListenAddress, Listening
from goiptwist.web.http.proxies import TrustedProxies
from goiptwist.web.http.site import STRICT, Leniency, Site
from goiptwist.web.settings import HttpSettings


class HttpService(Listening):
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
        self.site = Site(resource, reactor, leniency, TrustedProxies(settings.proxies))
        super().__init__(reactor, "HTTP", tuple(self._all_places(reactor, settings)))

    def _all_places(self, reactor: Any, settings: HttpSettings) -> Iterator[ListenAddress]:
        for address in settings.listen:
            yield ListenAddress(address, "", self.site)
        if settings.listen_tls:
            certificate = OurCertificate(settings.certificate, settings.private_key)
            factory = WithinTls(certificate, self.site, reactor)
            for address in settings.listen_tls:
                yield ListenAddress(address, " with TLS", factory)

    def stopService(self) -> Deferred[Any]:
        """@return: fires when all ports and connections are closed."""
        super().stopService()
        ports = self.close_ports()
        self._ending()
        return DeferredList([*ports, self.site.close()])
