"""
Operations of the writer that record what became of a message.

Whatever a destination says is written here, in one place and one transaction:
the row of the queue, what was given to the SIM, the message itself and its
journey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, and_, bindparam, case, exists, insert, select, update

from goiptwist.message import Direction, Message, State
from goiptwist.store.reports import Reporting
from goiptwist.store.rows import Ids
from goiptwist.store.schema import delivery, journey, message, report, transmission

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


_OPEN_TRANSMISSION = (
    update(transmission)
    .where(and_(transmission.c.message_id == bindparam("m"), transmission.c.outcome.is_(None)))
    .values(
        outcome=bindparam("o"),
        detail=bindparam("d"),
        sms_no=bindparam("n"),
        settled_at=bindparam("t"),
    )
)
_DELIVERY = (
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
_OUTGOING = (
    update(message)
    .where(message.c.id == bindparam("m"))
    .values(state=bindparam("s"), reason=bindparam("r"), line=bindparam("l"))
)


def _some_delivery(state: str) -> Any:
    return exists(
        select(delivery.c.message_id).where(
            and_(delivery.c.message_id == message.c.id, delivery.c.state == state)
        )
    )


_INCOMING = (
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
_BEGUN = (
    update(message)
    .where(message.c.id == bindparam("m"))
    .values(state=State.SENDING.value, line=bindparam("l"))
)
_INSERT_TRANSMISSION = insert(transmission)
_INSERT_STEP = insert(journey)
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
        connection.execute(_INSERT_TRANSMISSION, rows)
        connection.execute(_BEGUN, [{"m": row["message_id"], "l": row["line"]} for row in rows])
        return [None] * len(items)

    def settlements(
        self, connection: Connection, items: Sequence[Settlement]
    ) -> list[Message | None]:
        """
        Record what became of deliveries.

        @return: the message, where its delivery report had come before this.
        """
        numbers = [self._number(item.message.id) for item in items]
        both = list(zip(numbers, items, strict=True))
        connection.execute(_DELIVERY, [_delivery_row(number, item) for number, item in both])
        outgoing = [pair for pair in both if pair[1].message.direction is Direction.OUT]
        incoming = [pair for pair in both if pair[1].message.direction is Direction.IN]
        if outgoing:
            connection.execute(_OPEN_TRANSMISSION, [_transmission_row(*pair) for pair in outgoing])
            connection.execute(_OUTGOING, [_message_row(*pair) for pair in outgoing])
        if incoming:
            connection.execute(_INCOMING, [{"m": n, "r": _reason(item)} for n, item in incoming])
        steps = [_step_row(number, item) for number, item in both if item.step]
        if steps:
            connection.execute(_INSERT_STEP, steps)
        return self._early_reports(connection, items)

    def _early_reports(
        self, connection: Connection, items: Sequence[Settlement]
    ) -> list[Message | None]:
        any_asks = any(item.sms_no or item.outcome == "unknown" for item in items)
        if not any_asks or connection.execute(_ANY_REPORT).first() is None:
            return [None] * len(items)
        return [self._early_report(connection, item) for item in items]

    def _early_report(self, connection: Connection, item: Settlement) -> Message | None:
        number = self._number(item.message.id)
        if item.outcome == "unknown":
            return self.reporting.early_for_unknown(connection, number, item.at)
        return self.reporting.early(
            connection, item.line, item.sms_no, item.message.recipient, item.at
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
        "l": item.line or item.message.line,
    }


def _step_row(number: int, item: Settlement) -> dict[str, Any]:
    return {
        "message_id": number,
        "at": item.at,
        "what": item.step,
        "where": item.line or item.destination,
        "detail": item.detail,
    }
