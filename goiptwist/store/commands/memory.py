"""Commands of the writer for what bridges note down for themselves."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from sqlalchemy import Connection, bindparam, delete, insert, select

from goiptwist.model.commit import NOTHING, Commit
from goiptwist.store.schema import note

_VALUE = select(note.c.value).where(note.c.key == bindparam("key_"))


@frozen(kw_only=True)
class MemoryEntry:
    """
    Something to be remembered, in place of what was noted under its key.

    @ivar value: empty forgets it.
    """

    key: str
    value: str
    at: float


def put_values(connection: Connection, items: Sequence[MemoryEntry]) -> list[Commit[None]]:
    """Keep notes; of several for one key the last one counts."""
    latest = {item.key: item for item in items}
    old = [{"old": key} for key in latest]
    connection.execute(delete(note).where(note.c.key == bindparam("old")), old)
    rows = [
        {"key": item.key, "value": item.value, "at": item.at}
        for item in latest.values()
        if item.value
    ]
    if rows:
        connection.execute(insert(note), rows)
    return [NOTHING] * len(items)


def forget_values(connection: Connection, items: Sequence[float]) -> list[Commit[None]]:
    """Forget what was noted down before a time."""
    connection.execute(delete(note).where(note.c.at < max(items)))
    return [NOTHING] * len(items)


def value_of(connection: Connection, key: str) -> str:
    """@return: what was noted under a key, or an empty text."""
    return str(connection.execute(_VALUE, {"key_": key}).scalar() or "")
