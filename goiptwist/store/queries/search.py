"""
The question that looks for messages. It needs no index, which every incoming
SMS would have to pay for: it looks at so many rows at a time, newest first, and
says where to go on.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen
from sqlalchemy import Connection, func, or_, select

from goiptwist.model.messages import Direction
from goiptwist.model.queries import Search, SearchPage
from goiptwist.store.queries.messages import OF_PEOPLE
from goiptwist.store.rows import MessageIds, as_message
from goiptwist.store.schema import ALARM, message

#: Rows that one question looks at: some hundredths of a second.
SPAN = 20_000


@frozen
class SearchQueries:
    """The question."""

    ids: MessageIds

    def search(self, connection: Connection, criteria: Search, before: int | None) -> SearchPage:
        """@param before: the number behind C{wanted.before}."""
        number: Any = message.c.id
        if criteria.direction is Direction.ALARM:
            # Alarms are few among many: they have an index, which is only looked
            # at where the order is not that of the table.
            number = message.c.id + 0
        span = select(message).order_by(number.desc()).limit(SPAN)
        if criteria.direction is Direction.ALARM:
            span = span.where(message.c.direction == ALARM)
        if before is not None:
            span = span.where(number < before)
        looked_at = span.subquery()
        found = (
            select(looked_at)
            .where(*_conditions(looked_at.c, criteria))
            .order_by(looked_at.c.id.desc())
            .limit(criteria.limit)
        )
        messages = [as_message(row, self.ids) for row in connection.execute(found)]
        if len(messages) == criteria.limit:
            return SearchPage(messages, messages[-1].id)
        count, last = connection.execute(
            select(func.count(), func.min(looked_at.c.id)).select_from(looked_at)
        ).one()
        return SearchPage(messages, self.ids.outside(last) if count == SPAN else "")


def _conditions(c: Any, criteria: Search) -> list[Any]:
    conditions = [c.direction.in_(OF_PEOPLE)]
    for column, value in (
        (c.direction, criteria.direction),
        (c.state, criteria.state),
        (c.line, criteria.line),
        (c.origin, criteria.origin),
    ):
        if value:
            conditions.append(column == str(value))
    if criteria.number:
        ends = (
            column.endswith(criteria.number, autoescape=True) for column in (c.sender, c.recipient)
        )
        conditions.append(or_(*ends))
    if criteria.text:
        conditions.append(func.instr(c.text, criteria.text) > 0)
    if criteria.account:
        conditions.append(c.alarm.startswith(f"{criteria.account},", autoescape=True))
    if criteria.code:  # the only part between commas that has three digits
        conditions.append(c.alarm.contains(f",{criteria.code},", autoescape=True))
    if criteria.since:
        conditions.append(c.at >= criteria.since)
    if criteria.until:
        conditions.append(c.at < criteria.until)
    return conditions
