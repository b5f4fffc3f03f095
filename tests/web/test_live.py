"""GET /api/v1/events: what happens, told to those who watch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.config.values import HostPorts
from goiptwist.model.messages import Direction, Message, State
from goiptwist.store import NewLineEvent
from goiptwist.web.http.site import Site
from goiptwist.web.service import HttpService
from goiptwist.web.settings import HttpSettings
from goiptwist.web.v1 import streams
from goiptwist.web.v1.api import Api
from goiptwist.web.v1.streams import MISSED_SIGNS, SIGN_OF_LIFE, is_chosen
from tests.web.fakes import USERS, Client, at_once
from tests.web.powers import NOON, FakeGateway

MESSAGE = Message(
    id="m1",
    direction=Direction.IN,
    at=NOON,
    state=State.RECEIVED,
    text="a\r\n\r\ndata: b\u2028",
    sender="+361",
)
LINE = NewLineEvent(line="goip1", what="line.lost", fields={"reason": "x\n\ny"}, at=NOON)


class Watching:
    """A client that watches, without a socket."""

    def __init__(self, gateway: FakeGateway | None = None) -> None:
        self.gateway = gateway or FakeGateway()
        self.clock = Clock()
        self.api = Api(self.gateway, Authenticator(USERS, self.clock, at_once), self.clock)
        self.site = Site(self.api.resource(), self.clock)
        self.transport = StringTransport()
        self.channel: Any = self.site.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def ask(self, query: str = "", *headers: str, method: str = "GET") -> None:
        lines = [
            f"{method} /api/v1/events{query} HTTP/1.1",
            "Host: x",
            "Authorization: Bearer ops-token",
            *headers,
        ]
        self.channel.dataReceived("\r\n".join([*lines, "", ""]).encode())

    @property
    def heard(self) -> str:
        return self.transport.value().decode("ascii")

    @property
    def events(self) -> list[str]:
        """The kinds of what was told."""
        return [line[7:] for line in self.heard.splitlines() if line.startswith("event: ")]

    def tell(self, *kinds: str) -> None:
        for kind in kinds:
            self.gateway.events.publish(kind, LINE if kind.startswith("line") else MESSAGE)

    def gone(self) -> None:
        """The connection is closed, and nothing is left of it."""
        self.channel.connectionLost(Failure(ConnectionDone()))
        assert self.clock.getDelayedCalls() == []
        assert len(self.api.context.streams) == 0
        assert not self.gateway.events._subscribers


@pytest.fixture
def watching() -> Watching:
    return Watching()


def test_what_happens_is_told(watching: Watching) -> None:
    """As id, event and data; nothing in a text can end an event or begin another."""
    watching.ask()
    assert "Content-Type: text/event-stream" in watching.heard
    watching.transport.clear()
    watching.tell("message.received", "line.lost")
    events = [chunk for chunk in watching.heard.split("\r\n") if chunk.startswith("id: ")]
    assert len(events) == 2
    first, second = (dict(row.split(": ", 1) for row in one.strip().split("\n")) for one in events)
    assert (first["id"], first["event"]) == ("0-1", "message.received")
    assert json.loads(first["data"])["message"]["text"] == MESSAGE.text
    told = json.loads(second["data"])
    assert (told["kind"], told["line"]) == ("line.lost", "goip1")
    assert told["fields"] == {"reason": "x\n\ny"}
    watching.gone()


@pytest.mark.parametrize("way", ["header", "query"])
def test_what_was_missed(watching: Watching, way: str) -> None:
    """Who was away for a moment hears all of it, in order, and then what is new."""
    watching.tell("message.queued", "message.sent", "line.lost")
    if way == "header":
        watching.ask("", "Last-Event-ID: 0-1")
    else:
        watching.ask("?last=0-1")
    watching.tell("line.present")
    assert watching.events == ["message.sent", "line.lost", "line.present"]
    watching.gone()


@pytest.mark.parametrize("last", ["5-1", "nonsense", "0-9"])
def test_a_gap(watching: Watching, last: str) -> None:
    """Of another process, or nonsense: the client is told that it must read on elsewhere."""
    watching.tell("message.queued")
    watching.ask("", f"Last-Event-ID: {last}")
    watching.tell("message.sent")
    assert watching.events == ["gap", "message.sent"]
    watching.gone()


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ("message.sent", ["message.sent"]),
        ("message.*,line.lost", ["message.queued", "message.sent", "line.lost"]),
        ("*", ["message.queued", "message.sent", "line.lost"]),
        ("message", []),
    ],
)
def test_only_some(watching: Watching, kinds: str, told: list[str]) -> None:
    """A pager wants to hear of lost lines, and not of every text."""
    watching.tell("message.queued")
    watching.ask(f"?last=0-0&kinds={kinds}")
    watching.tell("message.sent", "line.lost")
    assert watching.events == told
    assert is_chosen("anything", [])
    watching.gone()


def test_only_what_was_missed(watching: Watching) -> None:
    """follow=no is for those who ask now and then; the answer ends by itself."""
    watching.tell("message.queued")
    watching.ask("?last=0-0&follow=no")
    assert watching.events == ["message.queued"]
    assert watching.heard.endswith("0\r\n\r\n")
    watching.tell("message.sent")
    assert watching.events == ["message.queued"]
    watching.gone()


def test_signs_of_life(watching: Watching) -> None:
    """A proxy closes what is silent."""
    watching.ask()
    watching.transport.clear()
    watching.clock.advance(SIGN_OF_LIFE)
    watching.clock.advance(SIGN_OF_LIFE)
    assert watching.heard.count(":\n\n") == 2
    watching.gone()


def test_a_slow_reader_is_waited_for(watching: Watching) -> None:
    """For a while; then it hears all of it, in order."""
    watching.ask()
    watching.transport.producer.pauseProducing()
    watching.tell("message.queued", "message.sent")
    watching.clock.advance(SIGN_OF_LIFE)
    assert watching.events == []
    watching.transport.producer.resumeProducing()
    assert watching.events == ["message.queued", "message.sent"]
    watching.gone()


def test_a_reader_that_is_too_slow_is_cut_off(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for it is bounded; it may come again and name the last that it knows."""
    monkeypatch.setattr(streams, "MAX_WAITING", 3)
    watching.ask()
    watching.transport.producer.pauseProducing()
    watching.tell(*["message.sent"] * 3)
    assert not watching.transport.disconnected
    watching.tell("message.sent")
    assert watching.transport.disconnected
    watching.gone()


def test_a_reader_that_sleeps_is_cut_off(watching: Watching) -> None:
    """A laptop that was closed does not say good-bye."""
    watching.ask()
    watching.transport.producer.pauseProducing()
    for _ in range(MISSED_SIGNS):
        assert not watching.transport.disconnected
        watching.clock.advance(SIGN_OF_LIFE)
    assert watching.transport.disconnected
    watching.gone()


def test_the_gateway_stops(watching: Watching) -> None:
    """The answer is ended, and does not hold up the stop until the last moment."""
    watching.ask()
    closed: list[None] = []
    watching.api.end_streams()
    watching.site.close().addCallback(closed.append)
    assert watching.heard.endswith("0\r\n\r\n")
    watching.gone()
    assert closed == [None]


def test_the_service_ends_them(watching: Watching) -> None:
    """It is the service that stops, and so the one to say it."""
    settings = HttpSettings(listen=HostPorts(()))
    service = HttpService(
        watching.clock, settings, watching.api.resource(), ending=watching.api.end_streams
    )
    watching.ask()
    service.startService()
    service.stopService()
    assert watching.heard.endswith("0\r\n\r\n")
    watching.gone()


def test_too_many_watch(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each holds a connection; there must be some left for those who send."""
    monkeypatch.setattr(streams, "MAX_STREAMS", 0)
    watching.ask()
    assert watching.heard.startswith("HTTP/1.1 503 ")
    assert "Retry-After" in watching.heard
    watching.gone()


def test_head_does_not_watch(watching: Watching) -> None:
    """It is over at once (RFC 9110 section 9.3.2)."""
    watching.ask(method="HEAD")
    assert watching.heard.startswith("HTTP/1.1 200 ")
    assert len(watching.api.context.streams) == 0
    watching.gone()


@pytest.mark.parametrize("query", ["?follow=maybe", "?kinds=" + "a," * 21, "?kinds=a,,b", "?x=1"])
def test_a_wrong_query(watching: Watching, query: str) -> None:
    """A slip in a filter would be silence for ever."""
    watching.ask(query)
    assert watching.heard.startswith("HTTP/1.1 400 ")
    watching.gone()


def test_it_needs_a_reader() -> None:
    """Texts and numbers are in it."""
    assert Client(token="send-token").get("/api/v1/events").status == 403
