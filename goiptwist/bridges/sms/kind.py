"""
C{kind = "sms"}.
"""

from __future__ import annotations

from zope.interface import implementer

from goiptwist.bridges.sms.bridge import SmsBridge
from goiptwist.bridges.sms.settings import SmsSettings
from goiptwist.interfaces import IConnectorKind, IGateway, Phase


@implementer(IConnectorKind)
class SmsKind:
    """Makes SMS bridges out of the configuration."""

    section, kind = "bridge", "sms"
    settings = SmsSettings
    phase = Phase.BRIDGE

    def build(self, name: str, settings: SmsSettings, gateway: IGateway) -> SmsBridge:
        """@param gateway: sends, and knows names."""
        return SmsBridge(name, settings, gateway)
