"""
The command of the writer that keeps what happens on lines: history, and what
waits for the bridges that want to hear of it, in one commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from attrs import frozen
from sqlalchemy import Connection, bindparam, delete, insert

from goiptwist.model.commit import NOTHING, Commit
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.messages import Direction, Message, State
from goiptwist.store.bulk import BulkStatement
from goiptwist.store.commands.notifications import queue_row
from goiptwist.store.commands.numbers import take_numbers
from goiptwist.store.commands.receipts import digest_of, unseen
from goiptwist.store.rows import MessageIds, as_row
from goiptwist.store.schema import delivery, event, line, message

_INSERT_EVENT = BulkStatement(insert(event))
_INSERT_MESSAGE = BulkStatement(insert(message))
_INSERT_DELIVERY = BulkStatement(insert(delivery))


@frozen(kw_only=True)
class NewLineEvent:
    """
    Something that happened on a line and is no SMS.

    @ivar what: the word that bridges know it by, such as C{call.ended}.
    @ivar kind: the name of the push that told it; empty if we found it
        ourselves: then it is no history, and never a repeat.
    @ivar number: of the push; with line, kind and fields it tells a repeat.
    @ivar destinations: the bridges that want to hear of it.
    """

    line: str
    what: str = ""
    kind: str = ""
    number: int = 0
    fields: Mapping[str, str]
    at: float
    destinations: tuple[str, ...] = ()


@frozen
class LineEventCommands:
    """The command, as the writer runs it."""

    ids: MessageIds

    def events(self, connection: Connection, items: Sequence[NewLineEvent]) -> list[Commit[bool]]:
        """Keep what happened, and queue it for the bridges that want to hear of it."""
        texts = [json.dumps(dict(item.fields), ensure_ascii=False) for item in items]
        pushed = [place for place, item in enumerate(items) if item.kind]
        fresh = dict.fromkeys(range(len(items)), True)
        if pushed:
            fresh.update(zip(pushed, _unseen(connection, items, texts, pushed), strict=True))
        rows = [_row(items[place], texts[place]) for place in pushed if fresh[place]]
        if rows:
            _INSERT_EVENT(connection, rows)
        return [
            Commit(True, self._queue(connection, item, texts[place]), events=(_announced(item),))
            if fresh[place]
            else Commit(False)
            for place, item in enumerate(items)
        ]

    def _queue(
        self, connection: Connection, item: NewLineEvent, text: str
    ) -> tuple[QueueEntry, ...]:
        if not item.destinations:
            return ()
        number = take_numbers(connection, "message", 1)
        row = Message(
            id=self.ids.outside(number),
            direction=Direction.EVENT,
            line=item.line,
            text=text,
            at=item.at,
            state=State.RECEIVED,
            topic=item.what,
        )
        queued = tuple(
            QueueEntry(destination=destination, message=row, due=item.at)
            for destination in item.destinations
        )
        _INSERT_MESSAGE(connection, [{**as_row(row, number, None), "topic": row.topic}])
        _INSERT_DELIVERY(connection, [queue_row(number, one) for one in queued])
        return queued


def _announced(item: NewLineEvent) -> tuple[str, NewLineEvent]:
    return item.what or f"device.{item.kind}", item


def _unseen(
    connection: Connection,
    items: Sequence[NewLineEvent],
    texts: Sequence[str],
    places: Sequence[int],
) -> list[bool]:
    digests = [
        digest_of(items[place].line, items[place].kind, items[place].number, texts[place])
        for place in places
    ]
    return unseen(connection, digests, items[-1].at)


def _row(item: NewLineEvent, text: str) -> dict[str, object]:
    return {"line": item.line, "kind": item.kind, "at": item.at, "fields": text}


@frozen
class StoredFacts:
    """The latest facts of a line, to be found again after a restart."""

    line: str
    at: float
    facts: Mapping[str, str]


def keep_facts(connection: Connection, items: Sequence[StoredFacts]) -> list[Commit[None]]:
    """Keep the latest facts of lines in place of the ones before."""
    latest = {item.line: item for item in items}
    connection.execute(
        delete(line).where(line.c.id == bindparam("old")), [{"old": name} for name in latest]
    )
    connection.execute(
        insert(line),
        [
            {"id": name, "at": item.at, "facts": json.dumps(dict(item.facts), ensure_ascii=False)}
            for name, item in latest.items()
        ],
    )
    return [NOTHING] * len(items)
