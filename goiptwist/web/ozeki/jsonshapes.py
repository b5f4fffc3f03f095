"""
What comes in and goes out in the JSON language, as Ozeki's own client
libraries write and read it. Pure.

Dates come with a C{T} between day and time, and must go out with a blank. They
are in the client's local time, and nobody says which that is: so a client's
dates are only compared with one another, see L{RelativeDates}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from attrs import frozen

from goiptwist.messaging.report_urls import time_of
from goiptwist.model.messages import Direction, Message
from goiptwist.web.ozeki.message import MAX_MESSAGES, OzekiMessage
from goiptwist.web.ozeki.parameters import MAX_RECIPIENT
from goiptwist.web.ozeki.refusals import Refusal, wrong

#: Characters of a text of the client's that are repeated.
MOST_REPEATED = 3000

#: Seconds between two dates that are none: clients write one after the other.
AT_ONCE = 5.0

#: The first year that anybody means.
EARLIEST = 1970

_TEXTS = (
    *("message_id", "from_connection", "from_address", "from_station"),
    *("to_connection", "to_address", "to_station", "text"),
)
_DATES = ("create_date", "valid_until", "time_to_send")
_FLAGS = ("submit_report_requested", "delivery_report_requested", "view_report_requested")

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?", re.ASCII)


@frozen
class JsonMessage:
    """
    One message of C{sendmsg}.

    @ivar shown: the same fields, for the answer.
    """

    message: OzekiMessage
    shown: Mapping[str, Any]


@frozen(kw_only=True)
class RelativeDates:
    """
    What a client's dates mean, whatever its clock and its zone.

    @ivar delay: seconds to wait before the message is sent.
    @ivar lifetime: seconds for which it is of use; C{None} where it is not given.
    """

    delay: float = 0.0
    lifetime: float | None = None


def document(body: bytes) -> dict[str, Any]:
    """@raise Refusal: the body is not one JSON object."""
    try:
        found = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise wrong("the body is not UTF-8") from None
    except (ValueError, RecursionError):
        raise wrong("the body is not JSON") from None
    if not isinstance(found, dict):
        raise wrong("the body must be a JSON object")
    return found


def orders(body: bytes) -> list[JsonMessage]:
    """
    The messages of C{sendmsg}.

    @raise Refusal: the request is wrong as a whole.
    """
    messages = document(body).get("messages")
    if not isinstance(messages, list) or not messages:
        raise wrong("messages must be a list of messages")
    if len(messages) > MAX_MESSAGES:
        raise wrong(f"there are more than {MAX_MESSAGES} messages")
    return [_order(message) for message in messages]


def _order(given: Any) -> JsonMessage:
    if not isinstance(given, dict):
        return JsonMessage(
            OzekiMessage(recipient="", text="", fault="a message must be an object"), _shown({})
        )
    texts = {name: given[name] for name in _TEXTS if isinstance(given.get(name), str)}
    dates = {name: date for name in _DATES if (date := _date(given.get(name))) is not None}
    meant = meaning(dates)
    message = OzekiMessage(
        recipient=texts.get("to_address", "").strip()[:MAX_RECIPIENT],
        text=texts.get("text", ""),
        provider=texts.get("to_connection", ""),
        client_id=texts.get("message_id", ""),
        delay=meant.delay,
        lifetime=meant.lifetime,
        fault=_fault(given, texts),
        no_recipient="" if texts.get("to_address") else "to_address is missing, or no text",
    )
    shown: dict[str, Any] = {name: text[:MOST_REPEATED] for name, text in texts.items()}
    shown.update((name, date.strftime("%Y-%m-%d %H:%M:%S")) for name, date in dates.items())
    shown.update((name, given[name]) for name in _FLAGS if isinstance(given.get(name), bool))
    return JsonMessage(message, _shown(shown))


def _fault(given: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    if not texts.get("text"):
        return "text is missing, or no text"
    if len(texts.get("to_address", "")) > MAX_RECIPIENT:
        return f"to_address is longer than {MAX_RECIPIENT} characters"
    for name in (*_TEXTS, *_DATES):
        if name != "to_address" and not isinstance(given.get(name), str | None):
            return f"{name} must be a text"
    return ""


def _date(value: object) -> datetime | None:
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        found = datetime.fromisoformat(f"{match[1]} {match[2]}") if match else None
    except ValueError:
        return None
    # What a program never set is the year 1 to some languages.
    return found if found is not None and found.year >= EARLIEST else None


def meaning(dates: Mapping[str, datetime]) -> RelativeDates:
    """@param dates: C{create_date}, C{time_to_send}, C{valid_until}, as far as given."""
    made = dates.get("create_date")
    if made is None:
        return RelativeDates()
    delay = (dates.get("time_to_send", made) - made).total_seconds()
    delay = delay if delay > AT_ONCE else 0.0
    until = dates.get("valid_until")
    lifetime = None if until is None else max(0.0, (until - made).total_seconds())
    return RelativeDates(delay=delay, lifetime=lifetime)


def _shown(known: Mapping[str, Any]) -> dict[str, Any]:
    """Every field, so that a client that counts on one finds it."""
    blank: dict[str, Any] = {**dict.fromkeys(_TEXTS, ""), **dict.fromkeys(_FLAGS, False)}
    return {**blank, **known, "tags": []}


def sent(outcomes: Sequence[tuple[JsonMessage, Message | None, Refusal | None]]) -> bytes:
    """The answer to C{sendmsg}; C{id} is the gateway's own, and an addition of ours."""
    messages = []
    for order, message, refusal in outcomes:
        shown = {**order.shown, "status": "SUCCESS" if refusal is None else refusal.sentence}
        if message is not None:
            shown["id"] = message.id
            shown["message_id"] = shown["message_id"] or message.id
        messages.append(shown)
    failed = sum(refusal is not None for _, _, refusal in outcomes)
    counts = {
        "total_count": len(outcomes),
        "success_count": len(outcomes) - failed,
        "failed_count": failed,
    }
    words = f"{len(outcomes) - failed} accepted for delivery, {failed} refused"
    return _well(words, {**counts, "messages": messages})


def received(
    folder: str, limit: int, messages: Sequence[Message], zone: tzinfo | None = None
) -> bytes:
    """The answer to C{receivemsg}."""
    listed = [_listed(message, zone) for message in messages]
    data = {"folder": folder, "limit": str(limit), "data": listed}
    return _well(f"{len(listed)} messages", data)


def _listed(message: Message, zone: tzinfo | None) -> dict[str, Any]:
    at = time_of(message.at, zone)
    is_incoming = message.direction is Direction.IN
    known = {
        "message_id": message.client_id or message.id,
        "from_connection" if is_incoming else "to_connection": message.line or message.pool,
        "from_address": message.sender,
        "to_address": message.recipient,
        "text": message.alarm or message.text,
        **dict.fromkeys(_DATES, at),
        "id": message.id,
        "state": message.report or message.state.value,
    }
    return _shown(known)


def chosen(body: bytes) -> tuple[str, list[str]]:
    """
    What C{deletemsg} and C{markmsg} are about.

    @return: the folder and the ids.
    """
    given = document(body)
    folder, ids = given.get("folder", "inbox"), given.get("message_ids")
    if not isinstance(folder, str):
        raise wrong("folder must be a text")
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise wrong("message_ids must be a list of texts")
    if len(ids) > MAX_MESSAGES:
        raise wrong(f"there are more than {MAX_MESSAGES} message_ids")
    return folder.strip().lower() or "inbox", ids


def marked(word: str, folder: str, ids: Sequence[str]) -> bytes:
    """The answer to both: the ids for which it was done."""
    return _well(f"{len(ids)} {word}", {"folder": folder, "message_ids": list(ids)})


def refused(refusal: Refusal) -> bytes:
    """No to the whole request."""
    return _document(refusal.status, f"ERROR_{refusal.number}", refusal.sentence, {})


def _well(words: str, data: Mapping[str, Any]) -> bytes:
    return _document(200, "SUCCESS", words, data)


def _document(status: int, code: str, words: str, data: Mapping[str, Any]) -> bytes:
    found = {"http_code": status, "response_code": code, "response_msg": words, "data": data}
    return json.dumps(found, separators=(",", ":")).encode("ascii")
