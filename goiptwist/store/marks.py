"""
Folders of users: what each has taken out of the inbox, and what each has sent.

Marks are a user's own; history and other users know nothing of them. An inbox
is read without looking at what was taken out of it before: C{inbox.cleared}
says up to where everything is gone, and marks say which ones were kept below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, Select, and_, delete, func, insert, or_, select, update

from goiptwist.model.messages import Direction, Message, State
from goiptwist.store.rows import Ids, as_message
from goiptwist.store.schema import INCOMING, inbox, mark, message

#: The words of users, and our own.
DELETED, DOWNLOADED, KEPT = "deleted", "downloaded", "kept"

#: How many messages may be left behind in an inbox by one that is taken out of
#: its middle; each costs a row. Farther in, nothing can be taken out before
#: something at its beginning was.
REACH = 10_000

#: Ids of one wish: they are done in one commit, which keeps others waiting.
AT_ONCE = 500

#: The newest messages among which those that a user sent are looked for.
WITHIN = 20_000

#: What still moves cannot be taken out of sight.
_MOVING = (State.QUEUED.value, State.SENDING.value, State.RECEIVED.value)
#: What users submit.
_OUTGOING = (Direction.OUT.value, Direction.ALARM.value)


@frozen(kw_only=True)
class Marking:
    """
    @ivar owner: the origin of the user, such as C{user:ops}.
    @ivar ids: at most C{AT_ONCE}: ids of the store, or for what the user sent
        the client ids.
    @ivar word: L{DELETED} or L{DOWNLOADED}.
    """

    owner: str
    ids: tuple[str, ...]
    word: str


@frozen
class Marks:
    """The operation of the writer, and the questions."""

    ids: Ids

    def marks(self, connection: Connection, items: Sequence[Marking]) -> list[list[str]]:
        """@return: of each item the ids that are marked now, as they were given."""
        return [self._mark(connection, item) for item in items]

    def _mark(self, connection: Connection, item: Marking) -> list[str]:
        found = self._found(connection, item)
        incoming = {n for n, direction in found.values() if direction == Direction.IN.value}
        out_of_reach = incoming - _take_out(connection, item.owner, incoming)
        marked = {n for n, _ in found.values()} - out_of_reach
        if marked:
            same = and_(mark.c.owner == item.owner, mark.c.word == item.word)
            connection.execute(delete(mark).where(same, mark.c.message_id.in_(marked)))
            rows = [{"owner": item.owner, "word": item.word, "message_id": n} for n in marked]
            connection.execute(insert(mark), rows)
        return [given for given in item.ids if given in found and found[given][0] in marked]

    def _found(self, connection: Connection, item: Marking) -> dict[str, tuple[int, str]]:
        """@return: number and direction of each id that the owner may mark."""
        numbers = {given: self.ids.inside(given) for given in item.ids[:AT_ONCE]}
        names = [given for given, number in numbers.items() if number is None]
        own = and_(
            message.c.direction.in_(_OUTGOING),
            message.c.origin == item.owner,
            message.c.state.not_in(_MOVING),
        )
        columns = (message.c.id, message.c.direction, message.c.client_id)
        by_number = {
            row.id: (row.id, row.direction)
            for row in connection.execute(
                select(*columns).where(
                    message.c.id.in_([n for n in numbers.values() if n is not None]),
                    or_(message.c.direction == INCOMING, own),
                )
            )
        }
        found = {given: by_number[n] for given, n in numbers.items() if n in by_number}
        if names:
            rows = connection.execute(select(*columns).where(own, message.c.client_id.in_(names)))
            found.update({str(row.client_id): (row.id, row.direction) for row in rows})
        return found

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
        begin = max(after, _cleared(connection, owner) or 0)
        rows += connection.execute(_incoming_after(begin).limit(limit - len(rows)))
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
            .where(message.c.direction.in_(_OUTGOING))
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


def _cleared(connection: Connection, owner: str) -> int | None:
    query = select(inbox.c.cleared).where(inbox.c.owner == owner)
    return connection.execute(query).scalar_one_or_none()


def _incoming_after(number: int) -> Select[Any]:
    # The index is one of the direction; the bare id would find every message.
    return (
        select(message)
        .where(message.c.direction == INCOMING, message.c.id > number)
        .order_by(message.c.id)
    )


def _take_out(connection: Connection, owner: str, numbers: set[int]) -> set[int]:
    """@return: those of the numbers that are in the inbox no more."""
    if not numbers:
        return set()
    before = _cleared(connection, owner)
    cleared = before or 0
    end = connection.execute(
        _incoming_after(cleared).with_only_columns(message.c.id).limit(1).offset(REACH)
    ).scalar_one_or_none()
    taken = {n for n in numbers if end is None or n < end}
    below = [n for n in taken if n <= cleared]
    if below:
        is_kept = and_(mark.c.owner == owner, mark.c.word == KEPT)
        connection.execute(delete(mark).where(is_kept, mark.c.message_id.in_(below)))
    last = max(taken, default=0)
    if last <= cleared:
        return taken
    passed = _incoming_after(cleared).with_only_columns(message.c.id).where(message.c.id < last)
    left = [n for n in connection.execute(passed).scalars() if n not in taken]
    if left:
        rows = [{"owner": owner, "word": KEPT, "message_id": n} for n in left]
        connection.execute(insert(mark), rows)
    if before is None:
        connection.execute(insert(inbox), {"owner": owner, "cleared": last})
    else:
        moved = update(inbox).where(inbox.c.owner == owner).values(cleared=last)
        connection.execute(moved)
    return taken
