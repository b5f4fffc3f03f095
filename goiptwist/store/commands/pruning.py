"""The command of the writer that forgets: history has an end."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from sqlalchemy import Connection, delete, or_, select

from goiptwist.model.commit import Commit
from goiptwist.model.messages import State
from goiptwist.store.commands.device_reports import ORPHAN_WINDOW
from goiptwist.store.commands.receipts import REPEAT_WINDOW
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
_SETTLED += [State.DELIVERED.value, State.KEPT.value]


@frozen
class PruneLimits:
    """
    Settled messages that may go.

    @ivar before: accepted before that.
    @ivar named: and before that, where their submitter gave them an id,
        by which a repeat is known.
    """

    before: float
    named: float


def prune(connection: Connection, items: Sequence[PruneLimits]) -> list[Commit[int]]:
    """
    Forget, oldest first.

    @return: how many messages went, for each item.
    """
    return [Commit(_prune(connection, item)) for item in items]


def _prune(connection: Connection, item: PruneLimits) -> int:
    before = item.before
    # Ids grow with time, so the oldest stand first in the primary key.
    oldest = (
        select(message.c.id)
        .where(message.c.at < before, message.c.state.in_(_SETTLED))
        .where(or_(message.c.client_id.is_(None), message.c.at < item.named))
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


def forget_receipts(connection: Connection, items: Sequence[float]) -> list[Commit[int]]:
    """
    Forget receipts that no repeat can match any more, and reports whose
    message was never found.

    @param items: now.
    @return: how many went, for each item.
    """
    now = max(items)
    connection.execute(delete(report).where(report.c.at < now - ORPHAN_WINDOW))
    gone = connection.execute(delete(receipt).where(receipt.c.at < now - REPEAT_WINDOW))
    return [Commit(gone.rowcount)] * len(items)
