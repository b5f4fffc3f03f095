"""
The one announcement: what the store has committed, for the parts that act on
it, and what happens, for those who watch. Only the newest events are kept, and
only in memory: a watcher that was away for longer reads the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.model.commit import Commit
from goiptwist.operator_interfaces import IEventBus
from goiptwist.store.bus import ICommitBus

#: Events that can be replayed: some minutes of a busy gateway.
KEPT = 10_000


@frozen
class BusEvent:
    """
    @ivar id: grows; it begins with the time that the process began, so that
        one of another process is known as such.
    @ivar kind: such as C{message.received}, C{message.sent}, C{line.lost},
        C{call.ended}.
    @ivar subject: a L{Message<goiptwist.model.messages.Message>}, or what happened on a
        line, with its C{line} and C{fields}.
    """

    id: str
    at: float
    kind: str
    subject: Any


@implementer(ICommitBus, IEventBus)
@define(eq=False)
class EventBus:
    """
    The newest events, and who listens.

    @ivar clock: where time comes from.
    """

    clock: IReactorTime
    _newest: deque[BusEvent] = field(init=False, factory=lambda: deque(maxlen=KEPT))
    _subscribers: list[Callable[[BusEvent], None]] = field(init=False, factory=list)
    _followers: list[Callable[[Sequence[Commit[Any]]], None]] = field(init=False, factory=list)
    _announced: deque[Sequence[Commit[Any]]] = field(init=False, factory=deque)
    _turn: IDelayedCall | None = field(init=False, default=None)
    _publishing: bool = field(init=False, default=False)
    _life: int = field(init=False)
    _count: int = field(init=False, default=0)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._life = int(self.clock.seconds())

    @property
    def events(self) -> EventBus:
        """See L{ICommitBus}: itself."""
        return self

    # -- what the store has committed --

    def announce(self, commits: Sequence[Commit[Any]]) -> None:
        """See L{ICommitBus}."""
        self.flush()
        if commits:
            self._announced.append(commits)

    def release(self) -> None:
        """See L{ICommitBus}."""
        if self._announced and self._turn is None:
            # The reactor runs this one before it writes to its sockets, and
            # the next one after that.
            self._turn = self.clock.callLater(0, self._next_turn)

    def _next_turn(self) -> None:
        self._turn = self.clock.callLater(0, self.flush)

    def flush(self) -> None:
        """Publish everything that was announced, now."""
        if self._turn is not None:
            if self._turn.active():
                self._turn.cancel()
            self._turn = None
        if self._publishing:
            return  # in the middle of it: what has come meanwhile has its turn
        self._publishing = True
        try:
            while self._announced:
                self._publish_group(self._announced.popleft())
        finally:
            self._publishing = False

    def _publish_group(self, commits: Sequence[Commit[Any]]) -> None:
        for commit in commits:
            for kind, subject in commit.events:
                self.publish(kind, subject)
        for follower in self._followers:
            try:
                follower(commits)
            except Exception:
                self.log.failure("A subscriber broke on a commit")

    def subscribe_commits(self, subscriber: Callable[[Sequence[Commit[Any]]], None]) -> None:
        """See L{ICommitBus}."""
        self._followers.append(subscriber)

    # -- what happens --

    def publish(self, kind: str, subject: Any) -> None:
        """It happened now."""
        self._count += 1
        one = BusEvent(f"{self._life}-{self._count}", self.clock.seconds(), kind, subject)
        self._newest.append(one)
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(one)
            except Exception:
                self.log.failure("A subscriber broke on {kind}", kind=kind)

    def subscribe(self, subscriber: Callable[[BusEvent], None]) -> Callable[[], None]:
        """
        @param subscriber: must not block.
        @return: ends it.
        """
        self._subscribers.append(subscriber)

        def end() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return end

    def replay(self, last: str) -> list[BusEvent] | None:
        """
        @param last: the id of the last one known.
        @return: what came after it; C{None} where that is not known any more.
        """
        life, _, count = last.partition("-")
        if life != str(self._life) or not count.isascii() or not count.isdigit():
            return None
        missing = self._count - int(count[:12])
        if not 0 <= missing <= len(self._newest):
            return None
        return list(self._newest)[len(self._newest) - missing :]
