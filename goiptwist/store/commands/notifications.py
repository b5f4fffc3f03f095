"""
Commands of the writer that queue notifications: what became of a message, for
those who have subscribed to it. A notification stands on disk with the fact that
it tells, in one commit, and is delivered like any other message.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, and_, bindparam, exists, insert, select

from goiptwist.model.commit import Commit
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.messages import Direction, Message, State
from goiptwist.store.bulk import BulkStatement
from goiptwist.store.commands.numbers import take_numbers
from goiptwist.store.rows import MessageIds, as_message
from goiptwist.store.schema import NOBODY, QUEUED, delivery, message

_INSERT_MESSAGE = BulkStatement(insert(message))
_INSERT_DELIVERY = BulkStatement(insert(delivery))

_notification = message.alias("notification")
_DELAYED = (
    select(message)
    .where(
        and_(
            message.c.state == QUEUED,
            message.c.subscriptions != NOBODY,
            message.c.at < bindparam("before"),
            message.c.subscriptions.contains(json.dumps("delayed"), autoescape=True),
            ~exists(
                select(_notification.c.id).where(
                    and_(_notification.c.about == message.c.id, _notification.c.topic == "delayed")
                )
            ),
        )
    )
    .order_by(message.c.at)
    .limit(bindparam("many"))
)

#: Delayed messages whose notifications are queued in one commit.
AT_ONCE = 500


@frozen(kw_only=True)
class StatusChange:
    """
    Something that happened to a message.

    @ivar status: one of L{STATUSES<goiptwist.model.subscriptions.STATUSES>}; nobody
        is notified of any other.
    """

    message: Message
    status: str
    at: float
    reason: str = ""


@frozen(kw_only=True)
class DelayCheck:
    """What waits since before C{before} is late, at C{at}."""

    before: float
    at: float


@frozen
class NotificationCommands:
    """The commands, as the writer runs them."""

    ids: MessageIds

    def notify(self, connection: Connection, changes: Sequence[StatusChange]) -> list[QueueEntry]:
        """Queue a notification for each who has subscribed to it."""
        subscribers = [
            (one, subscription.destination)
            for one in changes
            for subscription in one.message.subscriptions
            if one.status in subscription.statuses
        ]
        if not subscribers:
            return []
        first = take_numbers(connection, "message", len(subscribers))
        queued = [
            QueueEntry(destination=destination, message=self._notification(one, number), due=one.at)
            for number, (one, destination) in enumerate(subscribers, first)
        ]
        rows = [self._row(number, one.message) for number, one in enumerate(queued, first)]
        _INSERT_MESSAGE(connection, rows)
        _INSERT_DELIVERY(
            connection,
            [queue_row(number, one) for number, one in enumerate(queued, first)],
        )
        return queued

    def _notification(self, one: StatusChange, number: int) -> Message:
        return Message(
            id=self.ids.outside(number),
            direction=Direction.NOTIFICATION,
            line=one.message.line,
            text=one.reason,
            at=one.at,
            state=State.RECEIVED,
            origin=one.message.origin,
            about=one.message.id,
            topic=one.status,
        )

    def _row(self, number: int, one: Message) -> dict[str, Any]:
        return {
            "id": number,
            "direction": one.direction.value,
            "line": one.line,
            "text": one.text,
            "at": one.at,
            "state": one.state.value,
            "origin": one.origin,
            "about": self.ids.inside(one.about),
            "topic": one.topic,
        }

    def delays(self, connection: Connection, items: Sequence[DelayCheck]) -> list[Commit[None]]:
        """Queue notifications of messages that wait for too long, each once."""
        return [self._delays(connection, item) for item in items]

    def _delays(self, connection: Connection, item: DelayCheck) -> Commit[None]:
        rows = connection.execute(_DELAYED, {"before": item.before, "many": AT_ONCE}).all()
        late = [as_message(row, self.ids) for row in rows]
        changes = [
            StatusChange(message=m, status="delayed", at=item.at, reason=m.reason) for m in late
        ]
        return Commit(None, tuple(self.notify(connection, changes)))


def queue_row(number: int, entry: QueueEntry) -> dict[str, Any]:
    """The row of the queue."""
    return {
        "message_id": number,
        "destination": entry.destination,
        "recipient": entry.recipient,
        "state": "waiting",
        "attempts": 0,
        "due": entry.due,
        "since": entry.since or None,
        "chain": entry.step.text() if entry.step else "",
        "until": entry.step.until(entry.due) if entry.step else None,
    }
