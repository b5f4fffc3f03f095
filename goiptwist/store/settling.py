"""
Operations of the writer that record what became of a message.

Whatever a destination says is written here, in one place and one transaction:
the row of the queue, what was given to the SIM, the message itself and its
journey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import Direction, Message, State
from goiptwist.model.transmissions import Transmission
from goiptwist.store.many import Many
from goiptwist.store.passing import (
    Failed,
    alarm_now,
    alarm_states,
    chain_ends,
    incoming_states,
    pass_on,
)
from goiptwist.store.reports import Reporting
from goiptwist.store.rows import Ids
from goiptwist.store.schema import delivery, journey, message, report, transmission
from goiptwist.store.telling import Changed, Tidings

_WAITING = "waiting"
_NOTHING = Changed()


@frozen(kw_only=True)
class Settlement:
    """
    What became of one delivery.

    @ivar state: where an outgoing message stands now; incoming ones find
        their state from all their deliveries.
    @ivar queue: the state of the row in the queue: waiting, done, failed,
        unknown, expired or cancelled. What is failed, and somebody else gets
        it, is passed.
    @ivar step: the word for the journey, or empty where other tables tell.
    @ivar due: when a waiting row is tried next.
    @ivar outcome: what became of what was given to the SIM: sent, failed,
        deferred or unknown.
    @ivar line: by which line an outgoing message left, or empty.
    @ivar instead: who gets it now, since this one never will.
    """

    message: Message
    destination: str
    state: State
    queue: str
    attempts: int
    due: float
    at: float
    detail: str = ""
    step: str = ""
    line: str = ""
    sms_no: str = ""
    outcome: str = ""
    instead: EscalationStep | None = None


_OPEN_TRANSMISSION = Many(
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
    delivery.c.message_id == bindparam("m"), delivery.c.destination == bindparam("dest")
)
_DELIVERY = Many(
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
_OUTGOING = Many(
    update(message)
    .where(message.c.id == bindparam("m"))
    .values(
        state=bindparam("s"),
        reason=bindparam("r"),
        line=func.coalesce(bindparam("l"), message.c.line),
    )
)


_BEGUN = Many(
    update(message)
    .where(message.c.id == bindparam("m"))
    .values(state=State.SENDING.value, line=bindparam("l"))
)
_INSERT_TRANSMISSION = Many(insert(transmission))
_INSERT_STEP = Many(insert(journey))
_STATE = select(delivery.c.state).where(_THE_ROW)
_ANY_REPORT = select(report.c.id).limit(1)


@frozen
class Settling:
    """The operations, as the writer wants them."""

    ids: Ids
    reporting: Reporting

    def _number(self, message_id: str) -> int:
        number = self.ids.inside(message_id)
        if number is None:
            raise ValueError(f"{message_id} is not an id of this store")
        return number

    def transmissions(self, connection: Connection, items: Sequence[Transmission]) -> list[None]:
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
        return [None] * len(items)

    def settlements(
        self, connection: Connection, items: Sequence[Settlement]
    ) -> list[Changed | None]:
        """
        Record what became of deliveries, and queue what follows from it.

        @return: for each, what else has changed, if anything; the message is
            in it where its delivery report had come before this.
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
            _NOTHING if late else self._follows(connection, *pair)
            for pair, late in zip(both, is_late, strict=True)
        ]
        if outgoing:
            _OPEN_TRANSMISSION(connection, [_transmission_row(*pair) for pair in outgoing])
            _OUTGOING(connection, [_message_row(*pair) for pair in outgoing])
        if others:
            incoming_states(connection, [(number, _reason(item)) for number, item in others])
        told = [self._tell(connection, number, item, alarms) for number, item in both]
        early = self._early_reports(connection, both)
        return [_together(*parts) for parts in zip(early, told, follows, strict=True)]

    def _is_late(self, connection: Connection, number: int, item: Settlement) -> bool:
        """
        An alarm may have gone on, or have been acknowledged, while an attempt
        was under way: then only a delivery counts.
        """
        if item.message.direction is not Direction.ALARM or item.queue == "done":
            return False
        asked = {"m": number, "dest": item.destination}
        return bool(connection.execute(_STATE, asked).scalar() != _WAITING)

    def _follows(self, connection: Connection, number: int, item: Settlement) -> Changed:
        """What waits now, or waits no more, since a row is settled for good."""
        name, at = item.destination, item.at
        if item.instead is not None:
            failed = Failed(number, item.message, name, "failed", at)
            return evolve(pass_on(connection, failed, item.instead), dropped=())
        if item.queue == "done" and item.message.direction is Direction.ALARM:
            return chain_ends(connection, number, item.message.id, name, at)
        return _NOTHING

    def _tell(
        self, connection: Connection, number: int, item: Settlement, alarms: dict[int, str]
    ) -> Changed:
        """@param alarms: where those stood that are not told of yet."""
        if item.message.direction is Direction.ALARM:
            before = alarms.pop(number, "")
            if not before:
                return _NOTHING
            return alarm_now(connection, self.ids, self.reporting.telling, number, before, item.at)
        if not item.message.tell or item.queue == _WAITING:
            return _NOTHING
        after = evolve(item.message, state=item.state, line=item.line or item.message.line)
        reason = _reason(item)
        tidings = Tidings(message=after, what=item.state.value, at=item.at, reason=reason)
        return Changed(queued=tuple(self.reporting.telling.tell(connection, [tidings])))

    def _early_reports(
        self, connection: Connection, both: Sequence[tuple[int, Settlement]]
    ) -> list[Changed | None]:
        concerned = any(item.sms_no or item.outcome == "unknown" for _, item in both)
        if not concerned or connection.execute(_ANY_REPORT).first() is None:
            return [None] * len(both)
        return [self._early(connection, number, item) for number, item in both]

    def _early(self, connection: Connection, number: int, item: Settlement) -> Changed | None:
        recipient = item.message.recipient
        if item.outcome == "unknown":
            return self.reporting.overtaking(connection, number, recipient)
        return self.reporting.early(connection, item.line, item.sms_no, recipient, item.at)


def _together(early: Changed | None, *others: Changed) -> Changed | None:
    parts = [part for part in (early, *others) if part is not None and part is not _NOTHING]
    if not parts:
        return None
    return Changed(
        next((part.message for part in parts if part.message is not None), None),
        tuple(one for part in parts for one in part.queued),
        tuple(one for part in parts for one in part.dropped),
    )


def _reason(item: Settlement) -> str:
    return "" if item.queue == "done" else item.detail


def _delivery_row(number: int, item: Settlement) -> dict[str, Any]:
    return {
        "m": number,
        "dest": item.destination,
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
        "r": _reason(item),
        # What is settled keeps the line that had it; what waits is free again.
        "l": item.message.line if item.queue == _WAITING else item.line or None,
    }


def _step_row(number: int, item: Settlement) -> dict[str, Any]:
    return {
        "message_id": number,
        "at": item.at,
        "what": item.step,
        "where": item.line or item.destination,
        "detail": item.detail,
    }
