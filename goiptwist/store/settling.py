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
from sqlalchemy import Connection, and_, bindparam, case, exists, func, insert, select, update

from goiptwist.message import Direction, Message, State
from goiptwist.store.many import Many
from goiptwist.store.reports import Reporting
from goiptwist.store.rows import Ids
from goiptwist.store.schema import delivery, journey, message, report, transmission
from goiptwist.store.telling import Changed, Queued, Tidings, queue_row

_WAITING, _FAILED = "waiting", "failed"


@frozen(kw_only=True)
class Transmission:
    """
    What is about to be given to a SIM.

    @ivar message_id: as the world sees it.
    @ivar telid: the number of the recipient within the session.
    """

    message_id: str
    line: str
    session: int
    telid: int
    at: float


@frozen(kw_only=True)
class Settlement:
    """
    What became of one delivery.

    @ivar state: where an outgoing message stands now; incoming ones find
        their state from all their deliveries.
    @ivar queue: the state of the row in the queue: waiting, done, failed,
        unknown, expired or cancelled.
    @ivar step: the word for the journey, or empty where other tables tell.
    @ivar due: when a waiting row is tried next.
    @ivar outcome: what became of what was given to the SIM: sent, failed,
        deferred or unknown.
    @ivar line: by which line an outgoing message left, or empty.
    @ivar instead: the destination that gets it now, since this one never will.
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
    instead: str = ""


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
_DELIVERY = Many(
    update(delivery)
    .where(
        and_(
            delivery.c.message_id == bindparam("m"),
            delivery.c.destination == bindparam("dest"),
        )
    )
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


def _some_delivery(state: str) -> Any:
    return exists(
        select(delivery.c.message_id).where(
            and_(delivery.c.message_id == message.c.id, delivery.c.state == state)
        )
    )


_INCOMING = Many(
    update(message)
    .where(message.c.id == bindparam("m"))
    .values(
        state=case(
            (_some_delivery(_WAITING), State.RECEIVED.value),
            (_some_delivery(_FAILED), State.FAILED.value),
            else_=State.HANDED_ON.value,
        ),
        reason=bindparam("r"),
    )
)
_BEGUN = Many(
    update(message)
    .where(message.c.id == bindparam("m"))
    .values(state=State.SENDING.value, line=bindparam("l"))
)
_INSERT_TRANSMISSION = Many(insert(transmission))
_INSERT_STEP = Many(insert(journey))
_KNOWN = select(delivery.c.message_id).where(
    delivery.c.message_id == bindparam("m"), delivery.c.destination == bindparam("dest")
)
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
        _DELIVERY(connection, [_delivery_row(number, item) for number, item in both])
        outgoing = [pair for pair in both if pair[1].message.direction is Direction.OUT]
        others = [pair for pair in both if pair[1].message.direction is not Direction.OUT]
        handed_over = [_instead(connection, *pair) if pair[1].instead else None for pair in both]
        if outgoing:
            _OPEN_TRANSMISSION(connection, [_transmission_row(*pair) for pair in outgoing])
            _OUTGOING(connection, [_message_row(*pair) for pair in outgoing])
        if others:
            _INCOMING(connection, [{"m": n, "r": _reason(item)} for n, item in others])
        steps = [_step_row(number, item) for number, item in both if item.step]
        if steps:
            _INSERT_STEP(connection, steps)
        told = [self._tell(connection, item) for item in items]
        early = self._early_reports(connection, both)
        return [_together(*parts) for parts in zip(early, told, handed_over, strict=True)]

    def _tell(self, connection: Connection, item: Settlement) -> Sequence[Queued]:
        if not item.message.tell or item.queue == _WAITING:
            return ()
        after = evolve(item.message, state=item.state, line=item.line or item.message.line)
        reason = _reason(item)
        tidings = Tidings(message=after, what=item.state.value, at=item.at, reason=reason)
        return self.reporting.telling.tell(connection, [tidings])

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


def _together(
    early: Changed | None, told: Sequence[Queued], instead: Queued | None
) -> Changed | None:
    if early is None and not told and instead is None:
        return None
    queued = (*told, *(early.queued if early else ()), *([instead] if instead else ()))
    return Changed(early.message if early else None, queued)


def _instead(connection: Connection, number: int, item: Settlement) -> Queued | None:
    """Hand an SMS to another destination, unless that one has had it."""
    queued = Queued(destination=item.instead, message=item.message, due=item.at, since=item.at)
    known = connection.execute(_KNOWN, {"m": number, "dest": item.instead}).first()
    if known is not None:
        return None
    connection.execute(insert(delivery), queue_row(number, queued))
    return queued


def incoming_state(connection: Connection, number: int, reason: str) -> None:
    """Find the state of an incoming message from all its deliveries."""
    _INCOMING(connection, [{"m": number, "r": reason}])


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
