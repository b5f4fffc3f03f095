"""
Commands of the writer that count what users send in a day. It is counted in
the commit that keeps the texts, so no crash and no second connection gets
more out of a quota than it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection, bindparam, delete, insert, select

from goiptwist.errors import OverQuota
from goiptwist.model.quota import DAY, Quota
from goiptwist.store.schema import usage

#: Days that are remembered.
REMEMBERED = 31

_USED = select(usage.c.messages, usage.c.parts).where(
    usage.c.origin == bindparam("origin_"), usage.c.day == bindparam("day_")
)


class Spends(Protocol):
    """What of an order is counted."""

    @property
    def origin(self) -> str: ...
    @property
    def messages(self) -> int: ...
    @property
    def quota(self) -> Quota: ...
    @property
    def at(self) -> float: ...
    @property
    def parts(self) -> int: ...


def spend(connection: Connection, orders: Sequence[Spends]) -> list[OverQuota | None]:
    """
    Count new orders, in turn.

    @return: for each the refusal, or C{None} where it may be kept.
    """
    used: dict[tuple[str, int], tuple[int, int]] = {}
    refusals: list[OverQuota | None] = []
    for order in orders:
        if not order.quota.limited:
            refusals.append(None)
            continue
        day = order.origin, int(order.at // DAY)
        messages, parts = used.get(day) or used_on(connection, *day)
        messages += order.messages
        parts += order.parts
        try:
            order.quota.check(messages, parts, order.at)
        except OverQuota as refusal:
            refusals.append(refusal)
        else:
            used[day] = messages, parts
            refusals.append(None)
    for (origin, day_), (messages, parts) in used.items():
        _keep(connection, origin, day_, messages, parts)
    return refusals


def used_on(connection: Connection, origin: str, day: int) -> tuple[int, int]:
    """@return: messages and parts of a day, for an origin that has a limit."""
    row = connection.execute(_USED, {"origin_": origin, "day_": day}).one_or_none()
    return (0, 0) if row is None else (row.messages, row.parts)


def _keep(connection: Connection, origin: str, day: int, messages: int, parts: int) -> None:
    old = (usage.c.day == day) | (usage.c.day < day - REMEMBERED)
    connection.execute(delete(usage).where(usage.c.origin == origin, old))
    row = {"origin": origin, "day": day, "messages": messages, "parts": parts}
    connection.execute(insert(usage), row)
