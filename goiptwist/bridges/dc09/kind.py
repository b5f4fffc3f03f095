"""
C{kind = "dc09"}, which sends alarms by SIA DC-09; and C{[alarm]}, which takes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from zope.interface import implementer

from goiptwist.alarm import supervision
from goiptwist.alarm.settings import AlarmSettings
from goiptwist.bridges.dc09.bridge import Dc09Bridge
from goiptwist.bridges.dc09.service import Dc09Receiver
from goiptwist.bridges.dc09.settings import Dc09Settings
from goiptwist.interfaces import IChecksSettings, IConnectorKind, IGateway, ISections, Phase


@implementer(IConnectorKind)
class Dc09Kind:
    """Makes DC-09 bridges out of the configuration."""

    section, kind = "bridge", "dc09"
    settings = Dc09Settings
    phase = Phase.BRIDGE

    def build(self, name: str, settings: Dc09Settings, gateway: IGateway) -> Dc09Bridge:
        """
        @param gateway: gives the time, the reactor, and keeps sequence numbers.
        """
        return Dc09Bridge(name, settings, gateway)


@implementer(IConnectorKind, IChecksSettings)
class AlarmListenerKind:
    """Makes what panels report to over IP."""

    section, kind = "alarm", ""
    settings = AlarmSettings
    phase = Phase.LISTENER

    def build(self, name: str, settings: AlarmSettings, gateway: IGateway) -> Dc09Receiver | None:
        """@param gateway: raises the alarms."""
        if not settings.dc09_listen and not settings.dc09_udp:
            return None
        return Dc09Receiver(gateway, settings, gateway.rejections)

    def faults(
        self, name: str, settings: AlarmSettings, sections: ISections
    ) -> Iterator[tuple[str, str]]:
        """Test alarms could not be sent."""
        routes, bridges = sections.rows("route"), sections.bridges
        for sentence in supervision.faults(settings, routes, bridges):
            yield "[alarm]", sentence
