"""The paths that only show: messages, their journey, lines, health."""

from __future__ import annotations

import pytest

from goiptwist.model.messages import Direction, Message, State
from goiptwist.model.status import Health, LineStatus
from tests.conftest import FailureLog
from tests.web.fakes import Client
from tests.web.powers import NOON


def message(name: str, direction: Direction, **more: str) -> Message:
    return Message(
        id=name, direction=direction, at=NOON, state=State.RECEIVED, text="hello", **more
    )


@pytest.fixture
def client() -> Client:
    """A gateway that has kept three messages."""
    client = Client()
    client.gateway.archive.kept = [
        message("a", Direction.IN, line="goip1", sender="+361"),
        message("b", Direction.OUT, recipient="+362", pool="alarm", client_id="x", reason="why"),
        message("c", Direction.IN, line="goip2", sender="Bank", report="delivered"),
    ]
    return client


def test_an_incoming_message(client: Client) -> None:
    """Every part has its place, and what is empty by nature is left out."""
    assert client.get("/api/v1/messages").json["messages"][0] == {
        "id": "a",
        "direction": "in",
        "line": "goip1",
        "from": "+361",
        "to": "",
        "text": "hello",
        "state": "received",
        "at": "2024-02-29T12:00:00.250Z",
    }


def test_an_alarm(client: Client) -> None:
    """It is a message of a direction of its own, and says what happened."""
    machine = "1113,18,1,123,03,003"
    client.gateway.archive.kept.append(
        message("d", Direction.ALARM, sender="Alarm 1113", origin="user:panel", alarm=machine)
    )
    (shown,) = client.get("/api/v1/messages?direction=alarm").json["messages"]
    assert {name: shown[name] for name in ("id", "direction", "from", "alarm")} == {
        "id": "d",
        "direction": "alarm",
        "from": "Alarm 1113",
        "alarm": machine,
    }


def test_an_outgoing_message_and_its_journey(client: Client) -> None:
    """One look tells where a message is, why, and how it got there."""
    shown = client.get("/api/v1/messages/b").json
    assert {name: shown[name] for name in ("reason", "pool", "client_id")} == {
        "reason": "why",
        "pool": "alarm",
        "client_id": "x",
    }
    assert shown["journey"] == [
        {"at": "2024-02-29T12:00:00.250Z", "what": "accepted", "where": "", "detail": ""},
        {
            "at": "2024-02-29T12:00:01.250Z",
            "what": "given",
            "where": "goip1",
            "detail": "session 7",
        },
    ]


@pytest.mark.parametrize("name", ["nothing", "%F0%9F%98%80", "a%20"])
def test_no_such_message(client: Client, name: str) -> None:
    """A problem like any other, not an empty message."""
    reply = client.get(f"/api/v1/messages/{name}")
    assert (reply.status, reply.json["detail"]) == (404, "there is no message of this id")


@pytest.mark.parametrize("name", ["%00", "a%0a", "x" * 5000])
def test_an_id_that_cannot_be_ours_does_not_reach_the_store(client: Client, name: str) -> None:
    """Some databases take a NUL for an error of their own."""
    client.gateway.archive.fault = KeyError("asked")
    assert client.get(f"/api/v1/messages/{name}").status == 404


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", "abc"),
        ("?direction=in", "ac"),
        ("?direction=out", "b"),
        ("?after=a", "bc"),
        ("?after=c", ""),
        ("?limit=2", "ab"),
        ("?after=a&limit=1&direction=in", "c"),
    ],
)
def test_a_page_of_messages(client: Client, query: str, ids: str) -> None:
    """A client that remembers the last id it saw reads on from there."""
    shown = client.get(f"/api/v1/messages{query}").json["messages"]
    assert [message["id"] for message in shown] == list(ids)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("direction=sideways", "direction"),
        ("direction=", "direction"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e2", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=", "limit"),
        ("limit=" + "9" * 6000, "limit"),
        ("after=zzz", "after"),
        ("limit=1&limit=2", "limit"),
        ("dirction=in", "dirction"),
        ("%ff=1", "\ufffd"),
    ],
)
def test_a_wrong_query_is_named(client: Client, query: str, field: str) -> None:
    """A slip must not quietly show something else than was asked for."""
    reply = client.get(f"/api/v1/messages?{query}")
    assert (reply.status, reply.json["field"]) == (400, field)


def test_lines(client: Client) -> None:
    """A line shows what the gateway knows, its facts under the device's own names."""
    client.gateway.lines.states = [
        LineStatus(
            id="goip1", pool="p", presence="present", signal=23, heard_at=NOON, facts={"cgatt": "Y"}
        ),
        LineStatus(id="goip2", pool="p", presence="unheard"),
    ]
    first, second = client.get("/api/v1/lines").json["lines"]
    assert (first["id"], first["signal"], first["facts"]) == ("goip1", 23, {"cgatt": "Y"})
    assert first["heard_at"] == "2024-02-29T12:00:00.250Z"
    assert (second["presence"], second["heard_at"], second["signal"]) == ("unheard", None, None)


def test_health_needs_no_token() -> None:
    """Whoever watches over the gateway need not be able to read messages."""
    client = Client(token=None)
    client.gateway.operator.state = Health(figures={"queued": 3, "age": float("inf")})
    reply = client.get("/healthz")
    assert (reply.status, reply.json) == (
        200,
        {"status": "ok", "figures": {"queued": 3, "age": None}},
    )


def test_trouble_is_a_503() -> None:
    """A load balancer reads the status, a person the sentences."""
    client = Client(token=None)
    client.gateway.operator.state = Health(problems=("the disk is full",))
    reply = client.get("/healthz")
    assert reply.status == 503
    assert (reply.json["status"], reply.json["problems"]) == ("trouble", ["the disk is full"])


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/lines", "/api/v1/messages/a"])
def test_head_is_get_without_a_body(client: Client, path: str) -> None:
    """Monitors ask with HEAD; the answer's headers are the same (RFC 9110 section 9.3.2)."""
    got, head = client.get(path), client.ask("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.header("Content-Length") == str(len(got.body))


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v1/", "/api/v1/messages/a/b", "/api//v1/lines", "/healthz/", "/*"]
)
def test_an_unknown_path(client: Client, path: str) -> None:
    """A path is right or it is not: no redirects, no pages."""
    reply = client.get(path)
    assert (reply.status, reply.header("Content-Type")) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/messages", "GET, HEAD, POST"),
        ("POST", "/api/v1/lines", "GET, HEAD"),
        ("OPTIONS", "/healthz", "GET, HEAD"),
        ("BREW", "/api/v1/messages/a", "DELETE, GET, HEAD"),
    ],
)
def test_a_wrong_method(client: Client, method: str, path: str, allowed: str) -> None:
    """405 says what would have been right (RFC 9110 section 15.5.6)."""
    reply = client.ask(method, path)
    assert (reply.status, reply.header("Allow")) == (405, allowed)
    assert reply.header("Content-Type") == "application/problem+json"


def test_every_answer_has_the_careful_headers(client: Client) -> None:
    """Answers hold texts and numbers; nothing between us and the client may keep them."""
    for path in ["/healthz", "/nothing", "/api/v1/messages", "/%ff"]:
        reply = client.get(path)
        assert reply.header("Cache-Control") == "no-store", path
        assert reply.header("X-Content-Type-Options") == "nosniff", path
        assert reply.header("Server") is None, path


@pytest.mark.parametrize("path", ["/%ff", "/api/v1/messages/%ff"])
def test_a_path_that_is_no_text(client: Client, path: str) -> None:
    """Klein would log each of these as an error of ours."""
    assert client.get(path).status == 400


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "\xff", "[::1", "a b"])
def test_a_host_that_is_no_name(client: Client, host: str) -> None:
    """No name makes it our error, whatever werkzeug thinks of it."""
    reply = client.get("/healthz", headers={"Host": host.encode("latin-1")})
    assert reply.status in (200, 400)
    assert reply.header("Content-Type") in ("application/json", "application/problem+json")


def test_a_bug_is_a_500_that_tells_nothing(client: Client, logged_failures: FailureLog) -> None:
    """The client learns that it was not its fault; the log learns the rest."""
    client.gateway.archive.fault = KeyError("+36301234567")
    for path in ["/api/v1/messages", "/healthz", "/api/v1/lines?token=t0ken"]:
        reply = client.get(path)
        assert (reply.status, reply.json["title"]) == (500, "Internal Server Error"), path
        assert b"36301234567" not in reply.body
    events = logged_failures.flush()
    assert [event["path"] for event in events] == [
        "/api/v1/messages",
        "/healthz",
        "/api/v1/lines",
    ]
