"""
A bridge for tests of alarms in a gateway that is killed: an alarm panel that
repeats itself until it hears a yes, also after a restart; and stations. What
each saw stands in files, which outlive the process.
"""

from __future__ import annotations

import os
from pathlib import Path

from attrs import define, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.plugin import IPlugin
from zope.interface import implementer

from goiptwist.config.values import setting
from goiptwist.contact_id import notation
from goiptwist.errors import Refused
from goiptwist.interfaces import IBridge, IConnectorKind, IDeliversEach, IGateway, Phase
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import AlarmReport, Message


@frozen
class PanelBridgeSettings:
    """C{[bridge.NAME] kind = "panel"}"""

    answer: str = setting("delivers, refuses, hangs or answers (a person).", default="delivers")
    reports: tuple[str, ...] = setting("What the panel has to report.", default=())
    sms: bool = False


@implementer(IBridge)
@define(eq=False, slots=False)
class PanelBridge(Service):
    """Both ends of an alarm."""

    section: str
    settings: PanelBridgeSettings
    gateway: IGateway
    rests = False

    def startService(self) -> None:
        super().startService()
        self.gateway.clock.callLater(0, lambda: Deferred.fromCoroutine(self._report()))

    async def _report(self) -> None:
        for number, machine in enumerate(self.settings.reports):
            report = AlarmReport(
                event=notation.read(machine), origin="panel", client_id=str(number)
            )
            alarm = await self.gateway.alarms.raise_alarm(report)
            self._note("accepted", f"{number} {alarm.id}")

    async def deliver(self, message: Message) -> Delivered:
        self._note(f"asked-{self.section}", message.id)
        if self.settings.answer == "refuses":
            raise Refused("401")
        if self.settings.answer == "hangs":
            await Deferred()
        if self.settings.answer == "answers":
            await self.gateway.alarms.acknowledge(message.id, "Ann")
        return Delivered("kissoff")

    def _note(self, file: str, line: str) -> None:
        with Path(file).open("a") as opened:
            opened.write(line + "\n")


@implementer(IPlugin, IConnectorKind)
class PanelBridgeKind:
    """How the configuration makes one."""

    section, kind = "bridge", "panel"
    phase = Phase.BRIDGE
    settings = PanelBridgeSettings

    def build(self, name: str, settings: PanelBridgeSettings, gateway: IGateway) -> PanelBridge:
        return PanelBridge(name, settings, gateway)


@frozen
class GroupSettings:
    """C{[bridge.NAME] kind = "group"}"""

    recipients: tuple[str, ...] = setting("Who is told, each by itself.", default=())
    sms: bool = False


@implementer(IDeliversEach)
@define(eq=False)
class Group:
    """Several people. In a life that ends at a point, only the first of them is reached."""

    settings: GroupSettings

    async def deliver(self, message: Message) -> Delivered:
        raise Refused("it has recipients")

    async def deliver_to(self, message: Message, recipient: str) -> Delivered:
        if os.environ["DIE_AT"] and recipient != self.settings.recipients[0]:
            await Deferred()
        with Path("told").open("a") as opened:
            opened.write(f"{recipient} {message.id}\n")
        return Delivered("read")


@implementer(IPlugin, IConnectorKind)
class GroupKind:
    """How the configuration makes one."""

    section, kind = "bridge", "group"
    phase = Phase.BRIDGE
    settings = GroupSettings

    def build(self, name: str, settings: GroupSettings, gateway: IGateway) -> Group:
        return Group(settings)


panel_kind = PanelBridgeKind()
group_kind = GroupKind()
