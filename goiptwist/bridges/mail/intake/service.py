"""
Where the intake meets the sockets: it listens while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IProtocolFactory

from goiptwist.accounts.users import Attempts, Users
from goiptwist.bridges.mail.intake.factory import SmtpFactory
from goiptwist.bridges.mail.intake.lmtp import LmtpSession
from goiptwist.bridges.mail.intake.server_context import ServerContext
from goiptwist.bridges.mail.intake.session import SmtpSession
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.bridges.mail.submission.interfaces import CountsRejections
from goiptwist.net.certificate import OurCertificate, WithinTls
from goiptwist.net.listening import Listening, Place


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
        complaints: CountsRejections,
    ) -> None:
        """
        @param name: of the gateway, for greetings, unless the settings have one.
        @param mailroom: an
            L{IMailroom<goiptwist.bridges.mail.submission.interfaces.IMailSubmission>}.
        """
        certificate = None
        if settings.certificate:
            certificate = OurCertificate(settings.certificate, settings.private_key)
        self.house = ServerContext(
            settings,
            settings.domain or name,
            reactor,
            users,
            attempts,
            mailroom,
            complaints,
            certificate,
        )
        self._receptions: list[SmtpFactory] = []
        super().__init__(reactor, "Mail", tuple(self._all_places(reactor)))

    def _all_places(self, reactor: Any) -> Iterator[Place]:
        house = self.house
        for key, addresses, language in (
            ("listen", house.settings.listen, SmtpSession),
            ("listen_tls", house.settings.listen_tls, SmtpSession),
            ("lmtp", house.settings.lmtp, LmtpSession),
        ):
            for address in addresses:
                implicit = key == "listen_tls"
                reception = SmtpFactory(house, language, implicit=implicit)
                self._receptions.append(reception)
                factory: IProtocolFactory = reception
                if implicit and house.certificate is not None:
                    factory = WithinTls(house.certificate, reception, reactor)
                yield Place(address, f" ({key})", factory)

    def stopService(self) -> Deferred[Any]:
        """@return: fires when all ports and connections are closed."""
        super().stopService()
        closing = self.close_ports()
        closing += [reception.close() for reception in self._receptions]
        return DeferredList(closing)
