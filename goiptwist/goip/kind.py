"""C{[goip]} and C{[[line]]}."""

from __future__ import annotations

from collections.abc import Iterator

from zope.interface import implementer

from goiptwist.device_interfaces import IDeviceGateway
from goiptwist.goip.line import Address
from goiptwist.goip.lines import Lines
from goiptwist.goip.receiving import Receiver
from goiptwist.goip.service import GoipProtocol, GoipService
from goiptwist.goip.settings import GoipSettings, LineSettings
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
        reception, store = devices.reception, devices.store

        def write(datagram: bytes, address: Address) -> None:
            protocol.write(datagram, address)

        lines = Lines(
            gateway.clock,
            store,
            gateway.rejections,
            write,
            reception.has_room,
            reception.settled,
            reception.record_our_event,
        )
        lines.add(gateway.sections.rows("line"))
        receiver = Receiver(
            gateway.clock,
            store,
            lines,
            gateway.rejections,
            reception.receive,
            reception.reported,
            reception.record_event,
        )
        protocol = GoipProtocol(lines, receiver, gateway.rejections)
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
