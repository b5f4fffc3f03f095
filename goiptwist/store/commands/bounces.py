"""
The command of the writer for what a far side took and then gave back: a
mail that bounces after the smarthost said yes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import Connection, select, update

from goiptwist.model.commit import NOTHING, Commit, joined
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import Message
from goiptwist.store.commands.escalation import (
    FailedDelivery,
    alarm_now,
    escalate,
    incoming_states,
    note,
)
from goiptwist.store.commands.notifications import NotificationCommands
from goiptwist.store.recipients import Recipients
from goiptwist.store.rows import MessageIds, as_message
from goiptwist.store.schema import delivery, message


@frozen(kw_only=True)
class Bounce:
    """
    @ivar message_id: as the world sees it.
    @ivar reason: the far side's, in words.
    @ivar instead: each destination that it may have come back from, with the
        one that gets it now, or an empty text.
    """

    message_id: str
    reason: str
    at: float
    instead: Mapping[str, str]


@frozen
class BounceCommands:
    """The command, as the writer runs it."""

    ids: MessageIds
    notifications: NotificationCommands
    recipients: Recipients

    def bounces(
        self, connection: Connection, items: Sequence[Bounce]
    ) -> list[Commit[Message | None]]:
        """
        @return: what is queued for another destination; nothing where no such
            delivery was done, which a second bounce finds.
        """
        return [self._bounce(connection, item) for item in items]

    def _bounce(self, connection: Connection, item: Bounce) -> Commit[Message | None]:
        number = self.ids.inside(item.message_id)
        rows = connection.execute(
            select(delivery).where(
                delivery.c.message_id == number, delivery.c.destination.in_(item.instead)
            )
        ).all()
        done = {row.destination: row.chain for row in rows if row.state == "done"}
        if not done or number is None:
            return NOTHING
        connection.execute(
            update(delivery)
            .where(delivery.c.message_id == number, delivery.c.destination.in_(done))
            .where(delivery.c.state == "done")
            .values(state="failed", detail=item.reason, settled_at=item.at)
        )
        row = connection.execute(select(message).where(message.c.id == number)).one()
        known = as_message(row, self.ids)
        parts: list[Commit[Any]] = []
        for name, chain in done.items():
            note(connection, number, item.at, "came back", name, item.reason)
            failed = FailedDelivery(number, known, name, "got it back", item.at)
            passed = escalate(connection, failed, _follows(name, chain, item), self.recipients)
            parts.append(evolve(passed, withdrawn=()))
        incoming_states(connection, [(number, item.reason)])
        now = alarm_now(connection, self.ids, self.notifications, number, row.state, item.at)
        return joined(now.value, [*parts, now])


def _follows(destination: str, chain: str, item: Bounce) -> EscalationStep | None:
    """The next of the chain, or else the fallback."""
    step = EscalationStep.read(destination, chain)
    instead = item.instead[destination]
    following = step.next if step else None
    return following or (EscalationStep(instead, step.chain if step else 0) if instead else None)
