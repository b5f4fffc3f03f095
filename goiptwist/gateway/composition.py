"""
Builds the parts of a gateway and introduces them to one another. No logic.
"""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field
from twisted.internet.interfaces import IReactorTime
from twisted.internet.threads import deferToThread

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.quotas import Permissions
from goiptwist.accounts.verification import DeferToThread
from goiptwist.alarm import supervision
from goiptwist.alarm.deduplication import Deduplication
from goiptwist.alarm.panel_sms import PanelSms
from goiptwist.alarm.routes import Routes
from goiptwist.alarm.service import AlarmService
from goiptwist.alarm.supervision import Supervision
from goiptwist.delivery.dispatcher import Dispatcher, Nexthop
from goiptwist.device_interfaces import IPools
from goiptwist.gateway import bridge_keys, kinds
from goiptwist.gateway.connectors import Connector, Connectors, planned
from goiptwist.gateway.device_ports import StoredInbound, StoredJournal
from goiptwist.gateway.nexthop import nexthop
from goiptwist.gateway.operator import Operator
from goiptwist.gateway.powers import Powers
from goiptwist.gateway.settings import Settings
from goiptwist.interfaces import (
    IBridge,
    IConversational,
    IDeliversEach,
    IObservesMessages,
    ITakesReports,
)
from goiptwist.messaging.bounces import Bounces
from goiptwist.messaging.directory import Directory
from goiptwist.messaging.history import Folders, History
from goiptwist.messaging.housekeeping import Housekeeping
from goiptwist.messaging.memory import SectionMemory
from goiptwist.messaging.message_log import MessageLog
from goiptwist.messaging.report_subscriber import ReportSubscriber
from goiptwist.messaging.router import Router, RoutingRule
from goiptwist.messaging.service import Messaging
from goiptwist.model.subscriptions import Subscription
from goiptwist.net.rejections import Rejections
from goiptwist.store import Store
from goiptwist.telephony.contacts import Contacts


@define(eq=False, repr=False)
class Gateway:
    """
    The parts, all introduced to one another; no socket is open yet.

    @ivar clock: where time comes from.
    @ivar reactor: for the endpoints of connectors.
    @ivar connectors: what the sections of the settings became: devices, bridges
        and listeners.
    @ivar powers: what connectors may use.
    """

    settings: Settings
    store: Store
    clock: IReactorTime
    reactor: Any
    defer_to_thread: DeferToThread = deferToThread
    rejections: Rejections = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    messaging: Messaging = field(init=False)
    alarms: AlarmService = field(init=False)
    supervision: Supervision = field(init=False)
    connectors: Connectors = field(init=False)
    powers: Powers = field(init=False)
    housekeeping: Housekeeping = field(init=False)
    _rules: dict[str, RoutingRule] = field(factory=dict, init=False)
    _fallbacks: dict[str, str] = field(factory=dict, init=False)
    _report_takers: dict[str, ITakesReports] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        settings, store, clock = self.settings, self.store, self.clock
        country, alarm = settings.country, settings.alarm
        quotas = bridge_keys.quotas(settings.bridges)
        permissions = Permissions.of_users(settings.users, country, quotas)
        router = Router(self._rules, settings.pool_of, country)
        alarm_routes = Routes(settings.routes, country)
        ways = supervision.ways(alarm, settings.routes)

        self.rejections = Rejections(clock)
        self.dispatcher = Dispatcher(store, clock, self._nexthop)
        MessageLog(clock, store.bus.events)
        self.messaging = Messaging(
            clock, store, router, self.dispatcher, permissions, country=country
        )
        repeats = Deduplication(clock, store, alarm.dedup_window)
        self.alarms = AlarmService(self.messaging, alarm_routes, repeats)
        self.supervision = Supervision(clock, store, self.alarms, alarm, ways)
        self.connectors = Connectors(self._powers_for)
        self.powers = self._powers(permissions)
        self.housekeeping = Housekeeping(
            clock,
            store,
            settings.history.keep,
            self.connectors.save,
            settings.delivery.delay_warning,
        )
        for plan in planned(settings, kinds.connector_kinds()):
            self._introduce(self.connectors.build(plan))
        ReportSubscriber(store.bus.events, self._report_takers)

    def _powers(self, permissions: Permissions) -> Powers:
        settings, store, messaging = self.settings, self.store, self.messaging
        contacts = Contacts(settings.contacts, settings.country)
        return Powers(
            name=settings.top.name,
            key=store.key,
            clock=self.clock,
            reactor=self.reactor,
            defer_to_thread=self.defer_to_thread,
            messages=messaging,
            alarms=self.alarms,
            directory=Directory(permissions, contacts, settings.country),
            lines=self.connectors,
            bounces=Bounces(messaging, self._fallbacks),
            memory=SectionMemory(store, self.clock, "gateway"),
            accounts=Authenticator(settings.users, self.clock, self.defer_to_thread),
            rejections=self.rejections,
            sections=settings,
            connectors=self.connectors,
            history=History(store),
            folders=Folders(store),
            operator=Operator(
                messaging,
                self.alarms,
                self.supervision,
                self.dispatcher,
                self.connectors,
                self.rejections.counts,
            ),
            events=messaging.events,
            inbound=StoredInbound(store, messaging, PanelSms(messaging, self.alarms)),
            journal=StoredJournal(store),
        )

    @property
    def goip(self) -> Any:
        """The connector to GoIP devices: a L{goiptwist.goip.service.GoipService}."""
        return self.connectors.providing(IPools)["goip"]

    def _powers_for(self, memory: str) -> Powers:
        return evolve(self.powers, memory=SectionMemory(self.store, self.clock, memory))

    def _introduce(self, connector: Connector) -> None:
        """Let the others know of a connector: a bridge can be routed to, and notified."""
        part: Any = connector.part
        if not (connector.plan.is_bridge and IBridge.providedBy(part)):
            return
        name, settings = connector.plan.name, connector.plan.settings
        self._rules[name] = bridge_keys.routing_rule(settings)
        if IConversational.providedBy(part):
            self._fallbacks[f"bridge:{name}"] = bridge_keys.fallback(settings)
        if ITakesReports.providedBy(part):
            self._report_takers[f"bridge:{name}"] = part
        if IDeliversEach.providedBy(part) and settings.recipients:
            self.store.recipients[f"bridge:{name}"] = tuple(settings.recipients)
        if IObservesMessages.providedBy(part) and part.statuses:
            self.messaging.listeners.append(Subscription(f"bridge:{name}", part.statuses))

    def _nexthop(self, destination: str) -> Nexthop | None:
        return nexthop(destination, self.settings, self.connectors)
