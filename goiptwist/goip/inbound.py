"""
What devices push: SMS, delivery reports, facts and events.

Keep first, then say yes: an acknowledgement makes the device delete its copy.
"""

from __future__ import annotations

from attrs import define
from twisted.internet.interfaces import IReactorTime

from goiptwist.device_interfaces import IInbound
from goiptwist.goip.frames import DeliveryReport, DevicePush, PushAcknowledgement, ReceivedSms
from goiptwist.goip.lines import LineRegistry
from goiptwist.model.messages import HandsetReport, IncomingSms
from goiptwist.model.transmissions import LineOccurrence
from goiptwist.net.rejections import Rejections

#: Pushes whose content is the line's latest state and nothing more; what is
#: not here is kept as an event.
FACTS = frozenset({"STATE", "REMAIN", "CELLINFO", "BCCH", "CELLS", "CGATT"})

#: What the pushes that we know are called outside, by their name on the wire.
EVENTS = {
    "RECORD": "call.began",
    "EXPIRY": "call.length",
    "HANGUP": "call.ended",
    "USSN": "ussd.received",
}

#: The vendor's text is longer, and an answer to a stranger must never be
#: longer than the question.
REFUSAL = "wrong id or password"


@define(eq=False, repr=False)
class PushReceiver:
    """Proves who pushes, has it kept, and acknowledges."""

    clock: IReactorTime
    lines: LineRegistry
    rejections: Rejections
    inbound: IInbound

    async def sms(self, frame: ReceivedSms, host: str) -> PushAcknowledgement | None:
        """
        An SMS came.

        @return: the acknowledgement, once it is on disk; C{None} where the
            device gets none.
        @raise StoreUnavailable: it could not be kept; the device will repeat.
        """
        line = self.lines.authenticate(frame.line, frame.password, host)
        if isinstance(line, str):
            return self._refusal(line, "RECEIVE", frame.number)
        if self.inbound.overloaded:
            self.rejections.about("overload", host, "too much waits for the disk")
            return None
        message = await self.inbound.receive(
            IncomingSms(
                line=frame.line,
                number=frame.number,
                sender=_storable(frame.sender),
                text=_storable(frame.text),
                smsc=_storable(frame.smsc),
                at=self.clock.seconds(),
            )
        )
        if message is None:
            self.rejections.counts["repeats"] += 1
        return PushAcknowledgement("RECEIVE", frame.number)

    async def report(self, frame: DeliveryReport, host: str) -> PushAcknowledgement | None:
        """The state of a sent SMS at the handset came. As L{sms}."""
        line = self.lines.authenticate(frame.line, frame.password, host)
        if isinstance(line, str):
            return self._refusal(line, "DELIVER", frame.number)
        await self.inbound.record_report(
            HandsetReport(
                line=frame.line,
                number=frame.number,
                sms_no=frame.sms_no,
                state=frame.state,
                recipient=frame.recipient,
                at=self.clock.seconds(),
            )
        )
        return PushAcknowledgement("DELIVER", frame.number)

    async def push(self, frame: DevicePush, host: str) -> PushAcknowledgement | None:
        """Anything else came. As L{sms}; a stranger's gets no answer."""
        line = self.lines.authenticate(frame.line, frame.password, host)
        if isinstance(line, str):
            return None
        if frame.name in FACTS:
            self.lines.update_facts(line, frame.fields)
        else:
            await self.inbound.record_event(
                LineOccurrence(
                    line=frame.line,
                    what=EVENTS.get(frame.name, f"device.{frame.name}"),
                    kind=frame.name,
                    number=frame.number,
                    fields=frame.fields,
                    at=self.clock.seconds(),
                )
            )
        return PushAcknowledgement(frame.name, frame.number)

    def _refusal(self, reason: str, name: str, number: int) -> PushAcknowledgement | None:
        # A line pinned elsewhere gets silence: its password may be stolen. So does
        # who guesses: an answer would say which guess was right.
        if reason in ("wrong_address", "guesses"):
            return None
        return PushAcknowledgement(name, number, REFUSAL)


def _storable(text: str) -> str:
    """NUL is no character that every database can hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
