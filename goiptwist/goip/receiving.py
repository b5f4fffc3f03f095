"""
What devices push: SMS, delivery reports, facts and events.

Keep first, then say yes: an acknowledgement makes the device delete its copy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from goiptwist.goip.frames import Acknowledgement, DeliveryReport, Push, ReceivedSms
from goiptwist.goip.lines import Lines
from goiptwist.model.messages import HandsetReport, IncomingSms, Message
from goiptwist.net.rejections import Rejections
from goiptwist.store import NewLineEvent, Store

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

#: Wishes in the store's queue above which a push is left unanswered: the
#: device repeats it after 3 s, which is better than an answer too late.
OVERLOAD = 5000

#: The vendor's text is longer, and an answer to a stranger must never be
#: longer than the question.
REFUSAL = "wrong id or password"


@define(eq=False, repr=False)
class Receiver:
    """
    @ivar arrived: keeps an SMS and hands it on; fires after the commit.
    @ivar reported: called with a message whose delivery report came.
    @ivar happened: keeps what happened on a line; fires after the commit.
    """

    clock: IReactorTime
    store: Store
    lines: Lines
    complaints: Rejections
    arrived: Callable[[IncomingSms], Awaitable[Message | None]]
    reported: Callable[[Message], None]
    happened: Callable[[NewLineEvent], Awaitable[None]]
    log = Logger()

    async def sms(self, frame: ReceivedSms, host: str) -> Acknowledgement | None:
        """
        An SMS came.

        @return: the acknowledgement, once it is on disk; C{None} where there
            shall be none.
        @raise StoreUnavailable: it could not be kept; the device will repeat.
        """
        line = self.lines.authenticated(frame.line, frame.password, host)
        if isinstance(line, str):
            return self._refused(line, "RECEIVE", frame.number)
        if self.store.writer.depth > OVERLOAD:
            self.complaints.about("overload", host, "too much waits for the disk")
            return None
        message = await self.arrived(
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
            self.complaints.counts["repeats"] += 1
        return Acknowledgement("RECEIVE", frame.number)

    async def report(self, frame: DeliveryReport, host: str) -> Acknowledgement | None:
        """The state of a sent SMS at the handset came. As L{sms}."""
        line = self.lines.authenticated(frame.line, frame.password, host)
        if isinstance(line, str):
            return self._refused(line, "DELIVER", frame.number)
        message = await self.store.report(
            HandsetReport(
                line=frame.line,
                number=frame.number,
                sms_no=frame.sms_no,
                state=frame.state,
                recipient=frame.recipient,
                at=self.clock.seconds(),
            )
        )
        if message is not None:
            self.reported(message)
        return Acknowledgement("DELIVER", frame.number)

    async def push(self, frame: Push, host: str) -> Acknowledgement | None:
        """Anything else came. As L{sms}; a stranger's gets no answer."""
        line = self.lines.authenticated(frame.line, frame.password, host)
        if isinstance(line, str):
            return None
        if frame.name in FACTS:
            self.lines.note(line, dict(frame.fields))
        else:
            await self.happened(
                NewLineEvent(
                    line=frame.line,
                    what=EVENTS.get(frame.name, f"device.{frame.name}"),
                    kind=frame.name,
                    number=frame.number,
                    fields=frame.fields,
                    at=self.clock.seconds(),
                )
            )
        return Acknowledgement(frame.name, frame.number)

    def _refused(self, why: str, name: str, number: int) -> Acknowledgement | None:
        # A line pinned elsewhere gets silence: its password may be stolen.
        if why == "wrong_address":
            return None
        return Acknowledgement(name, number, REFUSAL)


def _storable(text: str) -> str:
    """NUL is no character that every database can hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
