"""
Where the intake meets the sockets: it listens while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IProtocolFactory
from zope.interface import implementer

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.bridges.mail.intake.factory import SmtpFactory
from goiptwist.bridges.mail.intake.lmtp import LmtpSession
from goiptwist.bridges.mail.intake.server_context import ServerContext
from goiptwist.bridges.mail.intake.session import SmtpSession
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.bridges.mail.submission.interfaces import IHasSubmission, IMailSubmission
from goiptwist.net.certificate import OurCertificate, WithinTls
from goiptwist.net.listening import ListenAddress, Listening
from goiptwist.net.rejections import Rejections


@implementer(IHasSubmission)
class MailIntake(Listening):
    """
    SMTP and LMTP for everybody who connects.

    @ivar context: what all sessions share; its C{counts} are for the
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
        accounts: Authenticator,
        submission: IMailSubmission,
        rejections: Rejections,
    ) -> None:
        """
        @param accounts: the login of the whole gateway.
        @param name: of the gateway, for greetings, unless the settings have one.
        @param submission: takes the mails.
        """
        self.submission = submission
        certificate = None
        if settings.certificate:
            certificate = OurCertificate(settings.certificate, settings.private_key)
        self.context = ServerContext(
            settings,
            settings.domain or name,
            reactor,
            accounts,
            submission,
            rejections,
            certificate,
        )
        self._factories: list[SmtpFactory] = []
        super().__init__(reactor, "Mail", tuple(self._all_places(reactor)))

    def _all_places(self, reactor: Any) -> Iterator[ListenAddress]:
        context = self.context
        for key, addresses, session in (
            ("listen", context.settings.listen, SmtpSession),
            ("listen_tls", context.settings.listen_tls, SmtpSession),
            ("lmtp", context.settings.lmtp, LmtpSession),
        ):
            for address in addresses:
                implicit = key == "listen_tls"
                own = SmtpFactory(context, session, implicit=implicit)
                self._factories.append(own)
                factory: IProtocolFactory = own
                if implicit and context.certificate is not None:
                    factory = WithinTls(context.certificate, own, reactor)
                yield ListenAddress(address, f" ({key})", factory)

    def stopService(self) -> Deferred[Any]:
        """@return: fires when all ports and connections are closed."""
        super().stopService()
        closing = self.close_ports()
        closing += [factory.close() for factory in self._factories]
        return DeferredList(closing)
