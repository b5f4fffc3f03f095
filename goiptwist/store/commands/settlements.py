"""
Commands of the writer that record what became of a message.

Whatever a destination says is written here, in one place and one transaction:
the row of the queue, what was given to the SIM, the message itself and its
journey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from goiptwist.model.commit import NOTHING, Commit, joined
from goiptwist.model.delivery import Settlement
from goiptwist.model.messages import Direction, Message, State
from goiptwist.model.transmissions import Transmission
from goiptwist.store.bulk import BulkStatement
from goiptwist.store.commands.device_reports import DeviceReportCommands
from goiptwist.store.commands.escalation import (
    FailedDelivery,
    alarm_now,
    alarm_states,
    chain_ends,
    escalate,
    has_failed,
    incoming_states,
)
from goiptwist.store.commands.notifications import StatusChange
from goiptwist.store.recipients import Recipients
from goiptwist.store.rows import MessageIds
from goiptwist.store.schema import delivery, journey, message, report, transmission

_WAITING = "waiting"


_OPEN_TRANSMISSION = BulkStatement(
    update(transmission)
    .where(and_(transmission.c.message_id == bindparam("m"), transmission.c.outcome.is_(None)))
    .values(
        outcome=bindparam("o"),
        detail=bindparam("d"),
        sms_no=bindparam("n"),
        settled_at=bindparam("t"),
    )
)
_THE_ROW = and_(
    delivery.c.message_id == bindparam("m"),
    delivery.c.destination == bindparam("dest"),
    delivery.c.recipient == bindparam("to"),
)
_DELIVERY = BulkStatement(
    update(delivery)
    .where(_THE_ROW)
    .values(
        state=bindparam("s"),
        attempts=bindparam("a"),
        due=bindparam("due_"),
        detail=bindparam("d"),
        settled_at=bindparam("t"),
    )
)
_OUTGOING = BulkStatement(
    update(message)
    .where(message.c.id == bindparam("m"))
    .values(
        state=bindparam("s"),
        reason=bindparam("r"),
        line=func.coalesce(bindparam("l"), message.c.line),
    )
)


_BEGUN = BulkStatement(
    update(message)
    .where(message.c.id == bindparam("m"))
    .values(state=State.SENDING.value, line=bindparam("l"))
)
_INSERT_TRANSMISSION = BulkStatement(insert(transmission))
_INSERT_STEP = BulkStatement(insert(journey))
_STATE = select(delivery.c.state).where(_THE_ROW)
_ANY_REPORT = select(report.c.id).limit(1)


@frozen
class SettlementCommands:
    """The commands, as the writer runs them."""

    ids: MessageIds
    device_reports: DeviceReportCommands
    recipients: Recipients

    def _number(self, message_id: str) -> int:
        number = self.ids.inside(message_id)
        if number is None:
            raise ValueError(f"{message_id} is not an id of this store")
        return number

    def transmissions(
        self, connection: Connection, items: Sequence[Transmission]
    ) -> list[Commit[None]]:
        """Write down what is about to leave."""
        rows = [
            {
                "message_id": self._number(item.message_id),
                "line": item.line,
                "session": item.session,
                "telid": item.telid,
                "at": item.at,
            }
            for item in items
        ]
        _INSERT_TRANSMISSION(connection, rows)
        _BEGUN(connection, [{"m": row["message_id"], "l": row["line"]} for row in rows])
        return [NOTHING] * len(items)

    def settlements(
        self, connection: Connection, items: Sequence[Settlement]
    ) -> list[Commit[Message | None]]:
        """
        Record what became of deliveries, and queue what follows from it.

        @return: for each the message, where its delivery report had come
            before this.
        """
        numbers = [self._number(item.message.id) for item in items]
        both = list(zip(numbers, items, strict=True))
        is_late = [self._is_late(connection, *pair) for pair in both]
        counts = [pair for pair, late in zip(both, is_late, strict=True) if not late]
        alarms = alarm_states(connection, counts)
        if counts:
            _DELIVERY(connection, [_delivery_row(*pair) for pair in counts])
        outgoing = [pair for pair in counts if pair[1].message.direction is Direction.OUT]
        others = [pair for pair in counts if pair[1].message.direction is not Direction.OUT]
        steps = [_step_row(number, item) for number, item in both if item.step]
        if steps:
            _INSERT_STEP(connection, steps)
        follows = [
            NOTHING if late else self._follows(connection, *pair)
            for pair, late in zip(both, is_late, strict=True)
        ]
        if outgoing:
            _OPEN_TRANSMISSION(connection, [_transmission_row(*pair) for pair in outgoing])
            _OUTGOING(connection, [_message_row(*pair) for pair in outgoing])
        if others:
            incoming_states(connection, [(number, item.reason) for number, item in others])
        changes = [self._change(connection, number, item, alarms) for number, item in both]
        early = self._early_reports(connection, both)
        return [_together(*parts) for parts in zip(early, changes, follows, strict=True)]

    def _is_late(self, connection: Connection, number: int, item: Settlement) -> bool:
        """
        An alarm may have gone on, or have been acknowledged, while an attempt
        was under way: then only a delivery counts.
        """
        if item.message.direction is not Direction.ALARM or item.queue == "done":
            return False
        asked = {"m": number, "dest": item.destination, "to": item.recipient}
        return bool(connection.execute(_STATE, asked).scalar() != _WAITING)

    def _follows(self, connection: Connection, number: int, item: Settlement) -> Commit[Any]:
        """What waits now, or waits no more, since a row is settled for good."""
        name, at = item.destination, item.at
        if item.instead is not None and has_failed(connection, number, name):
            failed = FailedDelivery(number, item.message, name, "failed", at)
            return evolve(escalate(connection, failed, item.instead, self.recipients), withdrawn=())
        if item.queue == "done" and item.message.direction is Direction.ALARM:
            return chain_ends(connection, number, item.message.id, name, at)
        return NOTHING

    def _change(
        self, connection: Connection, number: int, item: Settlement, alarms: dict[int, str]
    ) -> Commit[Any]:
        """
        Where the message stands now.

        @param alarms: where those stood that have not been looked at yet.
        """
        if item.message.direction is Direction.ALARM:
            before = alarms.pop(number, "")
            if not before:
                return NOTHING
            return alarm_now(
                connection, self.ids, self.device_reports.notifications, number, before, item.at
            )
        if item.message.direction is not Direction.OUT:
            return NOTHING
        after = item.after()
        events = ((f"message.{after.state.value}", after),)
        if not after.subscriptions or item.queue == _WAITING:
            return Commit(None, events=events)
        change = StatusChange(
            message=after, status=item.state.value, at=item.at, reason=after.reason
        )
        return Commit(
            None,
            tuple(self.device_reports.notifications.notify(connection, [change])),
            events=events,
        )

    def _early_reports(
        self, connection: Connection, both: Sequence[tuple[int, Settlement]]
    ) -> list[Commit[Message] | None]:
        concerned = any(item.sms_no or item.outcome == "unknown" for _, item in both)
        if not concerned or connection.execute(_ANY_REPORT).first() is None:
            return [None] * len(both)
        return [self._early(connection, number, item) for number, item in both]

    def _early(
        self, connection: Connection, number: int, item: Settlement
    ) -> Commit[Message] | None:
        recipient = item.message.recipient
        if item.outcome == "unknown":
            return self.device_reports.overtaking(connection, number, recipient)
        return self.device_reports.early(connection, item.line, item.sms_no, recipient, item.at)


def _together(
    early: Commit[Message] | None, change: Commit[Any], follows: Commit[Any]
) -> Commit[Message | None]:
    if early is None:
        return change if follows is NOTHING else joined(change.value, (change, follows))
    # Of a text whose report had come already there is one thing to say.
    events = tuple((kind, early.value) for kind, _ in change.events)
    parts = evolve(early, events=()), evolve(change, events=events), follows
    return joined(early.value, parts)


def _delivery_row(number: int, item: Settlement) -> dict[str, Any]:
    return {
        "m": number,
        "dest": item.destination,
        "to": item.recipient,
        "s": item.queue,
        "a": item.attempts,
        "due_": item.due,
        "d": item.detail,
        "t": None if item.queue == _WAITING else item.at,
    }


def _transmission_row(number: int, item: Settlement) -> dict[str, Any]:
    return {"m": number, "o": item.outcome, "d": item.detail, "n": item.sms_no, "t": item.at}


def _message_row(number: int, item: Settlement) -> dict[str, Any]:
    return {
        "m": number,
        "s": item.state.value,
        "r": item.reason,
        # What is settled keeps the line that had it; what waits is free again.
        "l": item.message.line if item.queue == _WAITING else item.line or None,
    }


def _step_row(number: int, item: Settlement) -> dict[str, Any]:
    return {
        "message_id": number,
        "at": item.at,
        "what": item.step,
        "where": item.line or item.place,
        "detail": item.detail,
    }
