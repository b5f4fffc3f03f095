"""
Operations of the writer for what a person decides: withdraw a text that still
waits, and say what became of one of which nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import Connection, insert, select, update

from goiptwist.errors import Conflict
from goiptwist.model.messages import Direction, Message, State
from goiptwist.model.queries import Resolution
from goiptwist.store.rows import Ids, as_message
from goiptwist.store.schema import delivery, journey, message, transmission
from goiptwist.store.telling import Changed, Queued, Telling, Tidings

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
    @ivar verdict: C{None} withdraws a text that waits.
    @ivar by: who decided, for the journey.
    """

    message_id: str
    verdict: Resolution | None = None
    by: str
    at: float


@frozen
class Deciding:
    """The operations, as the writer wants them."""

    ids: Ids
    telling: Telling

    def decisions(
        self, connection: Connection, items: Sequence[Decision]
    ) -> list[Changed | Conflict]:
        """
        @return: the message as it stands now; L{Conflict} where it stands
            elsewhere than the decision needs.
        """
        return [self._decide(connection, item) for item in items]

    def _decide(self, connection: Connection, item: Decision) -> Changed | Conflict:
        number = self.ids.inside(item.message_id)
        row = connection.execute(select(message).where(message.c.id == number)).one_or_none()
        if row is None or number is None or row.direction != Direction.OUT.value:
            return Conflict("there is no outgoing message of this id")
        known = as_message(row, self.ids)
        if item.verdict is None:
            return self._withdraw(connection, number, known, item)
        return self._settle(connection, number, known, item, item.verdict)

    def _withdraw(
        self, connection: Connection, number: int, known: Message, item: Decision
    ) -> Changed | Conflict:
        if known.state is State.CANCELLED:
            return Changed(known)
        if known.state is not State.QUEUED:
            return Conflict(f"it is {known.state.value} already; only what waits can be withdrawn")
        reason = f"withdrawn by {item.by}"
        _deliveries(connection, number, "cancelled", reason, item.at)
        return self._note(connection, number, known, State.CANCELLED, reason, item.at)

    def _settle(
        self,
        connection: Connection,
        number: int,
        known: Message,
        item: Decision,
        verdict: Resolution,
    ) -> Changed | Conflict:
        if known.state is not State.UNKNOWN:
            return Conflict(f"it is {known.state.value}; only what is unknown can be settled")
        state, queue, outcome = _AFTER[verdict]
        reason = f"{verdict.value}, as {item.by} says"
        _deliveries(connection, number, queue, reason, item.at)
        connection.execute(
            update(transmission)
            .where(transmission.c.message_id == number, transmission.c.outcome == "unknown")
            .values(outcome=outcome)
        )
        changed = self._note(connection, number, known, state, reason, item.at)
        if verdict is not Resolution.RESEND or changed.message is None:
            return changed
        names = connection.execute(
            select(delivery.c.destination).where(delivery.c.message_id == number)
        ).scalars()
        again = tuple(
            Queued(destination=name, message=changed.message, due=item.at, since=item.at)
            for name in names
        )
        return evolve(changed, queued=(*changed.queued, *again))

    def _note(
        self,
        connection: Connection,
        number: int,
        known: Message,
        state: State,
        reason: str,
        at: float,
    ) -> Changed:
        connection.execute(
            update(message)
            .where(message.c.id == number)
            .values(state=state.value, reason=reason, line=known.line)
        )
        step = {"message_id": number, "at": at, "what": state.value, "detail": reason}
        connection.execute(insert(journey), step)
        after = evolve(known, state=state, reason=reason)
        tidings = Tidings(message=after, what=state.value, at=at, reason=reason)
        return Changed(after, tuple(self.telling.tell(connection, [tidings])))


def _deliveries(connection: Connection, number: int, state: str, detail: str, at: float) -> None:
    waits = state == "waiting"
    values: dict[str, Any] = {"state": state, "detail": detail}
    values |= {"due": at, "since": at, "settled_at": None} if waits else {"settled_at": at}
    connection.execute(update(delivery).where(delivery.c.message_id == number).values(**values))
