"""
C{kind = "xmpp"}.
"""

from __future__ import annotations

from zope.interface import implementer

from goiptwist.bridges.xmpp.bridge import XmppBridge
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.interfaces import IConnectorKind, IGateway, Phase


@implementer(IConnectorKind)
class XmppKind:
    """Makes chat bridges out of the configuration."""

    section, kind = "bridge", "xmpp"
    settings = XmppSettings
    phase = Phase.BRIDGE

    def build(self, name: str, settings: XmppSettings, gateway: IGateway) -> XmppBridge:
        """@param gateway: gives the reactor, the time, its lines and its address book."""
        return XmppBridge(name, settings, gateway)
