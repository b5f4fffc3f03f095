"""
The gateway as bridges and the HTTP interface see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from attrs import define
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from goiptwist.delivery import Delivery
from goiptwist.interfaces import IOverview
from goiptwist.message import Direction, Message, Step, Submission
from goiptwist.status import Health, LineStatus
from goiptwist.store import Store
from goiptwist.traffic import Traffic


@implementer(IOverview)
@define(eq=False, repr=False)
class Overview:
    """
    L{IOverview} on top of the parts.

    @ivar line_statuses: asks the lines how they stand.
    @ivar complaints: how often each kind of bad datagram came.
    """

    name: str
    key: bytes
    clock: IReactorTime
    reactor: Any
    store: Store
    traffic: Traffic
    delivery: Delivery
    line_statuses: Callable[[], list[LineStatus]]
    complaints: Counter[str]

    async def submit(self, submission: Submission) -> list[Message]:
        """See L{IOverview}."""
        return await self.traffic.submit(submission)

    async def message(self, message_id: str) -> Message | None:
        """See L{IOverview}."""
        return await self.store.message(message_id)

    def allowed(self, origin: str, number: str, line: str, pool: str) -> None:
        """See L{IOverview}."""

    async def came_back(self, message_id: str, reason: str) -> None:
        """See L{IOverview}."""

    async def messages(self, direction: Direction | None, after: str, limit: int) -> list[Message]:
        """See L{IOverview}."""
        return await self.store.messages(direction, after, limit)

    async def journey(self, message_id: str) -> list[Step]:
        """See L{IOverview}."""
        return await self.store.journey(message_id)

    def lines(self) -> list[LineStatus]:
        """See L{IOverview}."""
        return self.line_statuses()

    def health(self) -> Health:
        """See L{IOverview}."""
        lines = self.lines()
        problems = []
        if self.store.writer.trouble:
            problems.append(f"the store cannot commit: {self.store.writer.trouble}")
        problems += self.delivery.troubles()
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
