"""What is posted: the body of each kind of callback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from goiptwist.contact_id.event import Event
from goiptwist.model.messages import Message
from goiptwist.model.notifications import LineEvent, Notification


def sms_payload(message: Message, name: str) -> bytes:
    """@param name: what the address book calls the sender, or an empty text."""
    data = {
        "id": message.id,
        "line": message.line,
        "from": message.sender,
        "name": name,
        "text": message.text,
        "at": iso(message.at),
        "smsc": message.smsc,
    }
    return payload("sms.received", message.at, data)


def alarm_payload(message: Message) -> bytes:
    """
    An alarm: a sentence for people, the machine form, and its parts, so that
    nobody needs to know Contact ID.
    """
    event = Event.from_machine(message.alarm)
    data = {
        "id": message.id,
        "at": iso(message.at),
        "text": event.words,
        "alarm": message.alarm,
        "account": event.account,
        "qualifier": event.qualifier,
        "code": event.code,
        "kind": event.kind,
        "event": event.what,
        "partition": event.partition,
        "zone": event.zone,
        "line": message.line,
        "to": message.recipient,
        "origin": message.origin,
        "client_id": message.client_id,
    }
    return payload("alarm.received", message.at, data)


def notification_payload(notification: Notification) -> bytes:
    """
    What became of a message. C{state} and C{report} say how it stands now,
    which may be later than the notification.
    """
    message = notification.message
    data = {
        "id": message.id,
        "client_id": message.client_id,
        "line": message.line,
        "to": message.recipient,
        "at": iso(message.at),
        "state": message.state.value,
        "report": message.report,
        "reason": notification.reason,
    }
    if message.alarm:
        return payload(
            f"alarm.{notification.status}", notification.at, {**data, "alarm": message.alarm}
        )
    return payload(f"message.{notification.status}", notification.at, data)


def line_event_payload(event: LineEvent) -> bytes:
    """What happened on a line."""
    fields = dict(event.fields)
    data = {"id": event.id, "line": event.line, "at": iso(event.at), "fields": fields}
    return payload(event.what, event.at, data)


def payload(kind: str, at: float, data: Mapping[str, Any]) -> bytes:
    """
    As Standard Webhooks, section "Payload structure", has it.

    @param at: when it happened, in seconds since the epoch.
    """
    whole = {"type": kind, "timestamp": iso(at), "data": data}
    # Half of a surrogate pair is no text that a receiver could store; JSON
    # would hand it through.
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def iso(at: float) -> str:
    """A time as ISO 8601 in UTC."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
