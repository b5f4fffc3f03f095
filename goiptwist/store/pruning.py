"""The operation of the writer that forgets: history has an end."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from goiptwist.message import State
from goiptwist.store.receipts import REPEAT_WINDOW
from goiptwist.store.reports import ORPHAN_WINDOW
from goiptwist.store.schema import (
    delivery,
    event,
    journey,
    mark,
    message,
    receipt,
    report,
    transmission,
)

#: Rows forgotten in one commit: enough to keep up, few enough that an
#: acknowledgement never waits behind a long delete.
AT_ONCE = 500

#: What may go. An unknown message waits for an operator, however long.
_SETTLED = [s.value for s in (State.SENT, State.FAILED, State.EXPIRED, State.CANCELLED)]
_SETTLED.append(State.HANDED_ON.value)


def prune(connection: Connection, items: Sequence[float]) -> list[int]:
    """
    Forget settled messages that were accepted before a time, oldest first.

    @return: how many messages went, for each item.
    """
    return [_prune(connection, before) for before in items]


def _prune(connection: Connection, before: float) -> int:
    # Ids grow with time, so the oldest stand first in the primary key.
    oldest = (
        select(message.c.id)
        .where(message.c.at < before, message.c.state.in_(_SETTLED))
        .order_by(message.c.id)
        .limit(AT_ONCE)
    )
    numbers = list(connection.execute(oldest).scalars())
    if numbers:
        for table in (delivery, transmission, journey, mark):
            connection.execute(delete(table).where(table.c.message_id.in_(numbers)))
        connection.execute(delete(message).where(message.c.id.in_(numbers)))
    connection.execute(delete(event).where(event.c.at < before))
    return len(numbers)


def forget_receipts(connection: Connection, items: Sequence[float]) -> list[int]:
    """
    Forget receipts that no repeat can match any more, and reports whose
    message was never found.

    @param items: now.
    @return: how many went, for each item.
    """
    now = max(items)
    connection.execute(delete(report).where(report.c.at < now - ORPHAN_WINDOW))
    gone = connection.execute(delete(receipt).where(receipt.c.at < now - REPEAT_WINDOW))
    return [gone.rowcount] * len(items)
