"""
The connectors of a gateway: built as the sections of the configuration say, and
asked for what they can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen
from twisted.application.service import IService
from zope.interface import Interface, implementer

from goiptwist.device_interfaces import IKeepsState, ILends, IPools
from goiptwist.gateway.settings import Settings
from goiptwist.interfaces import (
    IBridge,
    IConnectorKind,
    IConnectors,
    IGateway,
    ILines,
    IReportsOutage,
    ISharesMemory,
    Phase,
)
from goiptwist.model.status import LineStatus


@frozen(eq=False)
class ConnectorPlan:
    """
    A section of which a connector is built.

    @ivar name: as L{IConnectorKind.build} is given it.
    """

    kind: IConnectorKind
    name: str
    settings: Any

    @property
    def is_bridge(self) -> bool:
        """Whether there may be others of its section."""
        return self.kind.section == "bridge"

    @property
    def section(self) -> str:
        """How the section is called in the file, such as C{bridge.ops}."""
        return f"bridge.{self.name}" if self.is_bridge else self.kind.section

    @property
    def title(self) -> str:
        """How it is called in sentences."""
        return f"bridge {self.name}" if self.is_bridge else self.name

    @property
    def memory(self) -> str:
        """The name of its memory."""
        kind: Any = self.kind
        return str(kind.memory) if ISharesMemory.providedBy(kind) else self.section


@frozen(eq=False)
class Connector:
    """
    What was built.

    @ivar part: what the kind has made, to be asked by C{providedBy}.
    """

    plan: ConnectorPlan
    part: Any


def planned(settings: Settings, kinds: Sequence[IConnectorKind]) -> list[ConnectorPlan]:
    """@return: the connectors to build, in the order in which to build and start them."""
    plans = [
        ConnectorPlan(kind, kind.section, own)
        for kind in kinds
        if kind.section != "bridge" and (own := settings.single(kind.section)) is not None
    ]
    bridges = {kind.kind: kind for kind in kinds if kind.section == "bridge"}
    plans += [
        ConnectorPlan(bridges[word], name, own) for name, (word, own) in settings.bridges.items()
    ]
    return sorted(plans, key=lambda plan: plan.kind.phase)


@implementer(IConnectors, ILines)
@define(eq=False, repr=False)
class Connectors:
    """
    All of them, in the order in which they were built.

    @ivar powers_for: what a connector is given, by the name of its memory.
    """

    powers_for: Callable[[str], IGateway]
    built: list[Connector] = field(factory=list, init=False)

    def build(self, plan: ConnectorPlan) -> Connector:
        """@return: a connector, whose C{part} may be C{None}: then it is none of ours."""
        part = plan.kind.build(plan.name, plan.settings, self.powers_for(plan.memory))
        connector = Connector(plan, part)
        if part is not None:
            self.built.append(connector)
        return connector

    def _all(self, interface: type[Interface]) -> Iterator[Connector]:
        return (one for one in self.built if interface.providedBy(one.part))

    def providing(self, interface: type[Interface]) -> Mapping[str, Any]:
        """See L{IConnectors}."""
        return {one.plan.section: one.part for one in self._all(interface)}

    @property
    def bridges(self) -> dict[str, Any]:
        """Those that take messages, by the names of their sections."""
        return {one.plan.name: one.part for one in self._all(IBridge) if one.plan.is_bridge}

    def services(self, phase: Phase) -> list[IService]:
        """Those of a phase that are started and stopped."""
        return [one.part for one in self._all(IService) if one.plan.kind.phase == phase]

    def statuses(self) -> list[LineStatus]:
        """See L{ILines}: the lines of all devices."""
        return [status for one in self._all(ILines) for status in one.part.statuses()]

    def pool(self, destination: str) -> ILends | None:
        """See L{IPools}: of all devices."""
        pools = (one.part.pool(destination) for one in self._all(IPools))
        return next((pool for pool in pools if pool is not None), None)

    def outages(self) -> list[str]:
        """A sentence for each connector whose far side is away."""
        return [
            f"{one.plan.title}: {one.part.outage}"
            for one in self._all(IReportsOutage)
            if one.part.outage
        ]

    async def restore(self) -> None:
        """Let each go on where the last run stopped."""
        for one in self._all(IKeepsState):
            await one.part.restore()

    def save(self) -> None:
        """Let each write down what has changed."""
        for one in self._all(IKeepsState):
            one.part.save()
