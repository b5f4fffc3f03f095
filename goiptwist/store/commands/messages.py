"""Commands of the writer that put new things on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, bindparam, insert, select

from goiptwist.errors import Conflict, Unacceptable
from goiptwist.model.commit import NOTHING, Commit, joined
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.messages import Direction, IncomingSms, Message, State, Submission
from goiptwist.model.quota import UNLIMITED, Quota
from goiptwist.store.bulk import BulkStatement
from goiptwist.store.commands.escalation import note
from goiptwist.store.commands.notifications import queue_row
from goiptwist.store.commands.numbers import take_numbers
from goiptwist.store.commands.receipts import digest_of, unseen
from goiptwist.store.commands.usage import spend
from goiptwist.store.recipients import Recipients, for_each
from goiptwist.store.rows import MessageIds, as_message, as_row, order_row
from goiptwist.store.schema import delivery, message
from goiptwist.telephony.segments import count
from goiptwist.telephony.validation import HEAD_START, check_expiry

_INSERT_ARRIVALS = BulkStatement(insert(message))
_INSERT_ORDERS = BulkStatement(insert(message))
_INSERT_DELIVERIES = BulkStatement(insert(delivery))
_INSERT_QUEUE = BulkStatement(insert(delivery))
_BY_CLIENT_IDS = select(message).where(
    message.c.origin == bindparam("origin_"),
    message.c.client_id.in_(bindparam("client_ids", expanding=True)),
)
#: Client ids that one question asks for; databases bound their parameters.
_IDS_AT_ONCE = 500


@frozen
class Arrival:
    """
    An SMS that a device handed in, and the destinations that it goes to.

    @ivar alarm_id: the alarm that was read out of it; or empty.
    """

    sms: IncomingSms
    destinations: tuple[str, ...]
    alarm_id: str = ""


@frozen(kw_only=True)
class NewSubmission:
    """
    A submission that was checked, and the destination that it goes to.

    @ivar submission: its recipients are normalised.
    @ivar quota: how much its origin may send in a day.
    """

    submission: Submission
    destination: str
    at: float
    quota: Quota = UNLIMITED

    @property
    def due(self) -> float:
        """When it may be sent, by which it also has its place in the queue."""
        submission = self.submission
        return max(self.at, submission.send_at) - submission.priority * HEAD_START

    @property
    def origin(self) -> str:
        """Who pays for it."""
        return self.submission.origin

    @property
    def messages(self) -> int:
        """How many recipients it has."""
        return len(self.submission.recipients)

    @property
    def parts(self) -> int:
        """How many SMS it needs on the air."""
        return count(self.submission.text).parts * len(self.submission.recipients)


@frozen
class MessageCommands:
    """The commands, as the writer runs them."""

    ids: MessageIds
    recipients: Recipients

    def arrivals(
        self, connection: Connection, items: Sequence[Arrival]
    ) -> list[Commit[Message | None]]:
        """Keep incoming SMS; C{None} stands for one that we had already."""
        digests = [
            digest_of(a.sms.line, "RECEIVE", a.sms.number, a.sms.sender, a.sms.text) for a in items
        ]
        fresh = unseen(connection, digests, items[-1].sms.at)
        number = take_numbers(connection, "message", sum(fresh)) if any(fresh) else 0
        rows, queue = [], []
        kept: list[Commit[Message | None]] = []
        for arrival, is_new in zip(items, fresh, strict=True):
            if not is_new:
                kept.append(NOTHING)
                continue
            arrived = self._incoming(arrival, number)
            whole = (
                QueueEntry(destination=name, message=arrived, due=arrival.sms.at)
                for name in arrival.destinations
            )
            entries = for_each(whole, self.recipients)
            kept.append(Commit(arrived, entries, events=(("message.received", arrived),)))
            rows.append(as_row(arrived, number, None))
            queue += [_arrival_row(number, entry) for entry in entries]
            if arrival.alarm_id:
                detail = f"alarm {arrival.alarm_id}"
                note(connection, number, arrival.sms.at, "read as an alarm", "", detail)
            number += 1
        if rows:
            _INSERT_ARRIVALS(connection, rows)
        if queue:
            _INSERT_DELIVERIES(connection, queue)
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
            state=State.RECEIVED if arrival.destinations else State.KEPT,
            smsc=sms.smsc,
        )

    def submissions(
        self, connection: Connection, items: Sequence[NewSubmission]
    ) -> list[Commit[list[Message]] | Exception]:
        """Keep submissions; the same client id again gives the same messages."""
        first: dict[tuple[str, str], int] = {}
        for place, order in enumerate(items):
            name = (order.submission.origin, order.submission.client_id)
            if name[1]:
                first.setdefault(name, place)
        known = self._known(connection, first)
        new = [
            place
            for place, order in enumerate(items)
            if first.get((order.submission.origin, order.submission.client_id), place) == place
            and not known.get(place)
        ]
        made = self._affordable(connection, [items[place] for place in new])
        results: dict[int, Commit[list[Message]] | Exception] = dict(zip(new, made, strict=True))
        for place, order in enumerate(items):
            if place not in results:
                # A repeat of one on disk, or of one that came just before it.
                earlier = first[order.submission.origin, order.submission.client_id]
                before = results.get(earlier)
                if isinstance(before, Exception):
                    results[place] = before
                    continue
                messages = known[earlier] if before is None else before.value
                results[place] = _again(order.submission, messages)
        return [results[place] for place in range(len(items))]

    def _known(
        self, connection: Connection, first: Mapping[tuple[str, str], int]
    ) -> dict[int, list[Message]]:
        """What is on disk under these names already, by the place of the first that has it."""
        by_origin: dict[str, list[str]] = {}
        for origin, client_id in first:
            by_origin.setdefault(origin, []).append(client_id)
        known: dict[int, list[Message]] = {}
        for origin, ids in by_origin.items():
            for start in range(0, len(ids), _IDS_AT_ONCE):
                some = ids[start : start + _IDS_AT_ONCE]
                rows = connection.execute(_BY_CLIENT_IDS, {"origin_": origin, "client_ids": some})
                for row in sorted(rows, key=lambda row: row.id):
                    place = first[origin, row.client_id]
                    known.setdefault(place, []).append(as_message(row, self.ids))
        return known

    def submission_batches(
        self, connection: Connection, items: Sequence[Sequence[NewSubmission]]
    ) -> list[Commit[list[list[Message] | Exception]]]:
        """The same as L{submissions}, where several came as one."""
        results = iter(self.submissions(connection, [order for item in items for order in item]))
        return [_together([next(results) for _ in item]) for item in items]

    def _affordable(
        self, connection: Connection, orders: Sequence[NewSubmission]
    ) -> list[Commit[list[Message]] | Exception]:
        """Keep those that their origin may still send today."""
        refusals: list[Exception | None] = [_too_late(order) for order in orders]
        timely = [place for place, refusal in enumerate(refusals) if refusal is None]
        spent = spend(connection, [orders[place] for place in timely])
        for place, refusal in zip(timely, spent, strict=True):
            refusals[place] = refusal
        affordable = [o for o, r in zip(orders, refusals, strict=True) if r is None]
        kept = iter(self._new_orders(connection, affordable))
        return [next(kept) if refusal is None else refusal for refusal in refusals]

    def _new_orders(
        self, connection: Connection, orders: Sequence[NewSubmission]
    ) -> list[Commit[list[Message]]]:
        many = sum(len(order.submission.recipients) for order in orders)
        number = take_numbers(connection, "message", many) if many else 0
        rows, queue, kept = [], [], []
        for order in orders:
            batch = number
            messages, entries = [], []
            for recipient in order.submission.recipients:
                outgoing = self._outgoing(order, recipient, number, batch)
                messages.append(outgoing)
                rows.append(order_row(outgoing, number, batch))
                entry = _entry(order, outgoing)
                entries.append(entry)
                queue.append(queue_row(number, entry))
                number += 1
            events = tuple(("message.queued", message) for message in messages)
            kept.append(Commit(messages, tuple(entries), events=events))
        if rows:
            _INSERT_ORDERS(connection, rows)
            _INSERT_QUEUE(connection, queue)
        return kept

    def _outgoing(self, order: NewSubmission, recipient: str, number: int, batch: int) -> Message:
        submission = order.submission
        return Message(
            id=self.ids.outside(number),
            direction=Direction.OUT,
            line=submission.line,
            pool=submission.pool,
            recipient=recipient,
            text=submission.text,
            at=order.at,
            state=State.QUEUED,
            origin=submission.origin,
            client_id=submission.client_id,
            batch=self.ids.outside(batch),
            context=submission.context,
            subscriptions=submission.subscriptions,
            expires=submission.expires,
            on_unknown=submission.on_unknown,
        )


def _too_late(order: NewSubmission) -> Unacceptable | None:
    try:
        check_expiry(order.submission, order.at)
    except Unacceptable as late:
        return late
    return None


def _entry(order: NewSubmission, outgoing: Message) -> QueueEntry:
    """The row of the queue that an order's message gets."""
    later = order.submission.send_at > order.at
    return QueueEntry(
        destination=order.destination,
        message=outgoing,
        due=order.due,
        since=order.submission.send_at if later else 0.0,
    )


def _again(submission: Submission, known: list[Message]) -> Commit[list[Message]] | Conflict:
    same = (
        tuple(m.recipient for m in known) == submission.recipients
        and known[0].text == submission.text
    )
    if same:
        return Commit(known)
    return Conflict(
        f"id {submission.client_id!r} was used before for another text or other recipients"
    )


def _arrival_row(number: int, entry: QueueEntry) -> dict[str, Any]:
    # Fewer columns than queue_row has: this is what an SMS waits for.
    return {
        "message_id": number,
        "destination": entry.destination,
        "recipient": entry.recipient,
        "state": "waiting",
        "attempts": 0,
        "due": entry.due,
    }


def _together(
    results: list[Commit[list[Message]] | Exception],
) -> Commit[list[list[Message] | Exception]]:
    """Several results as that of one item."""
    values = [one.value if isinstance(one, Commit) else one for one in results]
    return joined(values, [one for one in results if isinstance(one, Commit)])
