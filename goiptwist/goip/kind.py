"""C{[goip]} and C{[[line]]}."""

from __future__ import annotations

from collections.abc import Iterator

from zope.interface import implementer

from goiptwist.device_interfaces import IDeviceGateway
from goiptwist.goip.inbound import PushReceiver
from goiptwist.goip.lines import LineRegistry
from goiptwist.goip.service import GoipProtocol, GoipService
from goiptwist.goip.session_numbers import SessionPermutation
from goiptwist.goip.settings import GoipSettings, LineSettings
from goiptwist.goip.transport import DatagramSender
from goiptwist.interfaces import (
    IChecksSettings,
    IConnectorKind,
    IGateway,
    IMoreSections,
    ISections,
    Phase,
)


@implementer(IConnectorKind, IMoreSections, IChecksSettings)
class GoipKind:
    """Makes the connector to GoIP devices."""

    section, kind = "goip", ""
    settings = GoipSettings
    phase = Phase.DEVICE
    singles: dict[str, type] = {}
    rows = {"line": LineSettings}

    def build(self, name: str, settings: GoipSettings, gateway: IGateway) -> GoipService:
        """@param gateway: keeps what devices hand in."""
        devices = IDeviceGateway(gateway)
        sender = DatagramSender(gateway.rejections)
        lines = LineRegistry(
            gateway.clock,
            devices.journal,
            devices.inbound,
            gateway.rejections,
            sender,
            SessionPermutation(gateway.key),
        )
        lines.add(gateway.sections.rows("line"))
        receiver = PushReceiver(gateway.clock, lines, gateway.rejections, devices.inbound)
        protocol = GoipProtocol(lines, receiver, sender, gateway.rejections)
        return GoipService(gateway.reactor, settings.listen, protocol)

    def faults(
        self, name: str, settings: GoipSettings, sections: ISections
    ) -> Iterator[tuple[str, str]]:
        """Two lines have one id."""
        first: dict[str, int] = {}
        for place, line in enumerate(sections.rows("line"), 1):
            known = first.setdefault(line.id, place)
            if known != place:
                yield f"[[line]] {place}", f"{line.id!r} is taken by [[line]] {known} already"
