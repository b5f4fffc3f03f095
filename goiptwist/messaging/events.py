"""
What happens in the gateway, for those who watch it live. Only the newest are
kept, and only in memory: whoever was away for longer reads the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.operator_interfaces import IEventBus

#: Events that can be replayed: some minutes of a busy gateway.
KEPT = 10_000


@frozen
class BusEvent:
    """
    @ivar id: grows; it begins with the time that the process began, so that
        one of another process is known as such.
    @ivar kind: such as C{message.received}, C{message.sent}, C{line.lost},
        C{call.ended}.
    @ivar about: a L{Message<goiptwist.model.messages.Message>}, or what happened on a
        line, with its C{line} and C{fields}.
    """

    id: str
    at: float
    kind: str
    about: Any


@implementer(IEventBus)
@define(eq=False)
class EventBus:
    """
    The newest events, and who listens.

    @ivar clock: where time comes from.
    """

    clock: IReactorTime
    _newest: deque[BusEvent] = field(init=False, factory=lambda: deque(maxlen=KEPT))
    _subscribers: list[Callable[[BusEvent], None]] = field(init=False, factory=list)
    _life: int = field(init=False)
    _count: int = field(init=False, default=0)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._life = int(self.clock.seconds())

    def publish(self, kind: str, about: Any) -> None:
        """It happened now."""
        self._count += 1
        one = BusEvent(f"{self._life}-{self._count}", self.clock.seconds(), kind, about)
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
