"""POST /api/v1/messages: what is taken, what is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from goiptwist.errors import Busy, Conflict, GoipTwistError, StoreUnavailable, Unacceptable
from goiptwist.interfaces import IAlarms, IBounces, IDirectory, ILines, IMessages
from goiptwist.model.messages import Submission
from goiptwist.operator_interfaces import (
    IEventBus,
    IFolders,
    IHistory,
    IOperator,
    IOperatorGateway,
)
from tests.conftest import FailureLog
from tests.web.fakes import Client
from tests.web.powers import FakeGateway

GOOD = {"to": "+36301234567", "text": "Door open"}

POWERS = {
    "messages": IMessages,
    "alarms": IAlarms,
    "directory": IDirectory,
    "lines": ILines,
    "bounces": IBounces,
    "history": IHistory,
    "folders": IFolders,
    "operator": IOperator,
    "events": IEventBus,
}


def test_the_fake_gateway_is_one() -> None:
    """What these tests talk to has every method of the real one, with its arguments."""
    gateway = FakeGateway()
    assert verifyObject(IOperatorGateway, gateway)
    for name, interface in POWERS.items():
        assert verifyObject(interface, getattr(gateway, name)), name


def test_a_text_for_two_is_two_messages() -> None:
    """202 with an id for each recipient, by which the client can ask later."""
    client = Client()
    reply = client.post(
        {"to": ["+36301", "+36302"], "text": "Door open", "pool": "alarm", "id": "a-1"}
    )
    assert (reply.status, reply.header("Content-Type")) == (202, "application/json")
    assert reply.json == {
        "messages": [
            {"id": "m0", "to": "+36301", "state": "queued"},
            {"id": "m1", "to": "+36302", "state": "queued"},
        ],
        "encoding": "gsm7",
        "segments": 1,
    }
    assert client.gateway.messages.submissions == [
        Submission(
            origin="user:ops",
            recipients=("+36301", "+36302"),
            text="Door open",
            pool="alarm",
            client_id="a-1",
        )
    ]


def test_a_single_recipient_needs_no_list() -> None:
    """The commonest submission is the shortest to write."""
    client = Client()
    assert client.post({**GOOD, "line": "goip1"}).status == 202
    [submission] = client.gateway.messages.submissions
    assert (submission.recipients, submission.line) == (("+36301234567",), "goip1")


def test_the_yes_waits_for_the_commit() -> None:
    """202 is a promise; before the message is on disk there is nothing to promise."""
    client = Client()
    client.gateway.archive.before_kept = committed = Deferred()
    replies = client.start(
        "POST", "/api/v1/messages", json=GOOD, headers={"Content-Type": "application/json"}
    )
    assert replies == []
    committed.callback(None)
    client.stub.flush()
    assert replies[0].status == 202


@pytest.mark.parametrize(
    ("error", "status", "field", "wait"),
    [
        (Unacceptable("to", "no country has this number"), 400, "to", None),
        (Conflict("a-1 was another text"), 409, None, None),
        (Busy("too much is waiting", after=2.1), 429, None, "3"),
        (Busy("too much is waiting", after=0), 429, None, "1"),
        (StoreUnavailable("the disk is full"), 503, None, "5"),
    ],
)
def test_what_the_gateway_refuses(
    error: GoipTwistError, status: int, field: str | None, wait: str | None
) -> None:
    """The gateway's own sentence reaches the client, and how long to wait."""
    client = Client()
    client.gateway.archive.fault = error
    reply = client.post(GOOD)
    assert (reply.status, reply.json["status"]) == (status, status)
    assert reply.header("Content-Type") == "application/problem+json"
    assert reply.json["detail"] == str(error)
    assert (reply.json.get("field"), reply.header("Retry-After")) == (field, wait)


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"text": "x"}, "to", "is missing"),
        ({"to": "+361"}, "text", "is missing"),
        ({**GOOD, "to": []}, "to", "must not be empty"),
        ({**GOOD, "to": 36}, "to", "must be a text, not a number"),
        ({**GOOD, "to": None}, "to", "must be a text, not null"),
        ({**GOOD, "to": ["+361", True]}, "to", "recipient 2 must be a text, not true or false"),
        ({**GOOD, "to": ["+361", ""]}, "to", "recipient 2 must not be empty"),
        ({**GOOD, "to": "3" * 65}, "to", "must not be longer than 64 characters"),
        ({**GOOD, "to": ["+361"] * 1001}, "to", "must not have more than 1000 entries"),
        ({**GOOD, "text": ["x"]}, "text", "must be a text, not a list"),
        ({**GOOD, "text": {}}, "text", "must be a text, not an object"),
        ({**GOOD, "text": "\ud83d"}, "text", "has half of a surrogate pair"),
        ({**GOOD, "line": "a", "pool": "b"}, "line", "give line or pool, not both"),
        ({**GOOD, "id": "x" * 201}, "id", "must not be longer than 200 characters"),
        ({**GOOD, "recipient": "+361"}, "recipient", "unknown key; known are to, text"),
        ({**GOOD, "Line": "a"}, "Line", "unknown key; did you mean 'line'?"),
        ({**GOOD, "txet": "a"}, "txet", "unknown key; did you mean 'text'?"),
    ],
)
def test_a_wrong_shape_is_named(given: Any, field: str, said: str) -> None:
    """Whoever writes a client reads the answer, not our source."""
    client = Client()
    reply = client.post(given)
    assert (reply.status, reply.json["field"]) == (400, field)
    assert said in reply.json["detail"]
    assert client.gateway.messages.submissions == []


def test_everything_wrong_is_named_at_once() -> None:
    """One round for each fault would be a bad way to learn an interface."""
    reply = Client().post({"too": "+361", "text": 7, "line": "a", "pool": "b"})
    assert reply.json["errors"] == [
        {"field": "too", "detail": "unknown key; did you mean 'to'?"},
        {"field": "to", "detail": "is missing"},
        {"field": "text", "detail": "must be a text, not a number"},
        {"field": "line", "detail": "give line or pool, not both"},
    ]


def test_a_thousand_faults_are_not_a_thousand_sentences() -> None:
    """The work of a refusal is bounded, whatever was sent."""
    reply = Client().post({"k" * 5000 + str(n): n for n in range(150)})
    assert len(reply.json["errors"]) == 10
    assert len(reply.body) < 5000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not JSON"),
        (b"to=1", "is not JSON"),
        (b'{"to": "+361", "text": "\xff"}', "is not UTF-8"),
        (b"[]", "must be a JSON object, not a list"),
        (b"null", "must be a JSON object, not null"),
        (b"7", "must be a JSON object, not a number"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"9" * 10_000, "is not JSON"),
        (b'{"to": "+361", "to": "+362", "text": "x"}', "a key stands twice"),
        ('{"to": "+361", "text": "x"}'.encode("utf-16"), "is not UTF-8"),
    ],
)
def test_a_body_that_is_no_object(body: bytes, said: str) -> None:
    """Whatever the bytes are, they are the client's fault and not our error."""
    reply = Client().post(body)
    assert (reply.status, reply.json["title"]) == (400, "Bad Request")
    assert said in reply.json["detail"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 202),
        ("Application/JSON; charset=utf-8", 202),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
def test_the_body_must_be_called_json(kind: str, status: int) -> None:
    """A form that a foreign page sends from somebody's browser is not a submission."""
    assert Client().post(GOOD, **{"Content-Type": kind}).status == status


def test_hostile_text_comes_back_as_ascii() -> None:
    """What is echoed cannot break a terminal, a log or a page."""
    hostile = "\x00\x1b[2J\r\n\u202e\u2028<script>\x7f"
    client = Client()
    assert client.post({**GOOD, "text": hostile}).status == 202
    reply = client.get("/api/v1/messages/m0")
    assert reply.json["text"] == hostile
    assert all(0x20 <= byte < 0x80 for byte in reply.body)
    assert client.post({hostile: 1}).json["errors"][0]["field"] == hostile


def test_a_client_that_hangs_up_does_not_stop_its_submission() -> None:
    """
    Klein cancels what a lost client waits for. A commit that has begun goes
    on, and so does what the gateway does after it; nobody logs an error.
    """
    client = Client()
    client.gateway.archive.before_kept = committed = Deferred()
    client.start("POST", "/api/v1/messages", json=GOOD)
    client.hang_up()
    committed.callback(None)
    assert [message.text for message in client.gateway.archive.kept] == ["Door open"]


@pytest.mark.parametrize(
    ("error", "logged"), [(StoreUnavailable("the disk is full"), 0), (KeyError("a bug"), 1)]
)
def test_a_bug_after_the_client_has_gone_is_logged(
    error: Exception, logged: int, logged_failures: FailureLog
) -> None:
    """Nobody is left to be told 500, so the log must know; a refusal is no bug."""
    client = Client()
    client.gateway.archive.before_kept = committed = Deferred()
    client.start("POST", "/api/v1/messages", json=GOOD)
    client.hang_up()
    committed.errback(error)
    assert len(logged_failures.flush()) == logged
