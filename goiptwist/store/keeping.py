"""Operations of the writer that put new things on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from goiptwist.errors import Conflict
from goiptwist.message import Direction, IncomingSms, Message, State, Submission
from goiptwist.store.many import Many
from goiptwist.store.receipts import digest_of, unseen
from goiptwist.store.rows import Ids, as_message, as_row
from goiptwist.store.schema import counter, delivery, event, line, message

_TAKE = (
    update(counter)
    .where(counter.c.name == bindparam("counter"))
    .values(next=counter.c.next + bindparam("many"))
    .returning(counter.c.next)
)
_INSERT_MESSAGES = Many(insert(message))
_INSERT_DELIVERIES = Many(insert(delivery))
_BY_CLIENT_ID = select(message).where(
    message.c.origin == bindparam("origin_"), message.c.client_id == bindparam("client_id_")
)


def take_numbers(connection: Connection, name: str, many: int) -> int:
    """@return: the first of C{many} numbers that nobody gets again."""
    after: int = connection.execute(_TAKE, {"counter": name, "many": many}).scalar_one()
    return after - many


@frozen
class Arrival:
    """An SMS that a device handed in, and where it shall go."""

    sms: IncomingSms
    destinations: tuple[str, ...]


@frozen(kw_only=True)
class Order:
    """
    A submission that was checked, and where it shall go.

    @ivar submission: its recipients are normalised.
    """

    submission: Submission
    destination: str
    at: float


@frozen
class Kept:
    """
    What became of an order.

    @ivar fresh: false where the same submission was kept before.
    """

    messages: list[Message]
    fresh: bool = True


@frozen(kw_only=True)
class Event:
    """Something a line told that is no SMS."""

    line: str
    kind: str
    number: int
    fields: Mapping[str, str]
    at: float


@frozen
class Keeping:
    """The operations, as the writer wants them."""

    ids: Ids

    def arrivals(self, connection: Connection, items: Sequence[Arrival]) -> list[Message | None]:
        """Keep incoming SMS; C{None} stands for one that we had already."""
        digests = [
            digest_of(a.sms.line, "RECEIVE", a.sms.number, a.sms.sender, a.sms.text) for a in items
        ]
        fresh = unseen(connection, digests, items[-1].sms.at)
        number = take_numbers(connection, "message", sum(fresh)) if any(fresh) else 0
        rows, queue = [], []
        kept: list[Message | None] = []
        for arrival, is_new in zip(items, fresh, strict=True):
            if not is_new:
                kept.append(None)
                continue
            arrived = self._incoming(arrival, number)
            kept.append(arrived)
            rows.append(as_row(arrived, number, None))
            queue += _queued(number, arrival.destinations, arrival.sms.at)
            number += 1
        _insert(connection, rows, queue)
        return kept

    def _incoming(self, arrival: Arrival, number: int) -> Message:
        sms = arrival.sms
        return Message(
            id=self.ids.outside(number),
            direction=Direction.IN,
            line=sms.line,
            sender=sms.sender,
            text=sms.text,
            at=sms.at,
            state=State.RECEIVED if arrival.destinations else State.HANDED_ON,
            smsc=sms.smsc,
        )

    def orders(self, connection: Connection, items: Sequence[Order]) -> list[Kept | Exception]:
        """Keep submissions; the same client id again gives the same messages."""
        first: dict[tuple[str, str], int] = {}
        known: dict[int, list[Message]] = {}
        for place, order in enumerate(items):
            name = (order.submission.origin, order.submission.client_id)
            if name[1] and first.setdefault(name, place) == place:
                known[place] = self._named(connection, name)
        new = [
            place
            for place, order in enumerate(items)
            if first.get((order.submission.origin, order.submission.client_id), place) == place
            and not known.get(place)
        ]
        made = self._new_orders(connection, [items[place] for place in new])
        results: dict[int, Kept | Exception] = dict(zip(new, made, strict=True))
        for place, order in enumerate(items):
            if place not in results:
                # A repeat of one on disk, or of one that came just before it.
                earlier = first[order.submission.origin, order.submission.client_id]
                before = results.get(earlier)
                messages = before.messages if isinstance(before, Kept) else known[earlier]
                results[place] = _again(order.submission, messages)
        return [results[place] for place in range(len(items))]

    def _named(self, connection: Connection, name: tuple[str, str]) -> list[Message]:
        rows = connection.execute(_BY_CLIENT_ID, {"origin_": name[0], "client_id_": name[1]})
        return [as_message(row, self.ids) for row in sorted(rows, key=lambda row: row.id)]

    def _new_orders(self, connection: Connection, orders: Sequence[Order]) -> list[Kept]:
        many = sum(len(order.submission.recipients) for order in orders)
        number = take_numbers(connection, "message", many) if many else 0
        rows, queue, kept = [], [], []
        for order in orders:
            batch = number
            messages = []
            for recipient in order.submission.recipients:
                outgoing = self._outgoing(order, recipient, number, batch)
                messages.append(outgoing)
                rows.append(as_row(outgoing, number, batch))
                queue += _queued(number, (order.destination,), order.at)
                number += 1
            kept.append(Kept(messages))
        _insert(connection, rows, queue)
        return kept

    def _outgoing(self, order: Order, recipient: str, number: int, batch: int) -> Message:
        wanted = order.submission
        return Message(
            id=self.ids.outside(number),
            direction=Direction.OUT,
            line=wanted.line,
            pool=wanted.pool,
            recipient=recipient,
            text=wanted.text,
            at=order.at,
            state=State.QUEUED,
            origin=wanted.origin,
            client_id=wanted.client_id,
            batch=self.ids.outside(batch),
        )


def _again(wanted: Submission, known: list[Message]) -> Kept | Conflict:
    same = tuple(m.recipient for m in known) == wanted.recipients and known[0].text == wanted.text
    if same:
        return Kept(known, fresh=False)
    return Conflict(f"id {wanted.client_id!r} was used before for another text or other recipients")


def _queued(number: int, destinations: Iterable[str], at: float) -> list[dict[str, Any]]:
    return [
        {
            "message_id": number,
            "destination": destination,
            "state": "waiting",
            "attempts": 0,
            "due": at,
        }
        for destination in destinations
    ]


def _insert(
    connection: Connection, rows: list[dict[str, Any]], queue: list[dict[str, Any]]
) -> None:
    if rows:
        _INSERT_MESSAGES(connection, rows)
    if queue:
        _INSERT_DELIVERIES(connection, queue)


def keep_events(connection: Connection, items: Sequence[Event]) -> list[bool]:
    """Keep what lines told; false stands for one that we had already."""
    texts = [json.dumps(dict(item.fields), ensure_ascii=False) for item in items]
    digests = [
        digest_of(item.line, item.kind, item.number, text)
        for item, text in zip(items, texts, strict=True)
    ]
    fresh = unseen(connection, digests, items[-1].at)
    rows = [
        {"line": item.line, "kind": item.kind, "at": item.at, "fields": text}
        for item, text, is_new in zip(items, texts, fresh, strict=True)
        if is_new
    ]
    if rows:
        connection.execute(insert(event), rows)
    return fresh


@frozen
class Facts:
    """The latest facts of a line, to be found again after a restart."""

    line: str
    at: float
    facts: Mapping[str, str]


def keep_facts(connection: Connection, items: Sequence[Facts]) -> list[None]:
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
    return [None] * len(items)


def reserve(connection: Connection, items: Sequence[tuple[str, int]]) -> list[int]:
    """Take C{(name, many)} numbers each; the first of them is the result."""
    return [take_numbers(connection, name, many) for name, many in items]
