"""
One statement for many rows, with nothing between them and SQLite.

SQLAlchemy looks at every parameter of every row anew. Where these are plain
numbers, texts and bytes, that is a third of the price of keeping an SMS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from attrs import define, field
from sqlalchemy import Connection, Delete, Insert, Update

Row = Mapping[str, Any]


@define(eq=False)
class BulkStatement:
    """
    Other databases than SQLite get the rows from SQLAlchemy: it knows best how
    to spare them round trips.

    @ivar statement: its parameters need no conversion.
    """

    statement: Insert | Update | Delete
    _sql: str = field(default="", init=False)
    _constants: Row = field(factory=dict, init=False)
    _in_order: Callable[[Row], Any] = field(default=tuple, init=False)

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> None:
        """
        Do it for each row.

        @param rows: at least one; all have the same keys.
        """
        if connection.dialect.name != "sqlite":
            connection.execute(self.statement, rows)
            return
        if not self._sql:
            self._compile(connection, rows[0])
        if self._constants:
            rows = [{**self._constants, **row} for row in rows]
        connection.exec_driver_sql(self._sql, [self._in_order(row) for row in rows])

    def _compile(self, connection: Connection, row: Row) -> None:
        keys = list(row) if isinstance(self.statement, Insert) else None
        compiled = self.statement.compile(dialect=connection.dialect, column_keys=keys)
        names = compiled.positiontup or []
        self._constants = {name: compiled.params[name] for name in names if name not in row}
        # Of a single name itemgetter makes no tuple.
        self._in_order = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
        self._sql = compiled.string
