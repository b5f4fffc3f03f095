"""
What comes in and goes out as JSON: messages, their journey, lines.

What comes in is checked for its shape only; whether a number or a line exists
is the gateway's to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from math import isfinite
from typing import Any

from attrs import frozen

from goiptwist.message import Direction, Message, Step, Submission
from goiptwist.status import Health, LineStatus
from goiptwist.web.problems import Problem

#: Recipients of one submission. It is committed as one group, which must not
#: keep others waiting for long.
MAX_RECIPIENTS = 1000

#: Characters of one recipient as typed, with blanks and brackets; E.164 has 15 digits.
MAX_RECIPIENT = 64

#: Characters of a client's own id: four UUIDs with something between them.
MAX_CLIENT_ID = 200

#: Messages of one page, where the client says nothing and at the most.
PAGE, MAX_PAGE = 100, 1000

#: Faults that one answer names, and characters of a name that it repeats. A
#: body may hold a hundred thousand wrong keys, and a suggestion takes its time.
MAX_FAULTS, MAX_NAME = 10, 40

KEYS = ("to", "text", "line", "pool", "id")
QUERY = ("direction", "after", "limit")

_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list"}


class _Faults(list[tuple[str, str]]):
    """What is wrong with one input, as pairs of field and sentence."""

    def add(self, name: str, sentence: str) -> None:
        if len(self) < MAX_FAULTS:
            self.append((name, sentence))

    def unknown(self, given: Iterable[str], known: tuple[str, ...]) -> None:
        for name in given:
            if name not in known and len(self) < MAX_FAULTS:
                near = get_close_matches(name[:MAX_NAME].lower(), known, n=1, cutoff=0.4)
                cure = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
                self.add(name[:MAX_NAME], f"unknown key; {cure}")

    def complain(self) -> None:
        if self:
            raise Problem.of_fields(self)


def timestamp(at: float) -> str:
    """@return: ISO 8601 in UTC with milliseconds, such as C{2024-02-29T12:00:00.000Z}."""
    moment = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def document(body: bytes) -> dict[str, Any]:
    """
    Read a body as one JSON object (RFC 8259).

    @raise Problem: it is none; or it names a key twice, of which no reader
        knows which one counts.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_each_once)
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8") from None
    except RecursionError:
        raise Problem(400, "the body is nested too deeply") from None
    except ValueError as wrong:
        raise Problem(400, f"the body is not JSON: {wrong}") from None
    if not isinstance(value, dict):
        raise Problem(400, f"the body must be a JSON object, not {_word(value)}")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _word(value: object) -> str:
    return "null" if value is None else _WORDS.get(type(value), "an object")


def submission(given: Mapping[str, Any], origin: str) -> Submission:
    """
    @param given: the object that a client sent.
    @raise Problem: naming everything that is wrong with it.
    """
    faults = _Faults()
    faults.unknown(given, KEYS)
    recipients = _recipients(given, faults)
    text = _text(given, "text", faults, needed=True)
    line, pool = _text(given, "line", faults), _text(given, "pool", faults)
    client_id = _text(given, "id", faults)
    if line and pool:
        faults.add("line", "give line or pool, not both")
    if len(client_id) > MAX_CLIENT_ID:
        faults.add("id", f"must not be longer than {MAX_CLIENT_ID} characters")
    faults.complain()
    return Submission(
        origin=origin, recipients=recipients, text=text, line=line, pool=pool, client_id=client_id
    )


def _text(given: Mapping[str, Any], name: str, faults: _Faults, needed: bool = False) -> str:
    if name not in given:
        if needed:
            faults.add(name, "is missing")
        return ""
    value = given[name]
    fault = _not_a_text(value)
    if fault:
        faults.add(name, fault)
        return ""
    return str(value)


def _recipients(given: Mapping[str, Any], faults: _Faults) -> tuple[str, ...]:
    if "to" not in given:
        faults.add("to", "is missing")
        return ()
    to = given["to"]
    many = to if isinstance(to, list) else [to]
    if not many:
        faults.add("to", "needs at least one recipient")
    if len(many) > MAX_RECIPIENTS:
        faults.add("to", f"must not have more than {MAX_RECIPIENTS} recipients")
        return ()
    for place, one in enumerate(many):
        fault = _not_a_text(one)
        if not fault and not 0 < len(one) <= MAX_RECIPIENT:
            fault = f"must have 1 to {MAX_RECIPIENT} characters"
        if fault:
            faults.add("to", fault if many is not to else f"recipient {place + 1} {fault}")
    return tuple(many)


def _not_a_text(value: object) -> str:
    if not isinstance(value, str):
        return f"must be a text, not {_word(value)}"
    return "has half of a surrogate pair" if _SURROGATE.search(value) else ""


@frozen(kw_only=True)
class Page:
    """Which messages a client wants to see."""

    direction: Direction | None = None
    after: str = ""
    limit: int = PAGE

    @classmethod
    def read(cls, arguments: Mapping[bytes, list[bytes]]) -> Page:
        """
        @param arguments: of the query, as L{twisted.web.http.Request.args}.
        @raise Problem: naming everything that is wrong with it.
        """
        faults = _Faults()
        given = {_shown(name): values for name, values in arguments.items()}
        faults.unknown(given, QUERY)
        for name, values in given.items():
            if len(values) > 1:
                faults.add(name[:MAX_NAME], "is given twice")
        said = {name: _shown(values[-1]) for name, values in given.items()}
        direction, limit = said.get("direction"), said.get("limit", str(PAGE))
        if direction not in (None, *Direction):
            faults.add("direction", "must be in or out")
        if not re.fullmatch("[0-9]{1,4}", limit) or not 0 < int(limit) <= MAX_PAGE:
            faults.add("limit", f"must be a number from 1 to {MAX_PAGE}")
        faults.complain()
        return cls(
            direction=Direction(direction) if direction else None,
            after=said.get("after", ""),
            limit=int(limit),
        )


def _shown(given: bytes) -> str:
    return given.decode("utf-8", "replace")


def accepted(messages: Iterable[Message]) -> dict[str, object]:
    """The yes to a submission."""
    return {"messages": [{"id": m.id, "to": m.recipient, "state": m.state} for m in messages]}


def shown_message(message: Message) -> dict[str, object]:
    """A message as it stands."""
    shown: dict[str, object] = {
        "id": message.id,
        "direction": message.direction,
        "line": message.line,
        "from": message.sender,
        "to": message.recipient,
        "text": message.text,
        "state": message.state,
        "at": timestamp(message.at),
    }
    for name in ("reason", "report", "pool", "client_id"):
        value = getattr(message, name)
        if value:
            shown[name] = value
    return shown


def shown_step(step: Step) -> dict[str, object]:
    """One step of a journey."""
    return {
        "at": timestamp(step.at),
        "what": step.what,
        "where": step.where,
        "detail": step.detail,
    }


def shown_line(line: LineStatus) -> dict[str, object]:
    """A line as it stands now."""
    heard_at = None if line.heard_at is None else timestamp(line.heard_at)
    fields = {name: getattr(line, name) for name in _LINE}
    return {**fields, "heard_at": heard_at, "facts": dict(line.facts)}


_LINE = tuple(field.name for field in LineStatus.__attrs_attrs__)


def shown_health(health: Health) -> dict[str, object]:
    """Whether the gateway can do its work."""
    figures = {name: n if isfinite(n) else None for name, n in health.figures.items()}
    if health.ok:
        return {"status": "ok", "figures": figures}
    return {"status": "trouble", "problems": list(health.problems), "figures": figures}
