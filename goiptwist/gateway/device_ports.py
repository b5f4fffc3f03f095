"""What the lines need of the gateway, made of the store and the messaging."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.alarm.panel_sms import PanelSms
from goiptwist.device_interfaces import IInbound, ITransmissionJournal
from goiptwist.errors import StoreUnavailable
from goiptwist.messaging.service import Messaging
from goiptwist.model.messages import HandsetReport, IncomingSms, Message
from goiptwist.model.transmissions import LateAnswer, LineOccurrence, Transmission
from goiptwist.store import NewLineEvent, Store, StoredFacts

#: Jobs in the store's queue above which a push is left unanswered: the device
#: repeats it after 3 s, which is better than an answer too late.
OVERLOAD = 5000


@implementer(ITransmissionJournal)
@define(eq=False, repr=False)
class StoredJournal:
    """The journal of transmissions, in the store."""

    store: Store

    def reserve_session_numbers(self, count: int) -> Deferred[int]:
        """See L{ITransmissionJournal}."""
        return self.store.reserve("session", count)

    def record(self, transmission: Transmission) -> Deferred[None]:
        """See L{ITransmissionJournal}."""
        return self.store.record_transmission(transmission)

    def record_late_answer(self, answer: LateAnswer) -> None:
        """See L{ITransmissionJournal}."""
        self.store.late_answer(answer).addErrback(_not_kept)

    def put_facts(self, line: str, facts: Mapping[str, str], at: float) -> None:
        """See L{ITransmissionJournal}."""
        self.store.keep_facts(StoredFacts(line, at, facts)).addErrback(_not_kept)

    async def get_facts(self) -> dict[str, Mapping[str, str]]:
        """See L{ITransmissionJournal}."""
        return {line: facts for line, (_, facts) in (await self.store.facts()).items()}


@implementer(IInbound)
@define(eq=False, repr=False)
class StoredInbound:
    """What devices push, kept in the store and handed on."""

    store: Store
    messaging: Messaging
    panel_sms: PanelSms

    @property
    def overloaded(self) -> bool:
        """See L{IInbound}."""
        return self.store.writer.depth > OVERLOAD

    async def receive(self, sms: IncomingSms) -> Message | None:
        """See L{IInbound}."""
        return await self.panel_sms.receive(sms)

    async def record_report(self, report: HandsetReport) -> None:
        """See L{IInbound}."""
        await self.store.report(report)

    async def record_event(self, occurrence: LineOccurrence) -> None:
        """See L{IInbound}."""
        await self.messaging.record_event(
            NewLineEvent(
                line=occurrence.line,
                what=occurrence.what,
                kind=occurrence.kind,
                number=occurrence.number,
                fields=occurrence.fields,
                at=occurrence.at,
            )
        )


def _not_kept(failure: Failure) -> None:
    """The store has said already why it does not commit."""
    failure.trap(StoreUnavailable)
