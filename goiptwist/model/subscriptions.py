"""
Who wants to hear what becomes of a message. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

#: What there is to tell of an outgoing message: how it ended, what the
#: handset's delivery report said, and that it waits longer than it should.
STATUSES = (
    "sent",
    "failed",
    "expired",
    "cancelled",
    "unknown",
    "delivered",
    "undelivered",
    "delayed",
)


def _known_tidings(_: object, __: object, whats: tuple[str, ...]) -> None:
    unknown = [what for what in whats if what not in STATUSES]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(STATUSES)}")


@frozen
class Subscription:
    """
    Who wants to be told what became of a message.

    @ivar destination: a bridge that L{takes news
        <goiptwist.interfaces.INotifies>}, as C{bridge:NAME}.
    @ivar whats: of which L{STATUSES}.
    """

    destination: str
    whats: tuple[str, ...] = field(default=STATUSES, validator=_known_tidings)


def merged(wishes: Iterable[Subscription]) -> tuple[Subscription, ...]:
    """One wish for each destination, that holds all that was wished for it."""
    whats: dict[str, tuple[str, ...]] = {}
    for wish in wishes:
        whats[wish.destination] = (*whats.get(wish.destination, ()), *wish.whats)
    return tuple(Subscription(name, tuple(dict.fromkeys(words))) for name, words in whats.items())
