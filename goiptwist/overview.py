"""
The gateway as bridges and the HTTP interface see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.delivery import Delivery
from goiptwist.interfaces import IOverview
from goiptwist.message import Direction, Message, State, Step, Submission
from goiptwist.status import Health, LineStatus
from goiptwist.store import MARKS_AT_ONCE, Marking, Store
from goiptwist.traffic import Traffic

#: Submissions of one call that are under way at a time.
SUBMISSIONS_AT_ONCE = 1000


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

    async def submit_all(
        self, submissions: Sequence[Submission]
    ) -> list[list[Message] | Exception]:
        """See L{IOverview}."""
        results: list[list[Message] | Exception] = []
        for begin in range(0, len(submissions), SUBMISSIONS_AT_ONCE):
            part = submissions[begin : begin + SUBMISSIONS_AT_ONCE]
            under_way = [Deferred.fromCoroutine(self.submit(submission)) for submission in part]
            for _, outcome in await DeferredList(under_way, consumeErrors=True):
                results.append(outcome.value if isinstance(outcome, Failure) else outcome)
        return results

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
