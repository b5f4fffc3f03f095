"""
How an alarm moves: kept and queued as its routes say, and stopped when a
person takes it over.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred
from zope.interface import implementer

from goiptwist.alarm.deduplication import Deduplication
from goiptwist.alarm.routes import Routes
from goiptwist.contact_id.event import Event
from goiptwist.interfaces import IAlarms
from goiptwist.messaging.events import BusEvent
from goiptwist.messaging.service import Messaging
from goiptwist.model.escalation import ACKNOWLEDGED_BY, EscalationStep
from goiptwist.model.messages import AlarmReport, Message
from goiptwist.net.shielding import shielded
from goiptwist.store import AlarmAcknowledgement, NewAlarm
from goiptwist.telephony.validation import accepted_report

#: Seconds for which an alarm that failed is a problem of the gateway.
REMEMBERED = 86400.0
#: Failed alarms that are named one by one.
NAMED = 5


@implementer(IAlarms)
@define(eq=False, repr=False)
class AlarmService:
    """
    @ivar routes: which way each goes.
    @ivar deduplication: finds what comes again.
    """

    messaging: Messaging
    routes: Routes
    deduplication: Deduplication
    _waiting: dict[str, list[Deferred[str]]] = field(factory=dict, init=False)
    _failed: dict[str, Message] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.messaging.events.subscribe(self._published)

    async def start(self) -> None:
        """Find the alarms that failed before this process."""
        since = self.messaging.clock.seconds() - REMEMBERED
        for alarm in await self.messaging.store.failed_alarms(since):
            self._failed[alarm.id] = alarm

    def _published(self, one: BusEvent) -> None:
        if one.kind == "alarm.failed":
            self._failed[one.subject.id] = one.subject
        elif one.kind.startswith("alarm."):
            self._failed.pop(one.subject.id, None)
        if one.kind == "alarm.acknowledged":
            by = one.subject.reason.removeprefix(ACKNOWLEDGED_BY)
            for waiting in self._waiting.pop(one.subject.id, []):
                waiting.callback(by)

    def problems(self) -> list[str]:
        """A sentence for each alarm of the last day that nobody has delivered, at most L{NAMED}."""
        since = self.messaging.clock.seconds() - REMEMBERED
        failed = [alarm for alarm in self._failed.values() if alarm.at >= since]
        self._failed = {alarm.id: alarm for alarm in failed}
        sentences = [f"alarm {a.id} has failed everywhere: {a.reason}" for a in failed[-NAMED:]]
        more = len(failed) - len(sentences)
        return [*sentences, *([f"{more} more alarms have failed everywhere"] if more else [])]

    def recognize(self, text: str, *, user: str = "", sender: str = "") -> Event | None:
        """See L{IAlarms}."""
        return self.routes.recognize(text, user=user, sender=sender)

    async def raise_alarm(self, report: AlarmReport) -> Message:
        """See L{IAlarms}."""
        return await shielded(self.send(report, self.routes.steps(report)))

    async def send(self, report: AlarmReport, steps: tuple[EscalationStep, ...]) -> Message:
        """The same as L{raise_alarm}, but the ways are given."""
        self.messaging.check_load()
        report = accepted_report(report)
        key = (report.event.machine, steps)
        return await self.deduplication.once(
            key, report.client_id, lambda: self._keep(report, steps)
        )

    async def _keep(self, report: AlarmReport, steps: tuple[EscalationStep, ...]) -> Message:
        messaging = self.messaging
        raised = NewAlarm(
            report=report,
            steps=steps,
            at=messaging.clock.seconds(),
            quota=messaging.permissions.quota(report.origin),
        )
        return await messaging.store.keep_alarm(raised)

    async def acknowledge(self, alarm_id: str, by: str) -> Message:
        """See L{IAlarms}."""
        return await shielded(self._acknowledge(alarm_id, by))

    async def _acknowledge(self, alarm_id: str, by: str) -> Message:
        at = self.messaging.clock.seconds()
        return await self.messaging.store.acknowledge(
            AlarmAcknowledgement(message_id=alarm_id, by=by, at=at)
        )

    def acknowledged(self, alarm_id: str) -> Deferred[str]:
        """See L{IAlarms}."""

        def cancelled(deferred: Deferred[str]) -> None:
            others = self._waiting.get(alarm_id, [])
            if deferred in others:
                others.remove(deferred)
            if not others:
                self._waiting.pop(alarm_id, None)

        waiting: Deferred[str] = Deferred(cancelled)
        self._waiting.setdefault(alarm_id, []).append(waiting)
        return waiting
