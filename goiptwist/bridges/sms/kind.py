"""
C{kind = "sms"}.
"""

from __future__ import annotations

from zope.interface import implementer

from goiptwist.bridges.sms.bridge import SmsBridge
from goiptwist.bridges.sms.settings import SmsSettings
from goiptwist.interfaces import IBridgeKind, IGateway


@implementer(IBridgeKind)
class SmsKind:
    """Makes SMS bridges out of the configuration."""

    kind = "sms"
    settings = SmsSettings

    def build(self, name: str, settings: SmsSettings, gateway: IGateway) -> SmsBridge:
        """@param gateway: sends, and knows names."""
        return SmsBridge(name, settings, gateway)
