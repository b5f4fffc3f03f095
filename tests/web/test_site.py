"""What all clients together may cost: memory, connections, and the time of slow readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from goiptwist.web.http import site as module
from goiptwist.web.http.request import (
    LINGER,
    MAX_BODY,
    MAX_LARGE_BODY,
    READING_PATIENCE,
    SLICE,
    SMALL,
    MemoryBudget,
    Request,
    SlicedAnswer,
)
from goiptwist.web.http.site import Leniency, Site

ABORT = 15  # seconds that Twisted gives a connection to close after that


class Answering(Resource):
    """Answers with as many bytes as its body has, or later."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.later: list[Request] = []
        self.waits = False
        self.size = 0

    def render(self, request: Any) -> Any:
        if self.waits:
            self.later.append(request)
        else:
            self.answer(request, b"x" * (self.size or len(request.content.read())))
        return NOT_DONE_YET

    @staticmethod
    def answer(request: Any, body: bytes) -> None:
        request.setHeader(b"Content-Length", b"%d" % len(body))
        request.write(body)
        request.finish()


class Reader(StringTransport):
    """A client that reads only when told to, as TCP sees it: after C{room} bytes it is full."""

    aborted = False
    room = 0

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.producer is not None and len(self.value()) >= self.room:
            self.producer.pauseProducing()

    def reads(self, many: int) -> None:
        self.room = len(self.value()) + many
        self.producer.resumeProducing()

    def abortConnection(self) -> None:
        self.aborted = True


class Clients:
    """A site and its connections."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.answering = Answering()
        self.site = Site(self.answering, self.clock, Leniency(frozenset({b"/api"})))
        self.channels: list[Any] = []

    def connect(self, transport: StringTransport | None = None) -> Any:
        channel: Any = self.site.buildProtocol(None)
        if channel is not None:
            channel.makeConnection(transport or Reader())
            self.channels.append(channel)
        return channel

    def gone(self, channel: Any) -> None:
        self.channels.remove(channel)
        channel.connectionLost(Failure(ConnectionDone()))

    def says(self, data: bytes, transport: StringTransport | None = None) -> Any:
        channel = self.connect(transport or StringTransport())
        channel.dataReceived(data)
        return channel


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    for channel in tuple(made.channels):
        made.gone(channel)
    assert made.site.room.taken == 0
    assert len(made.site.channels) == 0
    assert made.clock.getDelayedCalls() == []


def post(size: int, path: bytes = b"/api?action=x") -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path, size)


def heard(channel: Any) -> bytes:
    value: bytes = channel.transport.value()
    return value


def test_batches_may_be_larger(clients: Clients) -> None:
    """Where they are taken, and to the byte."""
    assert heard(clients.says(post(MAX_LARGE_BODY))) == b""
    refused = clients.says(post(MAX_LARGE_BODY + 1))
    assert heard(refused).startswith(b"HTTP/1.1 413 ")
    assert heard(clients.says(post(MAX_BODY + 1, b"/other"))).startswith(b"HTTP/1.1 413 ")
    assert heard(clients.says(post(MAX_BODY + 1, b"/apis"))).startswith(b"HTTP/1.1 413 ")
    clients.clock.advance(LINGER)


def test_what_is_in_memory_is_counted(clients: Clients) -> None:
    """While it comes, until it is answered; whoever hangs up gives it back."""
    half = clients.says(post(1000) + b"x" * 400)
    assert clients.site.room.taken == 400
    clients.answering.waits = True
    whole = clients.says(post(1000) + b"x" * 1000)
    assert clients.site.room.taken == 1400
    clients.gone(half)
    assert clients.site.room.taken == 1000
    clients.answering.answer(clients.answering.later[0], b"done")
    assert clients.site.room.taken == 0
    assert heard(whole).endswith(b"done")


def test_no_more_bodies_than_memory(clients: Clients) -> None:
    """A thousand clients with a large batch each must not end the gateway."""
    clients.site.room = MemoryBudget(2 * SMALL)
    held = clients.says(post(3 * SMALL) + b"x" * 2 * SMALL)
    late = clients.says(post(SMALL + 1))
    assert heard(late).startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 5" in heard(late)
    assert b"Connection: close" in heard(late)
    held.dataReceived(b"x")
    assert heard(held).startswith(b"HTTP/1.1 503 ")  # it was in the middle of its own
    assert clients.site.room.taken == 0
    large = clients.says(post(SMALL + 1) + b"x" * (SMALL + 1))
    assert heard(large).startswith(b"HTTP/1.1 200 ")
    clients.clock.advance(LINGER)


def test_there_is_always_room_for_a_small_body(clients: Clients) -> None:
    """A few who send batches slowly must not keep an alarm from being sent."""
    clients.site.room = MemoryBudget(10)
    clients.says(post(2 * SMALL) + b"x" * 10)
    small = clients.says(post(SMALL) + b"x" * SMALL)
    assert heard(small).startswith(b"HTTP/1.1 200 ")


def test_a_question_without_a_body_needs_no_room(clients: Clients) -> None:
    """Who watches over the gateway must see why it refuses."""
    clients.site.room = MemoryBudget(10)
    clients.says(post(20) + b"x" * 10)
    clients.answering.size = 3
    asked = clients.says(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert heard(asked).endswith(b"xxx")


def test_a_slow_reader_gets_a_slice_at_a_time(clients: Clients) -> None:
    """What he has not read stands in memory once, and is counted."""
    clients.answering.size = 5 * SLICE
    reader = Reader()
    clients.says(b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n", reader)
    assert len(reader.value()) < 2 * SLICE
    assert clients.site.room.taken == 5 * SLICE
    reader.reads(3 * SLICE)
    assert 4 * SLICE < len(reader.value()) < 5 * SLICE
    reader.reads(3 * SLICE)
    assert len(reader.value()) > 5 * SLICE
    assert clients.site.room.taken == 0


def test_who_paces_himself(clients: Clients) -> None:
    """A stream of events stops by itself where nobody reads; one event may be large."""
    clients.answering.waits = True
    reader = clients.says(b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n", Reader()).transport
    [request] = clients.answering.later
    request.registerProducer(SlicedAnswer(request, b""), True)
    request.write(b"x" * 2 * SLICE)
    request.write(b"end")
    assert reader.value().endswith(b"x\r\n3\r\nend\r\n")
    request.unregisterProducer()
    request.finish()


def test_who_does_not_read_is_cut_off(clients: Clients) -> None:
    """An answer of ten megabytes that nobody reads must not stay for ever."""
    clients.answering.size = 5 * SLICE
    reader = Reader()
    clients.says(b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n", reader)
    clients.clock.advance(READING_PATIENCE)
    clients.clock.advance(ABORT)
    assert reader.aborted


def test_a_reader_who_goes(clients: Clients) -> None:
    """In the middle of an answer; no error of ours."""
    clients.answering.size = 5 * SLICE
    clients.gone(clients.says(b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n", Reader()))
    assert clients.site.room.taken == 0


def test_the_longest_idle_makes_room(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """One who has just been answered is younger than one who never asked."""
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 3)
    first, second, third = (clients.connect() for _ in range(3))
    clients.answering.size = 1
    first.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert clients.connect() is not None
    assert (second.transport.aborted, len(clients.site.channels)) == (True, 3)
    assert clients.connect() is not None
    assert [c.transport.aborted for c in (first, second, third)] == [False, True, True]


def test_nobody_in_mid_request_makes_room(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all are busy, the one who comes is turned away."""
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)
    for _ in range(2):
        clients.connect().dataReceived(b"GET / HT")
    assert clients.connect() is None
    assert not any(channel.transport.aborted for channel in clients.channels)


def test_a_request_in_a_traceback(clients: Clients) -> None:
    """Passwords stand in queries."""
    clients.answering.waits = True
    clients.says(b"GET /api?password=abc123 HTTP/1.1\r\nHost: x\r\n\r\n")
    [request] = clients.answering.later
    assert repr(request) == "<Request b'GET' b'/api'>"
