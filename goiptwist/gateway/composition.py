"""
Builds the parts of a gateway and introduces them to one another. No logic.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import asdict, define, evolve, field
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from goiptwist.accounts.quotas import Permissions
from goiptwist.accounts.users import Attempts, DeferToThread, Users
from goiptwist.alarm import routes, supervision
from goiptwist.alarm.deduplication import Deduplication
from goiptwist.alarm.panel_sms import PanelSms
from goiptwist.alarm.service import AlarmService
from goiptwist.alarm.supervision import Supervision
from goiptwist.bridges.dc09.service import Dc09Receiver
from goiptwist.bridges.mail import imap as mailbox
from goiptwist.bridges.mail.addresses import AddressPlan
from goiptwist.bridges.mail.imap import ImapIntake
from goiptwist.bridges.mail.intake.service import MailIntake
from goiptwist.bridges.mail.mailroom import Mailroom
from goiptwist.bridges.mail.tokens import Grant, Tokens
from goiptwist.delivery.dispatcher import Dispatcher, Nexthop
from goiptwist.delivery.retry import LINE_SCHEDULE, RetryPolicy
from goiptwist.gateway import bridging, kinds
from goiptwist.gateway.operator import Operator
from goiptwist.gateway.powers import OperatorPowers
from goiptwist.gateway.settings import Settings
from goiptwist.goip.line import Address
from goiptwist.goip.lines import Lines
from goiptwist.goip.receiving import Receiver
from goiptwist.goip.service import GoipProtocol, GoipService
from goiptwist.interfaces import IBridge, IDeliversEach, INotifies, IObservesMessages, ITakesReports
from goiptwist.messaging.bounces import Bounces
from goiptwist.messaging.directory import Directory
from goiptwist.messaging.history import Folders, History
from goiptwist.messaging.housekeeping import Housekeeping
from goiptwist.messaging.memory import SectionMemory
from goiptwist.messaging.message_log import MessageLog
from goiptwist.messaging.report_subscriber import ReportSubscriber
from goiptwist.messaging.router import Router
from goiptwist.messaging.service import Messaging
from goiptwist.model.subscriptions import Subscription
from goiptwist.net.rejections import Rejections
from goiptwist.simulator.demo import Demonstration
from goiptwist.store import Store
from goiptwist.telephony.contacts import Contacts
from goiptwist.web.api import Api
from goiptwist.web.doors import Doors
from goiptwist.web.ozeki.dialect import Dialect
from goiptwist.web.service import HttpService

#: Messages that lines may have in hand: more than 10,000 lines can take.
LINES_AT_ONCE = 100_000


@define(eq=False, repr=False)
class Gateway:
    """
    The parts, all introduced to one another; no socket is open yet.

    @ivar clock: where time comes from.
    @ivar reactor: for the endpoints of bridges.
    """

    settings: Settings
    store: Store
    clock: IReactorTime
    reactor: Any
    complaints: Rejections = field(init=False)
    delivery: Dispatcher = field(init=False)
    traffic: Messaging = field(init=False)
    lines: Lines = field(init=False)
    protocol: GoipProtocol = field(init=False)
    alarms: AlarmService = field(init=False)
    heartbeats: Supervision = field(init=False)
    powers: OperatorPowers = field(init=False)
    housekeeping: Housekeeping = field(init=False)
    bridges: dict[str, IBridge] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        settings, store, clock = self.settings, self.store, self.clock
        self.complaints = Rejections(clock)
        self.delivery = Dispatcher(store, clock, self._route)
        MessageLog(clock, store.bus)
        self.traffic = self._traffic()
        self.lines = Lines(
            clock,
            store,
            self.complaints,
            self._write,
            self.delivery.changed,
            lambda message: None,  # the store publishes it
            self.traffic.record_our_event,
        )
        self.lines.add(settings.lines)
        self.alarms = self._alarms()
        receiver = Receiver(
            clock,
            store,
            self.lines,
            self.complaints,
            PanelSms(self.traffic, self.alarms).receive,
            lambda message: None,  # the store publishes it
            self.traffic.record_event,
        )
        self.protocol = GoipProtocol(self.lines, receiver, self.complaints)
        tested = supervision.ways(settings.alarm, settings.routes)
        self.heartbeats = Supervision(clock, store, self.alarms, settings.alarm, tested)
        self.powers = self._powers()
        self.housekeeping = Housekeeping(
            clock,
            store,
            settings.history.keep,
            self.lines.keep_facts,
            settings.delivery.delay_warning,
        )
        self._build_bridges()

    def _traffic(self) -> Messaging:
        settings = self.settings
        rules = {name: bridging.rule_of(own) for name, (_, own) in settings.bridges.items()}
        router = Router(rules, {line.id: line.pool for line in settings.lines})
        country = settings.numbers.country
        allowances = bridging.allowances(settings.bridges)
        permits = Permissions.of_users(settings.users, country, allowances)
        return Messaging(self.clock, self.store, router, self.delivery, permits, country=country)

    def _alarms(self) -> AlarmService:
        ways = routes.Routes(self.settings.routes, self.settings.numbers.country)
        repeats = Deduplication(self.clock, self.store, self.settings.alarm.dedup_window)
        return AlarmService(self.traffic, ways, repeats)

    def _powers(self) -> OperatorPowers:
        return OperatorPowers(
            name=self.settings.top.name,
            key=self.store.key,
            clock=self.clock,
            reactor=self.reactor,
            messages=self.traffic,
            alarms=self.alarms,
            directory=Directory(
                self.traffic.permits,
                Contacts(self.settings.contacts, self.settings.numbers.country),
                self.settings.numbers.country,
            ),
            lines=self.lines,
            bounces=Bounces(self.traffic, self._fallbacks()),
            memory=SectionMemory(self.store, self.clock, "gateway"),
            history=History(self.store),
            folders=Folders(self.store),
            operator=Operator(
                self.traffic,
                self.alarms,
                self.heartbeats,
                self.bridges,
                self.delivery,
                self.lines.statuses,
                self.complaints.counts,
            ),
            events=self.traffic.events,
        )

    def _fallbacks(self) -> dict[str, str]:
        """Where an SMS goes that came back to a bridge which had delivered it."""
        return {
            f"bridge:{name}": bridging.fallback_of(own)
            for name, (kind, own) in self.settings.bridges.items()
            if kind in ("mail", "xmpp")
        }

    def powers_for(self, section: str) -> OperatorPowers:
        """What one section may ask: the same as all others, with a memory of its own."""
        return evolve(self.powers, memory=SectionMemory(self.store, self.clock, section))

    def _build_bridges(self) -> None:
        known = kinds.bridge_kinds()
        for name, (kind, settings) in self.settings.bridges.items():
            bridge = self.bridges[name] = known[kind].build(
                name, settings, self.powers_for(f"bridge.{name}")
            )
            listener: Any = bridge
            if IObservesMessages.providedBy(bridge) and listener.statuses:
                self.traffic.listeners.append(Subscription(f"bridge:{name}", listener.statuses))
        for name, bridge in self.bridges.items():
            recipients = tuple(getattr(self.settings.bridges[name][1], "recipients", ()))
            if IDeliversEach.providedBy(bridge) and recipients:
                self.store.recipients[f"bridge:{name}"] = recipients
        takers = {
            f"bridge:{name}": bridge
            for name, bridge in self.bridges.items()
            if ITakesReports.providedBy(bridge)
        }
        ReportSubscriber(self.store.bus, takers)

    def _write(self, datagram: bytes, address: Address) -> None:
        self.protocol.write(datagram, address)

    def _route(self, destination: str) -> Nexthop | None:
        delivery = self.settings.delivery
        bridge_name = destination.removeprefix("bridge:")
        bridge = self.bridges.get(bridge_name)
        if destination.startswith("bridge:") and bridge is not None:
            own = self.settings.bridges[bridge_name][1]
            policy = RetryPolicy(
                **asdict(bridging.pace_of(bridge, own), recurse=False),
                lifetime=delivery.give_up,
                fallback=bridging.fallback_of(own),
            )
            return Nexthop(bridge, policy)
        pool = self.lines.pools.get(destination)
        if pool is None:
            return None
        policy = RetryPolicy(
            schedule=LINE_SCHEDULE,
            attempts=delivery.attempts,
            lifetime=delivery.validity,
            rests=False,
            at_once=LINES_AT_ONCE,
            on_unknown=delivery.on_unknown,
        )
        return Nexthop(pool, policy, pool.ready_for)

    # -- the parts with sockets --

    def goip_service(self) -> GoipService:
        """The UDP port that devices talk to."""
        return GoipService(self.reactor, self.settings.goip.listen, self.protocol)

    def http_service(self, defer_to_thread: DeferToThread) -> HttpService | None:
        """The HTTP interface, if there shall be one."""
        http = self.settings.http
        if not http.listen and not http.listen_tls:
            return None
        users = Users(self.settings.users, defer_to_thread)
        api = Api(self.powers, users, self.clock, self._tellers())
        dialect = Dialect(
            self.powers,
            api.access,
            defer_to_thread,
            strict=http.strict,
            reports_by=bridging.caller_of_urls(self.settings.bridges),
        )
        doors = Doors(api.resource(), dialect)
        return HttpService(self.reactor, http, doors, doors.leniency, api.end_streams)

    def _tellers(self) -> list[str]:
        """The bridges that a submission over HTTP may name to be told."""
        return [
            name
            for name, bridge in self.bridges.items()
            # These tell the writer of a mail or of a chat message, and here was none.
            if INotifies.providedBy(bridge)
            and self.settings.bridges[name][0] not in ("mail", "xmpp")
        ]

    def alarm_services(self) -> list[Service]:
        """Where panels report over IP, if that shall be anywhere."""
        alarm = self.settings.alarm
        if not alarm.dc09_listen and not alarm.dc09_udp:
            return []
        return [Dc09Receiver(self.powers_for("alarm"), alarm, self.complaints)]

    def mail_services(self, defer_to_thread: DeferToThread) -> list[Service]:
        """The ways by which mails become SMS, if there shall be any."""
        intake, imap = self.settings.mail, self.settings.imap
        mailroom = self._mailroom(defer_to_thread)
        users = Users(self.settings.users, defer_to_thread)
        services: list[Service] = []
        if intake.listen or intake.listen_tls or intake.lmtp:
            services.append(
                MailIntake(
                    self.reactor,
                    intake,
                    self.settings.top.name,
                    users=users,
                    attempts=Attempts(self.clock),
                    mailroom=mailroom,
                    complaints=self.complaints,
                )
            )
        if imap.server is not None:
            boxes = bridging.mailboxes(self.settings.bridges)
            services.append(ImapIntake(self.reactor, imap, mailroom, self.complaints, boxes))
        return services

    def _mailroom(self, defer_to_thread: DeferToThread) -> Mailroom:
        settings = self.settings
        tokens = Tokens(self.store.key)
        tokens.know(
            Grant(f"bridge:{bridge}", line.id)
            for bridge in settings.bridges
            for line in settings.lines
        )
        directory = AddressPlan(
            lines=tuple(line.id for line in settings.lines),
            pools=tuple(sorted({line.pool for line in settings.lines})),
            country=settings.numbers.country,
            mailboxes=bridging.mailboxes(settings.bridges),
        )
        return Mailroom(
            self.powers,
            settings.mail.domain,
            directory,
            tokens,
            settings.mail_text,
            settings.mail_text.parts,
            defer_to_thread,
            users=settings.users,
            authserv=settings.mail.authserv,
            imap_authserv=settings.imap.authserv,
            reports_by=bridging.reporter(settings.mail.reports, settings.bridges),
        )


async def check_mailbox(settings: Settings, reactor: Any) -> str:
    """
    @return: what was found, in one sentence; empty where there is no mailbox.
    @raise GoipTwistError: what is wrong.
    """
    if settings.imap.server is None:
        return ""
    return await mailbox.check(reactor, settings.imap)


def demonstration(reactor: Any, folder: Path) -> Demonstration:
    """A simulated device and a smarthost, to put around a gateway."""
    return Demonstration(reactor, folder)
