"""
C{kind = "dc09"}.
"""

from __future__ import annotations

from zope.interface import implementer

from goiptwist.bridges.dc09.bridge import Dc09Bridge
from goiptwist.bridges.dc09.settings import Dc09Settings
from goiptwist.interfaces import IBridgeKind, IGateway


@implementer(IBridgeKind)
class Dc09Kind:
    """Makes DC-09 bridges out of the configuration."""

    kind = "dc09"
    settings = Dc09Settings

    def build(self, name: str, settings: Dc09Settings, gateway: IGateway) -> Dc09Bridge:
        """
        @param gateway: gives the time, the reactor, and keeps sequence numbers.
        """
        return Dc09Bridge(name, settings, gateway)
