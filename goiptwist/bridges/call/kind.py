"""
C{kind = "contact-id-call"}.
"""

from __future__ import annotations

from zope.interface import implementer

from goiptwist.bridges.call.settings import CallSettings
from goiptwist.interfaces import IBridge, IConnectorKind, IGateway, Phase


@implementer(IConnectorKind)
class CallKind:
    """Makes bridges that call out of the configuration."""

    section, kind = "bridge", "contact-id-call"
    settings = CallSettings
    phase = Phase.BRIDGE

    def build(self, name: str, settings: CallSettings, gateway: IGateway) -> IBridge:
        """
        @param gateway: gives the reactor and the time.
        """
        # Not before somebody wants it: without the extra it cannot be imported.
        from goiptwist.bridges.call.bridge import CallBridge

        return CallBridge(name, settings, gateway)
