"""
The command of the writer that hands to a bridge once more what it has had,
or has never taken: its receiver lost it, or was set right too late.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import Connection, and_, bindparam, insert, or_, select, update

from goiptwist.errors import Conflict
from goiptwist.model.commit import Commit
from goiptwist.model.delivery import QueueEntry, place_of
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import Direction, State
from goiptwist.store.rows import MessageIds, as_message
from goiptwist.store.schema import delivery, journey, message

#: What a bridge has had of a message: the SMS itself, and notifications of it. A
#: text that went out is in it only by those: it is never sent again here.
_HAD = (
    select(
        message,
        delivery.c.state.label("stood"),
        delivery.c.settled_at,
        delivery.c.detail,
        delivery.c.chain,
        delivery.c.recipient.label("one"),
    )
    .join_from(message, delivery, delivery.c.message_id == message.c.id)
    .where(
        and_(
            or_(message.c.id == bindparam("number"), message.c.about == bindparam("number")),
            message.c.direction != Direction.OUT.value,
            delivery.c.destination == bindparam("destination"),
            delivery.c.state.in_(("done", "escalated", "failed")),
        )
    )
    .order_by(message.c.id, delivery.c.recipient)
)


@frozen(kw_only=True)
class Redelivery:
    """
    @ivar message_id: as the world sees it.
    @ivar destination: as C{bridge:NAME}.
    @ivar by: who asked for it, for the journey.
    """

    message_id: str
    destination: str
    by: str
    at: float


@frozen
class RedeliveryCommands:
    """The command, as the writer runs it."""

    ids: MessageIds

    def redeliveries(
        self, connection: Connection, items: Sequence[Redelivery]
    ) -> list[Commit[None] | Conflict]:
        """
        @return: what is queued again, in the order in which it was kept;
            L{Conflict} where there is nothing.
        """
        return [self._redeliver(connection, item) for item in items]

    def _redeliver(self, connection: Connection, item: Redelivery) -> Commit[None] | Conflict:
        number = self.ids.inside(item.message_id)
        asked = {"number": number, "destination": item.destination}
        rows = connection.execute(_HAD, asked).all() if number is not None else []
        if number is None or not rows:
            return Conflict(f"{item.destination} has had nothing of a message of this id")
        steps = [_as_it_was(number, row, item) for row in rows if row.stood == "done" or row.about]
        steps.append(_step(number, item.at, "redelivered", item.destination, f"by {item.by}"))
        connection.execute(insert(journey), steps)
        numbers = [row.id for row in rows]
        for row in rows:
            _queue_again(connection, row, item)
        connection.execute(
            update(message).where(message.c.id.in_(numbers)).values(state=State.RECEIVED.value)
        )
        return Commit(
            None,
            tuple(
                QueueEntry(
                    destination=item.destination,
                    recipient=row.one,
                    message=as_message(row, self.ids),
                    due=item.at,
                    since=item.at,
                )
                for row in rows
            ),
        )


def _queue_again(connection: Connection, row: Any, item: Redelivery) -> None:
    """Nobody follows this time; a delivery is one for the chain all the same."""
    step = EscalationStep.read(item.destination, row.chain)
    connection.execute(
        update(delivery)
        .where(delivery.c.message_id == row.id, delivery.c.destination == item.destination)
        .where(delivery.c.recipient == row.one)
        .values(state="waiting", attempts=0, due=item.at, since=item.at, settled_at=None)
        .values(chain=evolve(step, following=()).text() if step else "", until=None)
    )


def _as_it_was(number: int, row: Any, item: Redelivery) -> dict[str, Any]:
    """What the row of the queue told of the journey until now."""
    word = "delivered"
    if row.about is not None:
        word = f"{'notified' if row.stood == 'done' else 'not notified'}: {row.topic}"
    place = place_of(item.destination, row.one)
    return _step(number, row.settled_at, word, place, row.detail)


def _step(number: int, at: float, what: str, where: str, detail: str) -> dict[str, Any]:
    return {"message_id": number, "at": at, "what": what, "where": where, "detail": detail}
