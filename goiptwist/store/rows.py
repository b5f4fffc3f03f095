"""Rows of the message table and L{Message}s, each from the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from goiptwist.model.messages import Direction, Message, OnUnknown, State
from goiptwist.model.subscriptions import Subscription


@frozen
class MessageIds:
    """
    Ids as the world sees them: the tag of this store, a dash, a number.

    The tag keeps two gateways, or one that began anew, from using the same
    id: receivers throw away a second mail with the same Message-ID.
    """

    tag: str

    def outside(self, number: int) -> str:
        """The id that the world sees."""
        return f"{self.tag}-{number}"

    def inside(self, message_id: str) -> int | None:
        """The number behind an id, or C{None} where it is not one of ours."""
        tag, dash, number = message_id.rpartition("-")
        if not dash or tag != self.tag or not (number.isascii() and number.isdigit()):
            return None
        return int(number) if len(number) < 19 else None


def as_message(row: Any, ids: MessageIds) -> Message:
    """The message that a row of the message table holds."""
    return Message(
        id=ids.outside(row.id),
        direction=Direction(row.direction),
        line=row.line,
        pool=row.pool,
        sender=row.sender,
        recipient=row.recipient,
        text=row.text,
        at=row.at,
        state=State(row.state),
        reason=row.reason,
        report=row.report,
        origin=row.origin,
        client_id=row.client_id or "",
        batch=ids.outside(row.batch) if row.batch is not None else "",
        smsc=row.smsc,
        context=row.context,
        subscriptions=read_subscriptions(row.subscriptions),
        expires=row.expires or 0.0,
        on_unknown=OnUnknown(row.on_unknown) if row.on_unknown else None,
        about=ids.outside(row.about) if row.about is not None else "",
        topic=row.topic,
        alarm=row.alarm,
    )


def read_subscriptions(text: str) -> tuple[Subscription, ...]:
    """Read what L{subscriptions_text} wrote."""
    if not text:
        return ()
    return tuple(
        Subscription(destination, tuple(statuses)) for destination, *statuses in json.loads(text)
    )


def subscriptions_text(subscriptions: Sequence[Subscription]) -> str:
    """Who is notified of what, as one text; empty where nobody is."""
    if not subscriptions:
        return ""
    return json.dumps(
        [[subscription.destination, *subscription.statuses] for subscription in subscriptions],
        ensure_ascii=False,
    )


def order_row(message: Message, number: int, batch: int) -> dict[str, Any]:
    """The columns of an outgoing message."""
    return {
        **as_row(message, number, batch),
        "context": message.context,
        "subscriptions": subscriptions_text(message.subscriptions),
        "expires": message.expires or None,
        "on_unknown": message.on_unknown.value if message.on_unknown else "",
    }


def alarm_row(message: Message, number: int) -> dict[str, Any]:
    """The columns of an alarm."""
    return {
        **as_row(message, number, None),
        "context": message.context,
        "subscriptions": subscriptions_text(message.subscriptions),
        "alarm": message.alarm,
    }


def as_row(message: Message, number: int, batch: int | None) -> dict[str, Any]:
    """The columns of an incoming message."""
    return {
        "id": number,
        "direction": message.direction.value,
        "line": message.line,
        "pool": message.pool,
        "sender": message.sender,
        "recipient": message.recipient,
        "text": message.text,
        "at": message.at,
        "state": message.state.value,
        "origin": message.origin,
        "client_id": message.client_id or None,
        "batch": batch,
        "smsc": message.smsc,
    }
