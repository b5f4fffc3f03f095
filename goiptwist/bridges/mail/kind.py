"""
C{kind = "mail"}.
"""

from __future__ import annotations

from zope.interface import implementer

from goiptwist.bridges.mail.outgoing.bridge import MailBridge, identity
from goiptwist.bridges.mail.outgoing.settings import MailSettings
from goiptwist.bridges.mail.submission.tokens import AddressTokens
from goiptwist.interfaces import IBridgeKind, IGateway


@implementer(IBridgeKind)
class MailKind:
    """Makes mail bridges out of the configuration."""

    kind = "mail"
    settings = MailSettings

    def build(self, name: str, settings: MailSettings, gateway: IGateway) -> MailBridge:
        """
        @param gateway: gives the reactor, its name for EHLO, and its key.
        """
        greeting = identity(gateway.name)
        tokens = AddressTokens(gateway.key)
        return MailBridge(name, settings, gateway.reactor, greeting, tokens, gateway)
