"""
The gateway as bridges and the HTTP interface see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from goiptwist.alarm.service import AlarmService
from goiptwist.alarm.supervision import Supervision
from goiptwist.contact_id.event import Event
from goiptwist.delivery.dispatcher import Dispatcher
from goiptwist.interfaces import IBridge, IOverview, IReportsOutage
from goiptwist.messaging.events import EventBus
from goiptwist.messaging.service import Messaging
from goiptwist.model.messages import AlarmReport, Direction, Message, State, Step, Submission
from goiptwist.model.queries import Resolution, Search, SearchPage
from goiptwist.model.quota import DAY, Quota
from goiptwist.model.status import DeliveryStatus, Health, LineStatus
from goiptwist.net.shielding import shielded
from goiptwist.store import MARKS_AT_ONCE, Marking, Redelivery, Return, Store
from goiptwist.telephony.contacts import Contacts
from goiptwist.telephony.numbering import international


@implementer(IOverview)
@define(eq=False, repr=False)
class Overview:
    """
    L{IOverview} on top of the parts.

    @ivar line_statuses: asks the lines how they stand.
    @ivar bridges: all of them, by name.
    @ivar complaints: how often each kind of bad datagram came.
    @ivar contacts: the address book.
    @ivar fallbacks: each bridge that what it handed on may come back to, with
        the destination that gets their SMS then, or an empty text.
    @ivar country: as in L{goiptwist.telephony.numbering.NumbersSettings}.
    """

    name: str
    key: bytes
    clock: IReactorTime
    reactor: Any
    store: Store
    traffic: Messaging
    alarms: AlarmService
    heartbeats: Supervision
    bridges: Mapping[str, IBridge]
    delivery: Dispatcher
    line_statuses: Callable[[], list[LineStatus]]
    complaints: Counter[str]
    contacts: Contacts
    fallbacks: Mapping[str, str]
    country: str = ""

    async def submit(self, submission: Submission) -> list[Message]:
        """See L{IOverview}."""
        return await self.traffic.submit(submission)

    async def submit_all(
        self, submissions: Sequence[Submission]
    ) -> list[list[Message] | Exception]:
        """See L{IOverview}."""
        return await self.traffic.submit_all(submissions)

    async def raise_alarm(self, report: AlarmReport) -> Message:
        """See L{IOverview}."""
        return await shielded(self.alarms.raise_alarm(report))

    def alarm_in(self, text: str, *, user: str = "", sender: str = "") -> Event | None:
        """See L{IOverview}."""
        return self.alarms.routes.alarm_in(text, user=user, sender=sender)

    async def acknowledge(self, alarm_id: str, by: str) -> Message:
        """See L{IOverview}."""
        return await shielded(self.alarms.acknowledge(alarm_id, by))

    def acknowledgement(self, alarm_id: str) -> Deferred[str]:
        """See L{IOverview}."""
        return self.alarms.acknowledgement(alarm_id)

    def allowed(self, origin: str, number: str, line: str) -> None:
        """See L{IOverview}."""
        self.traffic.permits.check(origin, [number], line)

    def dialled(self, typed: str) -> str:
        """See L{IOverview}."""
        return international(typed, self.country)

    def name_of(self, number: str) -> str:
        """See L{IOverview}."""
        return self.contacts.name_of(number)

    async def came_back(self, message_id: str, reason: str) -> None:
        """See L{IOverview}."""
        now = self.clock.seconds()
        failed = await self.store.came_back(
            Return(message_id=message_id, reason=reason, at=now, instead=self.fallbacks)
        )
        if failed is not None:
            self.traffic.settled(failed)

    async def remember(self, key: str, value: str) -> None:
        """See L{IOverview}."""
        await self.store.remember(key, value, self.clock.seconds())

    async def recall(self, key: str) -> str:
        """See L{IOverview}."""
        return await self.store.recall(key)

    async def message(self, message_id: str) -> Message | None:
        """See L{IOverview}."""
        return await self.store.message(message_id)

    async def messages(self, direction: Direction | None, after: str, limit: int) -> list[Message]:
        """See L{IOverview}."""
        return await self.store.messages(direction, after, limit)

    async def inbox(self, owner: str, after: str, limit: int) -> list[Message]:
        """See L{IOverview}."""
        return await self.store.inbox(owner, after, limit)

    async def sent(self, owner: str, states: Sequence[State], limit: int) -> list[Message]:
        """See L{IOverview}."""
        return await self.store.sent(owner, states, limit)

    async def deleted(self, owner: str, limit: int) -> list[Message]:
        """See L{IOverview}."""
        return await self.store.deleted(owner, limit)

    async def mark(self, owner: str, ids: Sequence[str], word: str) -> list[str]:
        """See L{IOverview}."""
        marked: list[str] = []
        for begin in range(0, len(ids), MARKS_AT_ONCE):
            part = tuple(ids[begin : begin + MARKS_AT_ONCE])
            marked += await self.store.mark(Marking(owner=owner, ids=part, word=word))
        return marked

    async def search(self, wanted: Search) -> SearchPage:
        """See L{IOverview}."""
        return await self.store.search(wanted)

    async def withdraw(self, message_id: str, by: str) -> Message:
        """See L{IOverview}."""
        return await self.traffic.withdraw(message_id, by)

    async def settle(self, message_id: str, verdict: Resolution, by: str) -> Message:
        """See L{IOverview}."""
        return await self.traffic.settle(message_id, verdict, by)

    async def redeliver(self, message_id: str, bridge: str, by: str) -> None:
        """See L{IOverview}."""
        destination, now = f"bridge:{bridge}", self.clock.seconds()
        await self.store.redeliver(
            Redelivery(message_id=message_id, destination=destination, by=by, at=now)
        )

    async def used(self, origin: str) -> tuple[Quota, int, int]:
        """See L{IOverview}."""
        day = int(self.clock.seconds() // DAY)
        return self.traffic.permits.allowance(origin), *await self.store.used(origin, day)

    @property
    def happenings(self) -> EventBus:
        """See L{IOverview}."""
        return self.traffic.happenings

    async def journey(self, message_id: str) -> list[Step]:
        """See L{IOverview}."""
        return await self.store.journey(message_id)

    async def legs(self, alarm_id: str) -> list[DeliveryStatus]:
        """See L{IOverview}."""
        return await self.store.legs(alarm_id)

    def lines(self) -> list[LineStatus]:
        """See L{IOverview}."""
        return self.line_statuses()

    def _troubled(self) -> list[str]:
        """A sentence for each bridge that says it is not well."""
        asked: dict[str, Any] = {
            name: bridge
            for name, bridge in self.bridges.items()
            if IReportsOutage.providedBy(bridge)
        }
        return [f"bridge {n}: {bridge.trouble}" for n, bridge in asked.items() if bridge.trouble]

    def health(self) -> Health:
        """See L{IOverview}."""
        lines = self.lines()
        problems = []
        if self.store.writer.trouble:
            problems.append(f"the store cannot commit: {self.store.writer.trouble}")
        problems += self.alarms.troubles()
        problems += self.heartbeats.troubles()
        problems += self.delivery.troubles()
        problems += self._troubled()
        problems += [f"line {line.id} is stopped: {line.stopped}" for line in lines if line.stopped]
        problems += [f"line {line.id} is lost" for line in lines if line.presence == "lost"]
        figures: dict[str, float] = {
            "lines": len(lines),
            "lines_present": sum(line.presence == "present" for line in lines),
            "messages_waiting": self.delivery.depth,
            "store_waiting": self.store.writer.depth,
            "store_commits": self.store.writer.committed_groups,
        }
        figures.update({f"datagrams_{kind}": count for kind, count in self.complaints.items()})
        return Health(problems=tuple(problems), figures=figures)
