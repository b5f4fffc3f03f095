"""
What a command of the store has changed, once it is on disk. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from attrs import frozen

from goiptwist.model.delivery import QueueEntry

Value = TypeVar("Value", covariant=True)


@frozen
class Commit(Generic[Value]):
    """
    The result of a command. The caller gets the value as soon as it is on
    disk; the rest is published afterwards, in a later turn of the reactor.

    @ivar enqueued: the rows that wait in a queue now.
    @ivar withdrawn: what waits no more: ids of messages, each with the destination.
    @ivar events: what happened, each as its kind, such as C{message.received},
        and its subject: a message, or what happened on a line.
    """

    value: Value
    enqueued: tuple[QueueEntry, ...] = ()
    withdrawn: tuple[tuple[str, str], ...] = ()
    events: tuple[tuple[str, Any], ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether there is anything to publish."""
        return bool(self.events or self.enqueued or self.withdrawn)


#: Of a command that gives back nothing and has nothing to publish.
NOTHING: Commit[None] = Commit(None)


def joined(value: Any, parts: Iterable[Commit[Any]]) -> Commit[Any]:
    """@return: one commit of a value, with everything that the parts publish."""
    known = [part for part in parts if part.is_public]
    if not known:
        return Commit(value)
    return Commit(
        value,
        tuple(row for part in known for row in part.enqueued),
        tuple(row for part in known for row in part.withdrawn),
        tuple(event for part in known for event in part.events),
    )
