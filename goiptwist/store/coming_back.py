"""
The operation of the writer for what a far side took and then gave back: a
mail that bounces after the smarthost said yes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, insert, select, update

from goiptwist.store.rows import Ids, as_message
from goiptwist.store.schema import delivery, journey, message
from goiptwist.store.settling import incoming_state
from goiptwist.store.telling import Changed, Queued, queue_row


@frozen(kw_only=True)
class Return:
    """
    @ivar message_id: as the world sees it.
    @ivar reason: the far side's, in words.
    @ivar instead: each destination that it may have come back from, with the
        one that gets it now, or an empty text.
    """

    message_id: str
    reason: str
    at: float
    instead: Mapping[str, str]


@frozen
class Returning:
    """The operation, as the writer wants it."""

    ids: Ids

    def returns(self, connection: Connection, items: Sequence[Return]) -> list[Changed | None]:
        """
        @return: what is queued for another destination; C{None} where no such
            delivery was done, which a second bounce finds.
        """
        return [self._return(connection, item) for item in items]

    def _return(self, connection: Connection, item: Return) -> Changed | None:
        number = self.ids.inside(item.message_id)
        rows = connection.execute(
            select(delivery).where(
                delivery.c.message_id == number, delivery.c.destination.in_(item.instead)
            )
        ).all()
        done = [row.destination for row in rows if row.state == "done"]
        if not done or number is None:
            return None
        connection.execute(
            update(delivery)
            .where(delivery.c.message_id == number, delivery.c.destination.in_(done))
            .values(state="failed", detail=item.reason, settled_at=item.at)
        )
        for destination in done:
            connection.execute(insert(journey), _step(number, destination, item))
        queued = self._instead(connection, number, {item.instead[one] for one in done}, item)
        incoming_state(connection, number, item.reason)
        return Changed(queued=queued)

    def _instead(
        self, connection: Connection, number: int, names: set[str], item: Return
    ) -> tuple[Queued, ...]:
        rows = connection.execute(
            select(delivery.c.destination).where(delivery.c.message_id == number)
        )
        had = set(rows.scalars())
        row = connection.execute(select(message).where(message.c.id == number)).one()
        queued = tuple(
            Queued(destination=name, message=as_message(row, self.ids), due=item.at, since=item.at)
            for name in sorted(names - had - {""})
        )
        for one in queued:
            connection.execute(insert(delivery), queue_row(number, one))
        return queued


def _step(number: int, destination: str, item: Return) -> dict[str, Any]:
    return {
        "message_id": number,
        "at": item.at,
        "what": "came back",
        "where": destination,
        "detail": item.reason,
    }
