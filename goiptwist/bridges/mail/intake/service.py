"""
Where the intake meets the sockets: it listens while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IProtocolFactory

from goiptwist.accounts.users import Attempts, Users
from goiptwist.bridges.mail.intake.conversation import Conversation
from goiptwist.bridges.mail.intake.house import House
from goiptwist.bridges.mail.intake.interfaces import Complains
from goiptwist.bridges.mail.intake.lmtp import LocalConversation
from goiptwist.bridges.mail.intake.reception import Reception
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.net.certificate import OurCertificate, WithinTls
from goiptwist.net.listening import ListenAddress, Listening


class MailIntake(Listening):
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
        self._receptions: list[Reception] = []
        super().__init__(reactor, "Mail", tuple(self._all_places(reactor)))

    def _all_places(self, reactor: Any) -> Iterator[ListenAddress]:
        house = self.house
        for key, addresses, language in (
            ("listen", house.settings.listen, Conversation),
            ("listen_tls", house.settings.listen_tls, Conversation),
            ("lmtp", house.settings.lmtp, LocalConversation),
        ):
            for address in addresses:
                implicit = key == "listen_tls"
                reception = Reception(house, language, implicit=implicit)
                self._receptions.append(reception)
                factory: IProtocolFactory = reception
                if implicit and house.certificate is not None:
                    factory = WithinTls(house.certificate, reception, reactor)
                yield ListenAddress(address, f" ({key})", factory)

    def stopService(self) -> Deferred[Any]:
        """@return: fires when all ports and connections are closed."""
        super().stopService()
        closing = self.close_ports()
        closing += [reception.close() for reception in self._receptions]
        return DeferredList(closing)
