"""
Who is notified of what becomes of a message. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

#: What a notification of a message may say: how it ended, what the
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


def _check_statuses(_: object, __: object, statuses: tuple[str, ...]) -> None:
    unknown = [status for status in statuses if status not in STATUSES]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(STATUSES)}")


@frozen
class Subscription:
    """
    A bridge that is notified of what becomes of a message.

    @ivar destination: a bridge that L{notifies people or programs
        <goiptwist.interfaces.INotifies>}, as C{bridge:NAME}.
    @ivar statuses: of which L{STATUSES}.
    """

    destination: str
    statuses: tuple[str, ...] = field(default=STATUSES, validator=_check_statuses)


def merged(subscriptions: Iterable[Subscription]) -> tuple[Subscription, ...]:
    """One subscription for each destination, with all that was subscribed to for it."""
    statuses: dict[str, tuple[str, ...]] = {}
    for one in subscriptions:
        statuses[one.destination] = (*statuses.get(one.destination, ()), *one.statuses)
    return tuple(
        Subscription(name, tuple(dict.fromkeys(words))) for name, words in statuses.items()
    )
