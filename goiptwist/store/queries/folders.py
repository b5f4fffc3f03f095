"""Questions for the folders of users: the inbox, what each has sent, and what was deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, Select, func, select

from goiptwist.model.messages import Direction, Message, State
from goiptwist.store.rows import MessageIds, as_message
from goiptwist.store.schema import INCOMING, inbox, mark, message

#: The flags of users, and our own.
DELETED, DOWNLOADED, KEPT = "deleted", "downloaded", "kept"

#: The newest messages among which those that a user sent are looked for.
WITHIN = 20_000

#: What users submit.
OUTGOING = (Direction.OUT.value, Direction.ALARM.value)


@frozen
class FolderQueries:
    """The questions."""

    ids: MessageIds

    def inbox(self, connection: Connection, owner: str, after: int, limit: int) -> list[Message]:
        """@return: what came in and was not taken out, oldest first."""
        kept = (
            select(message)
            .join_from(mark, message, mark.c.message_id == message.c.id)
            .where(mark.c.owner == owner, mark.c.word == KEPT, mark.c.message_id > after)
            .order_by(mark.c.message_id)
            .limit(limit)
        )
        rows = list(connection.execute(kept))
        begin = max(after, cleared(connection, owner) or 0)
        rows += connection.execute(incoming_after(begin).limit(limit - len(rows)))
        return [as_message(row, self.ids) for row in rows]

    def sent(
        self, connection: Connection, owner: str, states: Sequence[State], limit: int
    ) -> list[Message]:
        """@return: of what the owner submitted lately the newest, oldest first."""
        newest = connection.execute(select(func.max(message.c.id))).scalar_one_or_none() or 0
        hidden = (
            select(mark.c.message_id)
            .where(mark.c.owner == owner, mark.c.word == DELETED, mark.c.message_id == message.c.id)
            .exists()
        )
        query = (
            select(message)
            .where(message.c.id > newest - WITHIN, message.c.origin == owner, ~hidden)
            .where(message.c.direction.in_(OUTGOING))
            .where(message.c.state.in_([state.value for state in states]))
            .order_by(message.c.id.desc())
            .limit(limit)
        )
        rows = list(connection.execute(query))
        return [as_message(row, self.ids) for row in reversed(rows)]

    def deleted(self, connection: Connection, owner: str, limit: int) -> list[Message]:
        """@return: of what the owner deleted the newest, oldest first."""
        query = (
            select(message)
            .join_from(mark, message, mark.c.message_id == message.c.id)
            .where(mark.c.owner == owner, mark.c.word == DELETED)
            .order_by(mark.c.message_id.desc())
            .limit(limit)
        )
        rows = list(connection.execute(query))
        return [as_message(row, self.ids) for row in reversed(rows)]


def cleared(connection: Connection, owner: str) -> int | None:
    """@return: up to where an inbox has been cleared."""
    query = select(inbox.c.cleared).where(inbox.c.owner == owner)
    return connection.execute(query).scalar_one_or_none()


def incoming_after(number: int) -> Select[Any]:
    """What came in behind a number, in its order."""
    # The index is one of the direction; the bare id would find every message.
    return (
        select(message)
        .where(message.c.direction == INCOMING, message.c.id > number)
        .order_by(message.c.id)
    )
