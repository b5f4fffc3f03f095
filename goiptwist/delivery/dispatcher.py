"""
One loop for every destination: claim, attempt, settle, back off. A bridge and
a pool of lines are the same to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from goiptwist.delivery.escalation import Escalation
from goiptwist.delivery.queue import Queue
from goiptwist.delivery.retry import RetryPolicy
from goiptwist.errors import Conflict
from goiptwist.interfaces import IDestination
from goiptwist.model.commit import Commit
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.messages import Message
from goiptwist.store import Decision, Store

#: Seconds that attempts under way get to end when the gateway stops: an SMS
#: takes a SIM 2 to 5 s (seed), and its verdict is worth waiting for.
GRACE = 10.0


@frozen
class Nexthop:
    """A destination with what its queue must know of it."""

    destination: IDestination
    policy: RetryPolicy


@define(eq=False, repr=False)
class Dispatcher:
    """
    All queues.

    @ivar resolve: the route behind a name, or C{None} where the
        configuration has it no more.
    @ivar escalation: lets chains go on in time.
    """

    store: Store
    clock: IReactorTime
    resolve: Callable[[str], Nexthop | None]
    queues: dict[str, Queue] = field(factory=dict, init=False)
    orphans: list[str] = field(factory=list, init=False)
    escalation: Escalation = field(init=False)
    _stopped: bool = field(default=False, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.escalation = Escalation(self.store, self.clock)
        self.store.bus.subscribe_commits(self._committed)

    async def start(self) -> None:
        """Take up what waits on disk."""
        await self.escalation.start()
        for name in await self.store.destinations():
            queue = self._queue(name)
            if queue is None:
                self.orphans.append(name)
                self.log.warn(
                    "Messages wait for {destination}, which the configuration has no more",
                    destination=name,
                )
            else:
                await queue.load()

    def _committed(self, commits: Sequence[Commit[Any]]) -> None:
        """Rows have been enqueued or withdrawn on disk, in this order."""
        if self._stopped:
            return  # they wait on disk for the next start
        by_name: dict[str, list[QueueEntry]] = {}
        for commit in commits:
            if commit.withdrawn:
                self._add(by_name)
                by_name = {}
                self._drop(commit.withdrawn)
            for entry in commit.enqueued:
                by_name.setdefault(entry.destination, []).append(entry)
        self._add(by_name)

    def _add(self, by_name: Mapping[str, list[QueueEntry]]) -> None:
        for name, entries in by_name.items():
            queue = self._queue(name)
            if queue is not None:
                queue.add(entries)
            elif name not in self.orphans:
                self.orphans.append(name)

    def _drop(self, withdrawn: Sequence[tuple[str, str]]) -> None:
        """
        These rows are settled on disk, whatever becomes of attempts under way.

        @param withdrawn: ids of messages, each with the destination.
        """
        by_name: dict[str, set[str]] = {}
        for message_id, name in withdrawn:
            by_name.setdefault(name, set()).add(message_id)
        for name, ids in by_name.items():
            queue = self.queues.get(name)
            if queue is not None:
                queue.drop(ids)

    async def withdraw(self, message_id: str, by: str) -> Message:
        """
        Take back a text that still waits.

        @param by: who asks for that.
        @return: it, cancelled, once that is on disk.
        @raise Conflict: it does not wait any more.
        """
        names = await self.store.waits_for(message_id)
        queues = [queue for name in names if (queue := self.queues.get(name)) is not None]
        withheld = [queue for queue in queues if queue.withhold(message_id)]
        decision = Decision(message_id=message_id, by=by, at=self.clock.seconds())
        if len(withheld) < len(queues):
            for queue in withheld:
                queue.give_back(message_id)
            raise Conflict("it is just being sent")
        try:
            return await self.store.decide(decision)  # what is published drops the rows
        except BaseException:
            for queue in withheld:
                queue.give_back(message_id)
            raise

    def _queue(self, name: str) -> Queue | None:
        known = self.queues.get(name)
        if known is not None:
            return known
        route = self.resolve(name)
        if route is None:
            return None
        queue = self.queues[name] = Queue(
            name,
            route.destination,
            route.policy,
            self.store,
            self.clock,
        )
        return queue

    @property
    def depth(self) -> int:
        """How many messages are known to wait or are in hand."""
        return sum(queue.depth + queue.in_hand for queue in self.queues.values())

    def problems(self) -> list[str]:
        """One sentence for each destination that is not reached."""
        away = [
            f"{queue.name} is not reached: {queue.outage}"
            for queue in self.queues.values()
            if queue.outage
        ]
        return away + [
            f"messages wait for {name}, which is not configured" for name in self.orphans
        ]

    async def stop(self) -> None:
        """Begin nothing more, and give what is in hand L{GRACE} seconds."""
        self._stopped = True
        self.escalation.stop()
        # Those that the deadline cuts off fail, and nobody asks them.
        ending = DeferredList([q.stop() for q in self.queues.values()], consumeErrors=True)
        deadline = self.clock.callLater(GRACE, ending.cancel)
        await ending
        if deadline.active():
            deadline.cancel()
