"""The questions that are asked of the store. Readers have their own connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, and_, bindparam, func, select

from goiptwist.model.delivery import QueueEntry, place_of
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import Direction, Message, State, Step
from goiptwist.model.status import DeliveryStatus
from goiptwist.store.rows import MessageIds, as_message
from goiptwist.store.schema import (
    ALARM,
    WAITING,
    delivery,
    journey,
    line,
    message,
    transmission,
)

_OF_THE_ROW = (
    delivery.c.attempts,
    delivery.c.due,
    delivery.c.since,
    delivery.c.chain,
    delivery.c.recipient.label("one"),
)
_WAITING = (
    select(message, *_OF_THE_ROW)
    .join_from(delivery, message, delivery.c.message_id == message.c.id)
    .where(and_(delivery.c.destination == bindparam("destination"), delivery.c.state == WAITING))
    .order_by(delivery.c.due, delivery.c.message_id, delivery.c.recipient)
    .limit(bindparam("many"))
)
_WAITING_ABOUT = (
    select(message, *_OF_THE_ROW)
    .join_from(message, delivery, delivery.c.message_id == message.c.id)
    .where(
        and_(
            message.c.about.in_(bindparam("abouts", expanding=True)),
            delivery.c.destination == bindparam("destination"),
            delivery.c.state == WAITING,
        )
    )
)
#: What is handed on to bridges, and what is neither that nor sent is no message.
_INCOMING = (Direction.IN.value, Direction.ALARM.value)
OF_PEOPLE = (*_INCOMING, Direction.OUT.value)
#: Messages whose notifications are asked for at once: SQLite takes 32,766 parameters.
_ABOUTS_AT_ONCE = 1000


@frozen
class MessageQueries:
    """The questions."""

    ids: MessageIds

    def waiting(self, connection: Connection, destination: str, many: int) -> list[QueueEntry]:
        """
        @return: the rows of one destination that are due first; with a notification come
            all others of the same message, in the order in which it was
            kept. There are fewer than C{many} only where there are no more.
        """
        asked = {"destination": destination, "many": many}
        rows = connection.execute(_WAITING, asked).all()
        abouts = list(dict.fromkeys(row.about for row in rows if row.about is not None))
        if abouts:
            rows = [row for row in rows if row.about is None] + sorted(
                _about(connection, destination, abouts), key=lambda row: int(row.id)
            )
        return [
            QueueEntry(
                destination=destination,
                recipient=row.one,
                message=as_message(row, self.ids),
                attempts=row.attempts,
                due=row.due,
                since=row.since or 0.0,
                step=EscalationStep.read(destination, row.chain),
            )
            for row in rows
        ]

    def destinations(self, connection: Connection) -> list[str]:
        """@return: every destination that something waits for."""
        rows = connection.execute(
            select(delivery.c.destination).where(delivery.c.state == WAITING).distinct()
        )
        return list(rows.scalars())

    def waits_for(self, connection: Connection, message_id: str) -> list[str]:
        """@return: the destinations that one message waits for."""
        query = select(delivery.c.destination).where(
            delivery.c.message_id == self.ids.inside(message_id), delivery.c.state == WAITING
        )
        return list(connection.execute(query.distinct()).scalars())

    def message(self, connection: Connection, message_id: str) -> Message | None:
        """@return: one message, or C{None}."""
        number = self.ids.inside(message_id)
        if number is None:
            return None
        row = connection.execute(select(message).where(message.c.id == number)).one_or_none()
        return None if row is None else as_message(row, self.ids)

    def messages(
        self, connection: Connection, direction: Direction | None, after: int, limit: int
    ) -> list[Message]:
        """@return: up to C{limit} messages behind number C{after}, in order."""
        query = select(message).where(message.c.id > after).order_by(message.c.id).limit(limit)
        if direction is None:
            query = query.where(message.c.direction.in_(OF_PEOPLE))
        else:
            query = query.where(message.c.direction == direction.value)
        return [as_message(row, self.ids) for row in connection.execute(query)]

    def failed_alarms(self, connection: Connection, since: float) -> list[Message]:
        """@return: the alarms that came since then and were delivered by nobody."""
        query = (
            select(message)
            .where(message.c.direction == ALARM, message.c.at >= since)
            .where(message.c.state == State.FAILED.value)
            .order_by(message.c.at)
        )
        return [as_message(row, self.ids) for row in connection.execute(query)]

    def journey(self, connection: Connection, message_id: str) -> list[Step]:
        """@return: every step of a message that is kept, oldest first."""
        number = self.ids.inside(message_id)
        row = connection.execute(select(message).where(message.c.id == number)).one_or_none()
        if row is None:
            return []
        first = "accepted" if row.direction == Direction.OUT.value else "received"
        steps = [Step(row.at, first, row.line or row.pool, row.origin)]
        steps += _given(connection, row.id)
        steps += _notified(connection, row.id)
        delivered = _delivered(connection, row)
        known = {(step.at, step.detail) for step in (*steps, *delivered)}
        noted = select(journey).where(journey.c.message_id == number)
        steps += [
            Step(r.at, r.what, r.where, r.detail)
            for r in connection.execute(noted)
            if (r.at, r.detail) not in known
        ]
        return sorted([*steps, *delivered], key=lambda step: step.at)

    def deliveries(self, connection: Connection, alarm_id: str) -> list[DeliveryStatus]:
        """@return: how each way of an alarm stands, in the order in which they began."""
        number = self.ids.inside(alarm_id)
        rows = connection.execute(
            select(delivery)
            .where(delivery.c.message_id == number)
            .order_by(
                func.coalesce(delivery.c.since, 0.0), delivery.c.destination, delivery.c.recipient
            )
        )
        return [_status(row) for row in rows]

    def facts(self, connection: Connection) -> dict[str, tuple[float, Mapping[str, str]]]:
        """@return: what each line told last, and when."""
        rows = connection.execute(select(line))
        return {row.id: (row.at, json.loads(row.facts)) for row in rows}


def _status(row: Any) -> DeliveryStatus:
    step = EscalationStep.read(row.destination, row.chain)
    waits = row.state == "waiting"
    return DeliveryStatus(
        bridge=row.destination.removeprefix("bridge:"),
        recipient=row.recipient,
        state=row.state,
        attempts=row.attempts,
        detail=row.detail,
        next_try=row.due if waits else None,
        settled_at=None if waits else row.settled_at,
        following=tuple(name.removeprefix("bridge:") for name in step.following) if step else (),
    )


def _about(connection: Connection, destination: str, abouts: list[int]) -> list[Any]:
    """All notifications of these messages that wait for one destination."""
    found: list[Any] = []
    for first in range(0, len(abouts), _ABOUTS_AT_ONCE):
        some = abouts[first : first + _ABOUTS_AT_ONCE]
        asked = {"abouts": some, "destination": destination}
        found += connection.execute(_WAITING_ABOUT, asked)
    return found


def _given(connection: Connection, number: int) -> list[Step]:
    steps = []
    rows = connection.execute(select(transmission).where(transmission.c.message_id == number))
    for row in rows:
        place = f"session {row.session}, number {row.telid}"
        steps.append(Step(row.at, "given to the SIM", row.line, place))
        if row.outcome is not None and row.settled_at is not None:
            steps.append(Step(row.settled_at, row.outcome, row.line, row.detail))
    return steps


def _notified(connection: Connection, number: int) -> list[Step]:
    """Who has been notified of what became of it, and who could not be yet."""
    rows = connection.execute(
        select(message.c.topic, delivery)
        .join_from(message, delivery, delivery.c.message_id == message.c.id)
        .where(message.c.about == number, delivery.c.state.in_(("done", "failed")))
    )
    words = {"done": "notified", "failed": "not notified"}
    steps = [
        Step(r.settled_at, f"{words[r.state]}: {r.topic}", r.destination, r.detail) for r in rows
    ]
    tries = connection.execute(
        select(message.c.topic, journey)
        .join_from(message, journey, journey.c.message_id == message.c.id)
        .where(message.c.about == number, journey.c.what == "deferred")
    )
    return steps + [Step(r.at, f"deferred: {r.topic}", r.where, r.detail) for r in tries]


def _delivered(connection: Connection, row: Any) -> list[Step]:
    if row.direction not in _INCOMING:
        return []
    rows = connection.execute(
        select(delivery).where(and_(delivery.c.message_id == row.id, delivery.c.state == "done"))
    )
    return [
        Step(r.settled_at, "delivered", place_of(r.destination, r.recipient), r.detail)
        for r in rows
    ]
