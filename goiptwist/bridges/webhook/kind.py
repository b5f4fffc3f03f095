"""
C{kind = "webhook"}.
"""

from __future__ import annotations

from zope.interface import implementer

from goiptwist.bridges.webhook.bridge import WebhookBridge
from goiptwist.bridges.webhook.settings import WebhookSettings
from goiptwist.interfaces import IConnectorKind, IGateway, Phase


@implementer(IConnectorKind)
class WebhookKind:
    """Makes webhook bridges out of the configuration."""

    section, kind = "bridge", "webhook"
    settings = WebhookSettings
    phase = Phase.BRIDGE

    def build(self, name: str, settings: WebhookSettings, gateway: IGateway) -> WebhookBridge:
        """
        @param gateway: gives the reactor, the time, and its address book.
        """
        return WebhookBridge(name, settings, gateway)
