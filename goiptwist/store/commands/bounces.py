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
from goiptwist.model.delivery import place_of
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import Message
from goiptwist.store.commands.escalation import (
    FailedDelivery,
    alarm_now,
    escalate,
    has_failed,
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
    @ivar recipient: whose it was, where the destination delivers to several; empty
        is all of them.
    @ivar reason: the far side's, in words.
    @ivar instead: each destination that it may have come back from, with the
        one that gets it now, or an empty text.
    """

    message_id: str
    reason: str
    at: float
    instead: Mapping[str, str]
    recipient: str = ""


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
        concerned = [
            delivery.c.message_id == number,
            delivery.c.destination.in_(item.instead),
            delivery.c.state == "done",
        ]
        if item.recipient:
            concerned.append(delivery.c.recipient == item.recipient)
        rows = connection.execute(select(delivery).where(*concerned)).all()
        if not rows or number is None:
            return NOTHING
        failure = {"state": "failed", "detail": item.reason, "settled_at": item.at}
        connection.execute(update(delivery).where(*concerned).values(failure))
        for row in rows:
            place = place_of(row.destination, row.recipient)
            note(connection, number, item.at, "came back", place, item.reason)
        row = connection.execute(select(message).where(message.c.id == number)).one()
        known = as_message(row, self.ids)
        parts: list[Commit[Any]] = []
        for name, chain in {row.destination: row.chain for row in rows}.items():
            # Where others of its recipients have it, or wait for it, nobody gets it instead.
            if item.recipient and not has_failed(connection, number, name):
                continue
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
