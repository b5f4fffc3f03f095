"""
Where the intake meets the sockets: it listens while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.bridges.mail.intake.conversation import Conversation
from goiptwist.bridges.mail.intake.house import House
from goiptwist.bridges.mail.intake.interfaces import Complains
from goiptwist.bridges.mail.intake.lmtp import LocalConversation
from goiptwist.bridges.mail.intake.reception import Reception
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.certificate import OurCertificate, WithinTls
from goiptwist.errors import BadConfiguration
from goiptwist.users import Attempts, Users
from goiptwist.values import HostPort

log = Logger()


@frozen
class _Place:
    """
    One address to listen on.

    @ivar key: the setting it stands in.
    @ivar factory: what a port is given; around the reception there may be TLS.
    """

    key: str
    address: HostPort
    reception: Reception
    factory: IProtocolFactory


class MailIntake(Service):
    """
    SMTP and LMTP for whoever connects.

    @ivar house: what all conversations share; its C{counts} are for the
        metrics.
    @ivar ports: what it listens with, in the order of the settings C{listen},
        C{listen_tls} and C{lmtp}.
    """

    def __init__(
        self,
        reactor: Any,
        settings: MailIntakeSettings,
        name: str,
        *,
        users: Users,
        attempts: Attempts,
        mailroom: Any,
        complaints: Complains,
    ) -> None:
        """
        @param name: of the gateway, for greetings, unless the settings have one.
        @param mailroom: an
            L{IMailroom<goiptwist.bridges.mail.intake.interfaces.IMailroom>}.
        """
        self._reactor = reactor
        certificate = None
        if settings.certificate:
            certificate = OurCertificate(settings.certificate, settings.private_key)
        self.house = House(
            settings,
            settings.domain or name,
            reactor,
            users,
            attempts,
            mailroom,
            complaints,
            certificate,
        )
        self.ports: list[IListeningPort] = []
        self._places = tuple(self._all_places())

    def _all_places(self) -> Iterator[_Place]:
        house = self.house
        for key, addresses, language in (
            ("listen", house.settings.listen, Conversation),
            ("listen_tls", house.settings.listen_tls, Conversation),
            ("lmtp", house.settings.lmtp, LocalConversation),
        ):
            for address in addresses:
                implicit = key == "listen_tls"
                reception = Reception(house, language, implicit=implicit)
                factory: IProtocolFactory = reception
                if implicit and house.certificate is not None:
                    factory = WithinTls(house.certificate, reception, self._reactor)
                yield _Place(key, address, reception, factory)

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
        listening = endpoint(self._reactor, address.port, interface=address.host).listen(
            place.factory
        )
        failures: list[Failure] = []
        listening.addCallbacks(self._listens, failures.append, callbackArgs=(place.key,))
        for failure in failures:
            failure.trap(CannotListenError)
            reason = getattr(failure.value, "socketError", failure.value)
            yield f"Mail cannot listen on {address} ({place.key}): {reason}; is it running already?"

    def _listens(self, port: IListeningPort, key: str) -> None:
        self.ports.append(port)
        host: Any = port.getHost()
        log.info(
            "Mail listens on {address} ({key})", address=HostPort(host.host, host.port), key=key
        )

    def _close_ports(self) -> list[Deferred[Any]]:
        ports, self.ports = self.ports, []
        return [maybeDeferred(port.stopListening) for port in ports]

    def stopService(self) -> Deferred[Any]:
        """@return: fires when all ports and connections are closed."""
        super().stopService()
        closing = self._close_ports()
        closing += [place.reception.close() for place in self._places]
        return DeferredList(closing)
