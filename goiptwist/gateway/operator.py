"""What a person decides, and asks, about the whole gateway."""

from __future__ import annotations

from collections import Counter

from attrs import define, field
from zope.interface import implementer

from goiptwist.alarm.service import AlarmService
from goiptwist.alarm.supervision import Supervision
from goiptwist.delivery.dispatcher import Dispatcher
from goiptwist.gateway.connectors import Connectors
from goiptwist.messaging.service import Messaging
from goiptwist.model.messages import Message
from goiptwist.model.queries import Resolution
from goiptwist.model.quota import DAY, Quota
from goiptwist.model.status import Health
from goiptwist.operator_interfaces import IOperator
from goiptwist.store import Redelivery

#: Seconds after the start in which each line should have been heard: five keepalives.
UNHEARD_AFTER = 150.0


@implementer(IOperator)
@define(eq=False, repr=False)
class Operator:
    """
    L{IOperator} on top of the parts.

    @ivar connectors: all of them, and the lines.
    @ivar rejections: how often each kind of bad datagram came.
    """

    messaging: Messaging
    alarms: AlarmService
    supervision: Supervision
    delivery: Dispatcher
    connectors: Connectors
    rejections: Counter[str]
    _since: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._since = self.messaging.clock.seconds()

    async def resolve(self, message_id: str, resolution: Resolution, by: str) -> Message:
        """See L{IOperator}."""
        return await self.messaging.resolve(message_id, resolution, by)

    async def redeliver(self, message_id: str, bridge: str, by: str) -> None:
        """See L{IOperator}."""
        destination, now = f"bridge:{bridge}", self.messaging.clock.seconds()
        await self.messaging.store.redeliver(
            Redelivery(message_id=message_id, destination=destination, by=by, at=now)
        )

    async def quota(self, origin: str) -> tuple[Quota, int, int]:
        """See L{IOperator}."""
        messaging = self.messaging
        day = int(messaging.clock.seconds() // DAY)
        used = await messaging.store.used(origin, day)
        return messaging.permissions.quota(origin), *used

    def health(self) -> Health:
        """See L{IOperator}."""
        lines = self.connectors.statuses()
        problems = []
        if self.messaging.store.writer.failure:
            problems.append(f"the store cannot commit: {self.messaging.store.writer.failure}")
        problems += self.alarms.problems()
        problems += self.supervision.problems()
        problems += self.delivery.problems()
        problems += self.connectors.outages()
        problems += [f"line {line.id} is stopped: {line.stopped}" for line in lines if line.stopped]
        problems += [f"line {line.id} is lost" for line in lines if line.presence == "lost"]
        if self.messaging.clock.seconds() - self._since >= UNHEARD_AFTER:
            unheard = (line.id for line in lines if line.presence == "unheard")
            problems += [f"line {line} has not been heard since the start" for line in unheard]
        figures: dict[str, float] = {
            "lines": len(lines),
            "lines_present": sum(line.presence == "present" for line in lines),
            "messages_waiting": self.delivery.depth,
            "store_waiting": self.messaging.store.writer.depth,
            "store_commits": self.messaging.store.writer.committed_groups,
        }
        figures.update({f"datagrams_{kind}": count for kind, count in self.rejections.items()})
        return Health(problems=tuple(problems), figures=figures)
