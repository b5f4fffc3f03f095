"""
Commands of the writer that queue news: what became of a message, for those
who want to be told. News stands on disk with the fact that it tells, in one
commit, and is delivered like any other message.
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

_news = message.alias("news")
_DELAYED = (
    select(message)
    .where(
        and_(
            message.c.state == QUEUED,
            message.c.tell != NOBODY,
            message.c.at < bindparam("before"),
            message.c.tell.contains(json.dumps("delayed"), autoescape=True),
            ~exists(
                select(_news.c.id).where(
                    and_(_news.c.about == message.c.id, _news.c.news == "delayed")
                )
            ),
        )
    )
    .order_by(message.c.at)
    .limit(bindparam("many"))
)

#: Delayed messages that are told of in one commit.
AT_ONCE = 500


@frozen(kw_only=True)
class StatusChange:
    """
    Something to tell of a message.

    @ivar what: one of L{TIDINGS<goiptwist.model.subscriptions.STATUSES>}; any other word is
        told to nobody.
    """

    message: Message
    what: str
    at: float
    reason: str = ""


@frozen(kw_only=True)
class DelayCheck:
    """Who waits since before C{before} is told of, at C{at}."""

    before: float
    at: float


@frozen
class NotificationCommands:
    """The commands, as the writer runs them."""

    ids: MessageIds

    def notify(self, connection: Connection, changes: Sequence[StatusChange]) -> list[QueueEntry]:
        """Queue the news for everybody who wants to hear it."""
        subscribers = [
            (one, subscription.destination)
            for one in changes
            for subscription in one.message.tell
            if one.what in subscription.whats
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
            direction=Direction.NEWS,
            line=one.message.line,
            text=one.reason,
            at=one.at,
            state=State.RECEIVED,
            origin=one.message.origin,
            about=one.message.id,
            news=one.what,
        )

    def _row(self, number: int, news: Message) -> dict[str, Any]:
        return {
            "id": number,
            "direction": news.direction.value,
            "line": news.line,
            "text": news.text,
            "at": news.at,
            "state": news.state.value,
            "origin": news.origin,
            "about": self.ids.inside(news.about),
            "news": news.news,
        }

    def delays(self, connection: Connection, items: Sequence[DelayCheck]) -> list[Commit[None]]:
        """Tell of messages that wait for too long, each once."""
        return [self._delays(connection, item) for item in items]

    def _delays(self, connection: Connection, item: DelayCheck) -> Commit[None]:
        rows = connection.execute(_DELAYED, {"before": item.before, "many": AT_ONCE}).all()
        late = [as_message(row, self.ids) for row in rows]
        changes = [
            StatusChange(message=m, what="delayed", at=item.at, reason=m.reason) for m in late
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
