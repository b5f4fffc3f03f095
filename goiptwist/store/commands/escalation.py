"""
What of the writer's operations follows for others when a destination does not
deliver, or does: who gets it instead, and where the message stands then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from attrs import frozen
from sqlalchemy import Connection, and_, bindparam, case, exists, insert, select, update

from goiptwist.model.commit import NOTHING, Commit
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import Direction, Message, State
from goiptwist.store.bulk import BulkStatement
from goiptwist.store.commands.notifications import (
    NotificationCommands,
    StatusChange,
    queue_row,
)
from goiptwist.store.recipients import Recipients, for_each
from goiptwist.store.rows import MessageIds, as_message
from goiptwist.store.schema import delivery, journey, message

#: The status that is notified of an alarm when it stands there.
_STATUSES = {State.DELIVERED: "delivered", State.FAILED: "failed"}


_IS_WAITING = exists(
    select(delivery.c.message_id).where(
        and_(delivery.c.message_id == message.c.id, delivery.c.state == "waiting")
    )
)
_another = delivery.alias("another")
#: A destination has failed where each of its recipients has.
_HAS_FAILED = exists(
    select(delivery.c.message_id).where(
        and_(
            delivery.c.message_id == message.c.id,
            delivery.c.state == "failed",
            ~exists(
                select(_another.c.message_id).where(
                    and_(
                        _another.c.message_id == delivery.c.message_id,
                        _another.c.destination == delivery.c.destination,
                        _another.c.state == "done",
                    )
                )
            ),
        )
    )
)

_INCOMING = BulkStatement(
    update(message)
    .where(message.c.id == bindparam("m"))
    .values(
        state=case(
            (_IS_WAITING, State.RECEIVED.value),
            (_HAS_FAILED, State.FAILED.value),
            else_=State.DELIVERED.value,
        ),
        reason=bindparam("r"),
    )
)


def incoming_states(connection: Connection, reasons: list[tuple[int, str]]) -> None:
    """Find the states of what is handed on, each from all its deliveries."""
    _INCOMING(connection, [{"m": number, "r": reason} for number, reason in reasons])


@frozen
class FailedDelivery:
    """
    A delivery that is not to be waited for any more.

    @ivar why: what stands behind the name of the destination, for the journey.
    @ivar states: of its rows, those that are not waited for any more.
    """

    number: int
    message: Message
    destination: str
    why: str
    at: float
    states: tuple[str, ...] = ("failed",)


def escalate(
    connection: Connection,
    failed: FailedDelivery,
    step: EscalationStep | None,
    recipients: Recipients,
) -> Commit[Any]:
    """
    Queue a message for the next destination that has not had it.

    @param step: who gets it.
    @return: empty where nobody takes it over: the row stays as it is.
    """
    stood = _stood(connection, failed.number)
    while step is not None and step.destination in stood:
        if step.chain and stood[step.destination] == "done":
            _settle(connection, failed, "escalated")  # somebody has it, by another way
            return Commit(None, withdrawn=((failed.message.id, failed.destination),))
        step = step.next
    if step is None:
        return NOTHING
    _settle(connection, failed, "escalated")
    entry = QueueEntry(
        destination=step.destination,
        message=failed.message,
        due=failed.at,
        since=failed.at,
        step=step if step.chain else None,
    )
    entries = for_each((entry,), recipients)
    connection.execute(insert(delivery), [queue_row(failed.number, row) for row in entries])
    detail = f"{failed.destination} {failed.why}"
    note(connection, failed.number, failed.at, "goes on", step.destination, detail)
    return Commit(None, entries, ((failed.message.id, failed.destination),))


def _stood(connection: Connection, number: int) -> dict[str, str]:
    """@return: the state of each destination: done where one of its rows is."""
    query = select(delivery.c.destination, delivery.c.state).where(delivery.c.message_id == number)
    stood: dict[str, str] = {}
    for row in connection.execute(query):
        if stood.get(row.destination) != "done":
            stood[row.destination] = row.state
    return stood


def has_failed(connection: Connection, number: int, destination: str) -> bool:
    """Whether all rows of a destination have failed, and nobody else got the message for it."""
    query = select(delivery.c.state).where(
        delivery.c.message_id == number, delivery.c.destination == destination
    )
    return set(connection.execute(query).scalars()) == {"failed"}


def _settle(connection: Connection, failed: FailedDelivery, state: str) -> None:
    connection.execute(
        update(delivery)
        .where(delivery.c.message_id == failed.number)
        .where(delivery.c.destination == failed.destination)
        .where(delivery.c.state.in_(failed.states))
        .values(state=state, settled_at=failed.at)
    )


def note(
    connection: Connection, number: int, at: float, what: str, where: str, detail: str
) -> None:
    """Put a step into the journey of a message."""
    step = {"message_id": number, "at": at, "what": what, "where": where, "detail": detail}
    connection.execute(insert(journey), step)


def chain_ends(
    connection: Connection, number: int, message_id: str, destination: str, at: float
) -> Commit[Any]:
    """
    A step of a chain has delivered. If others were begun meanwhile, since it
    took too long, they are not needed.
    """
    rows = connection.execute(select(delivery).where(delivery.c.message_id == number)).all()
    steps = {row.destination: EscalationStep.read(row.destination, row.chain) for row in rows}
    own = steps.get(destination)
    if own is None:
        return NOTHING
    # Other recipients of this step get it too, and nobody instead of them.
    is_own = (delivery.c.message_id == number, delivery.c.destination == destination)
    connection.execute(update(delivery).where(*is_own).values(until=None))
    others = [
        row.destination
        for row in rows
        if row.state in ("waiting", "failed")
        and row.destination != destination
        and (step := steps[row.destination]) is not None
        and step.chain == own.chain
    ]
    detail = f"not needed: {destination} has delivered it"
    return give_up(connection, number, message_id, others, detail, at)


def give_up(
    connection: Connection, number: int, message_id: str, names: list[str], detail: str, at: float
) -> Commit[Any]:
    """Let these deliveries of a message be; nobody follows."""
    names = list(dict.fromkeys(names))
    if names:
        connection.execute(
            update(delivery)
            .where(delivery.c.message_id == number, delivery.c.destination.in_(names))
            .where(delivery.c.state.in_(("waiting", "failed")))
            .values(state="escalated", detail=detail, settled_at=at)
        )
    return Commit(None, withdrawn=tuple((message_id, name) for name in names))


class Settles(Protocol):
    """What of a settlement is looked at here."""

    @property
    def message(self) -> Message: ...


def alarm_states(
    connection: Connection, settlements: Sequence[tuple[int, Settles]]
) -> dict[int, str]:
    """@return: where each alarm among them stands, by its number."""
    numbers = [n for n, item in settlements if item.message.direction is Direction.ALARM]
    if not numbers:
        return {}
    rows = connection.execute(
        select(message.c.id, message.c.state).where(message.c.id.in_(numbers))
    )
    return {row.id: row.state for row in rows}


def alarm_now(
    connection: Connection,
    ids: MessageIds,
    notifications: NotificationCommands,
    number: int,
    before: str,
    at: float,
) -> Commit[Any]:
    """
    Look where an alarm stands after a change.

    @param before: its state until then.
    @return: it, and the notifications of it, if it has come to an end by that.
    """
    row = connection.execute(select(message).where(message.c.id == number)).one()
    alarm = as_message(row, ids)
    is_notified = alarm.direction is Direction.ALARM and alarm.state in _STATUSES
    if not is_notified or alarm.state.value == before:
        return NOTHING
    changes = StatusChange(message=alarm, status=_STATUSES[alarm.state], at=at, reason=alarm.reason)
    notified = tuple(notifications.notify(connection, [changes]))
    return Commit(alarm, notified, events=((f"alarm.{alarm.state.value}", alarm),))
