"""What the lines need of the gateway, made of the store and the messaging."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.alarm.panel_sms import PanelSms
from goiptwist.device_interfaces import IInbound, ITransmissionJournal
from goiptwist.errors import StoreUnavailable
from goiptwist.messaging.service import Messaging
from goiptwist.model.messages import HandsetReport, IncomingSms, Message
from goiptwist.model.transmissions import LateAnswer, LineOccurrence, Transmission
from goiptwist.store import Event, Facts, Store

#: Jobs in the store's queue above which a push is left unanswered: the device
#: repeats it after 3 s, which is better than an answer too late.
OVERLOAD = 5000


@implementer(ITransmissionJournal)
@define(eq=False, repr=False)
class StoredJournal:
    """The journal of transmissions, in the store."""

    store: Store
    messaging: Messaging
    log = Logger()

    def reserve_session_numbers(self, count: int) -> Deferred[int]:
        """See L{ITransmissionJournal}."""
        return self.store.reserve("session", count)

    def record(self, transmission: Transmission) -> Deferred[None]:
        """See L{ITransmissionJournal}."""
        return self.store.write_down(transmission)

    def record_late_answer(self, answer: LateAnswer) -> None:
        """See L{ITransmissionJournal}."""
        recorded = self.store.late_answer(answer).addCallback(self._resolved)
        recorded.addErrback(_not_kept)

    def _resolved(self, message: Message | None) -> None:
        if message is not None:
            self.log.info(
                "Message {message_id} is {state} after all",
                message_id=message.id,
                state=message.state.value,
            )
            self.messaging.settled(message)

    def put_facts(self, line: str, facts: Mapping[str, str], at: float) -> None:
        """See L{ITransmissionJournal}."""
        self.store.keep_facts(Facts(line, at, facts)).addErrback(_not_kept)

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
        return await self.panel_sms.arrived(sms)

    async def record_report(self, report: HandsetReport) -> None:
        """See L{IInbound}."""
        message = await self.store.report(report)
        if message is not None:
            self.messaging.reported(message)

    async def record_event(self, occurrence: LineOccurrence) -> None:
        """See L{IInbound}."""
        await self.messaging.happened(
            Event(
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
