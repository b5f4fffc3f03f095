"""
Folders of users: what each has taken out of the inbox, and what each has sent.

Marks are a user's own; history and other users know nothing of them. An inbox
is read without looking at what was taken out of it before: C{inbox.cleared}
says up to where everything is gone, and marks say which ones were kept below.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from goiptwist.model.commit import Commit
from goiptwist.model.messages import Direction, State
from goiptwist.store.queries.folders import KEPT, OUTGOING, cleared, incoming_after
from goiptwist.store.rows import MessageIds
from goiptwist.store.schema import INCOMING, inbox, mark, message

#: How many messages may be left behind in an inbox by one that is taken out of
#: its middle; each costs a row. Farther in, nothing can be taken out before
#: something at its beginning was.
REACH = 10_000

#: Ids of one subscription: they are done in one commit, which keeps others waiting.
AT_ONCE = 500

#: What still moves cannot be taken out of sight.
_MOVING = (State.QUEUED.value, State.SENDING.value, State.RECEIVED.value)


@frozen(kw_only=True)
class FlagChange:
    """
    @ivar owner: the origin of the user, such as C{user:ops}.
    @ivar ids: at most L{AT_ONCE<goiptwist.store.commands.folders.AT_ONCE>}: ids of
        the store, or for what the user sent the client ids.
    @ivar flag: L{DELETED} or L{DOWNLOADED}.
    """

    owner: str
    ids: tuple[str, ...]
    flag: str


@frozen
class FolderCommands:
    """The command, as the writer runs it."""

    ids: MessageIds

    def flags(self, connection: Connection, items: Sequence[FlagChange]) -> list[Commit[list[str]]]:
        """@return: of each item the ids that are marked now, as they were given."""
        return [Commit(self._flag(connection, item)) for item in items]

    def _flag(self, connection: Connection, item: FlagChange) -> list[str]:
        found = self._found(connection, item)
        incoming = {n for n, direction in found.values() if direction == Direction.IN.value}
        out_of_reach = incoming - _take_out(connection, item.owner, incoming)
        marked = {n for n, _ in found.values()} - out_of_reach
        if marked:
            same = and_(mark.c.owner == item.owner, mark.c.word == item.flag)
            connection.execute(delete(mark).where(same, mark.c.message_id.in_(marked)))
            rows = [{"owner": item.owner, "word": item.flag, "message_id": n} for n in marked]
            connection.execute(insert(mark), rows)
        return [given for given in item.ids if given in found and found[given][0] in marked]

    def _found(self, connection: Connection, item: FlagChange) -> dict[str, tuple[int, str]]:
        """@return: number and direction of each id that the owner may mark."""
        numbers = {given: self.ids.inside(given) for given in item.ids[:AT_ONCE]}
        names = [given for given, number in numbers.items() if number is None]
        own = and_(
            message.c.direction.in_(OUTGOING),
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


def _take_out(connection: Connection, owner: str, numbers: set[int]) -> set[int]:
    """@return: those of the numbers that are in the inbox no more."""
    if not numbers:
        return set()
    before = cleared(connection, owner)
    begin = before or 0
    end = connection.execute(
        incoming_after(begin).with_only_columns(message.c.id).limit(1).offset(REACH)
    ).scalar_one_or_none()
    taken = {n for n in numbers if end is None or n < end}
    below = [n for n in taken if n <= begin]
    if below:
        is_kept = and_(mark.c.owner == owner, mark.c.word == KEPT)
        connection.execute(delete(mark).where(is_kept, mark.c.message_id.in_(below)))
    last = max(taken, default=0)
    if last <= begin:
        return taken
    passed = incoming_after(begin).with_only_columns(message.c.id).where(message.c.id < last)
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
