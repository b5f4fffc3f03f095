"""Commands of the writer for numbers that nobody gets twice."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, update

from goiptwist.model.commit import Commit
from goiptwist.store.schema import counter

_TAKE = (
    update(counter)
    .where(counter.c.name == bindparam("counter"))
    .values(next=counter.c.next + bindparam("many"))
    .returning(counter.c.next)
)


def take_numbers(connection: Connection, name: str, many: int) -> int:
    """@return: the first of C{many} numbers that nobody gets again."""
    after: int = connection.execute(_TAKE, {"counter": name, "many": many}).scalar_one()
    return after - many


def reserve(connection: Connection, items: Sequence[tuple[str, int]]) -> list[Commit[int]]:
    """Take C{(name, many)} numbers each; the first of them is the result."""
    return [Commit(take_numbers(connection, name, many)) for name, many in items]
