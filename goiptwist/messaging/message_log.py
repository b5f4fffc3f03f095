"""What the log says of messages: a sentence for each thing that happens to one."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from goiptwist.messaging.events import BusEvent
from goiptwist.model.messages import Direction, Message, State
from goiptwist.net.sampled_log import SampledLog
from goiptwist.operator_interfaces import IEventBus

#: States that are as they should be; of the others an operator may want to know.
_ORDINARY = (State.SENT, State.QUEUED, State.DELIVERED, State.KEPT)


@define(eq=False, repr=False)
class MessageLog:
    """Writes down what the bus publishes of messages and alarms."""

    clock: IReactorTime
    bus: IEventBus
    _sampled: SampledLog = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._sampled = SampledLog(self.clock)
        self.bus.subscribe(self._published)

    def _published(self, event: BusEvent) -> None:
        message = event.subject
        if not isinstance(message, Message):
            return
        what = event.kind.partition(".")[2]
        if what == "received":
            self._received(message)
        elif what == "acknowledged":
            self.log.info(
                "Alarm {message_id} is {reason}", message_id=message.id, reason=message.reason
            )
        elif what == message.report and message.direction is Direction.OUT:
            self._sampled.write(
                "Message {message_id} is {report} at the handset",
                message_id=message.id,
                report=message.report,
            )
        elif is_settled(event):
            self._settled(message)

    def _received(self, message: Message) -> None:
        if message.direction is Direction.ALARM:
            self._sampled.write(
                "Alarm {message_id} came in from {origin}",
                message_id=message.id,
                origin=message.origin,
            )
        else:
            self._sampled.write(
                "Message {message_id} came in by {line}", message_id=message.id, line=message.line
            )

    def _settled(self, message: Message) -> None:
        write = self._sampled.write if message.state in _ORDINARY else self.log.warn
        write(
            "{kind} {message_id} is {state}{by}{because}",
            kind="Alarm" if message.alarm else "Message",
            message_id=message.id,
            state=message.state.value,
            by=f" by {message.line}" if message.line else "",
            line=message.line,
            because=f": {message.reason}" if message.reason else "",
            reason=message.reason,
        )


def is_settled(event: BusEvent) -> bool:
    """
    Whether something has become of a message: a text that has just been
    submitted only waits, and has no reason.
    """
    message = event.subject
    return (
        isinstance(message, Message)
        and message.direction in (Direction.OUT, Direction.ALARM)
        and event.kind not in ("alarm.received", "alarm.acknowledged")
        and (event.kind != "message.queued" or bool(message.reason))
    )
