"""
Commands of the writer for what a person decides: withdraw a text that still
waits, and say what became of one of which nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import Connection, insert, select, update

from goiptwist.errors import Conflict
from goiptwist.model.commit import Commit
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.messages import Direction, Message, State
from goiptwist.model.queries import Resolution
from goiptwist.store.commands.notifications import NotificationCommands, StatusChange
from goiptwist.store.rows import MessageIds, as_message
from goiptwist.store.schema import delivery, journey, message, transmission

#: The states of the message, of its row in the queue, and of what the SIM was given.
_AFTER = {
    Resolution.SENT: (State.SENT, "done", "sent"),
    Resolution.FAILED: (State.FAILED, "failed", "failed"),
    Resolution.RESEND: (State.QUEUED, "waiting", "unknown"),
}


@frozen(kw_only=True)
class Decision:
    """
    @ivar message_id: as the world sees it.
    @ivar resolution: C{None} withdraws a text that waits.
    @ivar by: who decided, for the journey.
    """

    message_id: str
    resolution: Resolution | None = None
    by: str
    at: float


@frozen
class ResolutionCommands:
    """The commands, as the writer runs them."""

    ids: MessageIds
    notifications: NotificationCommands

    def decisions(
        self, connection: Connection, items: Sequence[Decision]
    ) -> list[Commit[Message] | Conflict]:
        """
        @return: the message as it stands now; L{Conflict} where it stands
            elsewhere than the decision needs.
        """
        return [self._decide(connection, item) for item in items]

    def _decide(self, connection: Connection, item: Decision) -> Commit[Message] | Conflict:
        number = self.ids.inside(item.message_id)
        row = connection.execute(select(message).where(message.c.id == number)).one_or_none()
        if row is None or number is None or row.direction != Direction.OUT.value:
            return Conflict("there is no outgoing message of this id")
        known = as_message(row, self.ids)
        if item.resolution is None:
            return self._withdraw(connection, number, known, item)
        return self._settle(connection, number, known, item, item.resolution)

    def _withdraw(
        self, connection: Connection, number: int, known: Message, item: Decision
    ) -> Commit[Message] | Conflict:
        names = _destinations(connection, number)
        withdrawn = tuple((item.message_id, name) for name in names)
        if known.state is State.CANCELLED:
            return Commit(known, withdrawn=withdrawn)
        if known.state is not State.QUEUED:
            return Conflict(f"it is {known.state.value} already; only what waits can be withdrawn")
        reason = f"withdrawn by {item.by}"
        _deliveries(connection, number, "cancelled", reason, item.at)
        change = self._note(connection, number, known, State.CANCELLED, reason, item.at)
        return evolve(change, withdrawn=withdrawn)

    def _settle(
        self,
        connection: Connection,
        number: int,
        known: Message,
        item: Decision,
        resolution: Resolution,
    ) -> Commit[Message] | Conflict:
        if known.state is not State.UNKNOWN:
            return Conflict(f"it is {known.state.value}; only what is unknown can be settled")
        state, queue, outcome = _AFTER[resolution]
        reason = f"{resolution.value}, as {item.by} says"
        _deliveries(connection, number, queue, reason, item.at)
        connection.execute(
            update(transmission)
            .where(transmission.c.message_id == number, transmission.c.outcome == "unknown")
            .values(outcome=outcome)
        )
        change = self._note(connection, number, known, state, reason, item.at)
        if resolution is not Resolution.RESEND:
            return change
        again = tuple(
            QueueEntry(destination=name, message=change.value, due=item.at, since=item.at)
            for name in _destinations(connection, number)
        )
        return evolve(change, enqueued=(*change.enqueued, *again))

    def _note(
        self,
        connection: Connection,
        number: int,
        known: Message,
        state: State,
        reason: str,
        at: float,
    ) -> Commit[Message]:
        connection.execute(
            update(message)
            .where(message.c.id == number)
            .values(state=state.value, reason=reason, line=known.line)
        )
        step = {"message_id": number, "at": at, "what": state.value, "detail": reason}
        connection.execute(insert(journey), step)
        after = evolve(known, state=state, reason=reason)
        changes = StatusChange(message=after, status=state.value, at=at, reason=reason)
        notified = tuple(self.notifications.notify(connection, [changes]))
        return Commit(after, notified, events=((f"message.{state.value}", after),))


def _destinations(connection: Connection, number: int) -> list[str]:
    query = select(delivery.c.destination).where(delivery.c.message_id == number).distinct()
    return list(connection.execute(query).scalars())


def _deliveries(connection: Connection, number: int, state: str, detail: str, at: float) -> None:
    waits = state == "waiting"
    values: dict[str, Any] = {"state": state, "detail": detail}
    values |= {"due": at, "since": at, "settled_at": None} if waits else {"settled_at": at}
    connection.execute(update(delivery).where(delivery.c.message_id == number).values(**values))
