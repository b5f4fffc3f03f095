"""What one client may cost, and how the gateway starts and stops listening."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.throttle import FAILURES
from goiptwist.config.values import HostPort, HostPorts, Network
from goiptwist.errors import BadConfiguration
from goiptwist.model.messages import Direction, Message, State
from goiptwist.net.draining import GRACE
from goiptwist.net.sampled_log import LEGIBLE
from goiptwist.web.http.proxies import NO_PROXIES, TrustedProxies
from goiptwist.web.http.request import LINGER, MAX_BODY, MAX_HELD, SLICE
from goiptwist.web.http.site import PATIENCE, Site
from goiptwist.web.service import HttpService
from goiptwist.web.settings import HttpSettings
from goiptwist.web.v1.api import Api
from tests.web.fakes import USERS, at_once
from tests.web.powers import FakeGateway
from tests.web.test_site import Reader

GOOD = b'{"to": "+361", "text": "x"}'
HEADERS = b"Host: x\r\nAuthorization: Bearer ops-token\r\nContent-Type: application/json\r\n"


def post(*more: bytes, body: bytes = b"") -> bytes:
    """A submission as bytes on the wire."""
    lines = [b"POST /api/v1/messages HTTP/1.1\r\n", HEADERS, *(line + b"\r\n" for line in more)]
    return b"".join(lines) + b"\r\n" + body


def whole(body: bytes = GOOD) -> bytes:
    return post(b"Content-Length: %d" % len(body), body=body)


class Wire:
    """One connection to a site, without a socket."""

    def __init__(self, proxies: TrustedProxies = NO_PROXIES, peer: str = "192.168.1.1") -> None:
        self.gateway = FakeGateway()
        self.clock = Clock()
        accounts = Authenticator(USERS, self.clock, at_once)
        api = Api(self.gateway, accounts, self.clock, proxies=proxies)
        self.site = Site(api.resource(), self.clock, proxies=proxies)
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", peer, 54321))
        self.channel: Any = self.site.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def says(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.channel.dataReceived(piece)

    @property
    def heard(self) -> bytes:
        return self.transport.value()

    @property
    def closing(self) -> bool:
        return self.transport.disconnecting

    def gone(self) -> None:
        """The far side has closed, or we have and it is done."""
        self.channel.connectionLost(Failure(ConnectionDone()))
        assert not self.clock.getDelayedCalls()
        assert not self.site.channels


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_a_connection_is_kept_for_the_next_request(wire: Wire) -> None:
    """A client that sends a thousand texts opens one connection."""
    wire.says(whole(), whole())
    assert wire.heard.count(b"HTTP/1.1 202 ") == 2
    assert not wire.closing
    wire.gone()


class TestBehindAProxy:
    """The address that a proxy of ours tells is the one that counts, and that is logged."""

    @pytest.fixture
    def wire(self) -> Wire:
        return Wire(TrustedProxies([Network.from_setting("10.0.0.0/8")]), peer="10.0.0.1")

    def ask(self, wire: Wire, client: bytes, token: bytes) -> int:
        """@return: the status."""
        before = len(wire.heard)
        wire.says(
            b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n"
            b"X-Forwarded-For: " + client + b"\r\n\r\n"
        )
        return int(wire.heard[before:].split()[1])

    def test_networks(self, wire: Wire) -> None:
        assert self.ask(wire, b"203.0.113.9, 192.0.2.1", b"near-token") == 200
        assert self.ask(wire, b"192.0.2.1, 203.0.113.9", b"near-token") == 403
        assert self.ask(wire, b"10.0.0.2", b"near-token") == 403

    def test_guesses(self, wire: Wire) -> None:
        for _ in range(FAILURES):
            assert self.ask(wire, b"203.0.113.9", b"wrong") == 401
        assert self.ask(wire, b"203.0.113.9", b"ops-token") == 429
        assert self.ask(wire, b"203.0.113.10", b"ops-token") == 200

    def test_log(self, wire: Wire) -> None:
        with capturedLogs() as logs:
            self.ask(wire, b"203.0.113.9", b"wrong")
            wire.says(
                b'GET /healthz HTTP/1.1\r\nHost: x\r\nForwarded: for="\r\n\r\n',
            )
        assert [entry["peer"] for entry in logs if "peer" in entry] == ["203.0.113.9", "10.0.0.1"]

    def test_two_words(self, wire: Wire) -> None:
        """The client has written one of them itself."""
        wire.says(
            b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ops-token\r\n"
            b"X-Forwarded-For: 203.0.113.9\r\nForwarded: for=192.0.2.1\r\n\r\n"
        )
        assert wire.heard.startswith(b"HTTP/1.1 400 ")
        assert b"tell two addresses" in wire.heard


def test_the_largest_body_is_read(wire: Wire) -> None:
    """The limit is what it says, to the byte."""
    body = GOOD + b" " * (MAX_BODY - len(GOOD))
    wire.says(whole(body))
    assert wire.heard.startswith(b"HTTP/1.1 202 ")
    wire.gone()


def test_a_large_body_is_refused_before_it_is_read(wire: Wire) -> None:
    """The headers are enough to say no; then the connection is of no more use."""
    wire.says(post(b"Content-Length: %d" % (MAX_BODY + 1)))
    head, _, body = wire.heard.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in head
    assert json.loads(body)["status"] == 413
    assert not wire.closing  # what is under way is let in, so that the answer arrives
    wire.clock.advance(LINGER)
    assert wire.closing
    wire.gone()


def test_an_endless_body_in_chunks_is_refused_and_let_go(wire: Wire) -> None:
    """Chunks say nothing of the whole, so they are counted, and none is kept."""
    wire.says(post(b"Transfer-Encoding: chunked"))
    for _ in range(40):
        wire.says(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
    assert wire.heard.count(b"HTTP/1.1 413 ") == wire.heard.count(b'"status":413') == 1
    assert wire.channel.requests[0].content.getvalue() == b""
    wire.says(b"0\r\n\r\n")
    assert wire.closing
    assert wire.gateway.messages.submissions == []
    wire.gone()


def test_the_rest_of_a_refused_body_is_no_request(wire: Wire) -> None:
    """Otherwise a body could hold a request that nobody sent."""
    body = whole() * (MAX_BODY // len(whole()) + 2)
    wire.says(whole(body) + whole())
    assert wire.heard.count(b"HTTP/1.1 ") == 1
    assert wire.gateway.messages.submissions == []
    assert wire.closing
    wire.gone()


def test_no_continue_for_what_is_refused(wire: Wire) -> None:
    """Whoever asks first is spared the sending."""
    wire.says(post(b"Content-Length: 9999999", b"Expect: 100-continue"))
    assert b"100 Continue" not in wire.heard
    wire.clock.advance(LINGER)
    wire.gone()


def test_a_small_body_may_continue(wire: Wire) -> None:
    wire.says(post(b"Content-Length: %d" % len(GOOD), b"Expect: 100-continue"))
    assert wire.heard == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.says(GOOD)
    assert b"HTTP/1.1 202 " in wire.heard
    wire.gone()


def test_a_trickle_buys_no_time(wire: Wire) -> None:
    """One byte a second would hold a connection for ever, and a thousand of them us."""
    wire.says(*(whole()[n : n + 1] for n in range(10)))
    for _ in range(int(PATIENCE) - 1):
        wire.clock.advance(1)
        wire.says(b"x")
    assert not wire.closing
    wire.clock.advance(1)
    assert wire.closing
    wire.gone()


def test_too_much_in_memory(wire: Wire) -> None:
    """Who asks for what may be large has to wait; who sends, or asks how it is, does not."""
    wire.site.room.taken = MAX_HELD
    for path in (b"/api/v1/messages", b"/api/v1/lines", b"/healthz"):
        wire.says(b"GET %s HTTP/1.1\r\n%s\r\n" % (path, HEADERS))
    wire.says(whole())
    assert re.findall(rb"HTTP/1\.1 (\d+)", wire.heard) == [b"503", b"503", b"200", b"202"]
    assert wire.heard.count(b"Retry-After: 5\r\n") == 2
    wire.gone()


def test_a_slow_reader_of_messages(wire: Wire) -> None:
    """A page of long texts waits in memory once, is counted, and arrives whole."""
    text = "x" * 3000
    wire.gateway.archive.kept = [
        Message(
            id=f"m{n}",
            direction=Direction.IN,
            line="goip1",
            text=text,
            at=1.0,
            state=State.DELIVERED,
        )
        for n in range(100)
    ]
    reader = Reader()
    wire.channel.connectionLost(Failure(ConnectionDone()))
    wire.channel = wire.site.buildProtocol(None)
    wire.channel.makeConnection(reader)
    wire.says(b"GET /api/v1/messages?limit=100 HTTP/1.1\r\n%s\r\n" % HEADERS)
    assert len(reader.value()) < 2 * SLICE
    assert wire.site.room.taken > 100 * len(text)
    reader.reads(200 * len(text))
    assert len(json.loads(reader.value().partition(b"\r\n\r\n")[2])["messages"]) == 100
    assert wire.site.room.taken == 0
    wire.gone()


def test_an_idle_connection_is_closed(wire: Wire) -> None:
    """Time counts anew after each answer."""
    wire.clock.advance(PATIENCE - 1)
    wire.says(whole())
    wire.clock.advance(PATIENCE - 1)
    assert not wire.closing
    wire.clock.advance(1)
    assert wire.closing
    wire.gone()


def test_a_request_has_its_whole_time_after_a_pause(wire: Wire) -> None:
    """A client that asks once a minute must not be cut off in mid-request."""
    wire.says(whole())
    wire.clock.advance(PATIENCE - 1)
    wire.says(whole()[:50])
    wire.clock.advance(PATIENCE - 1)
    wire.says(whole()[50:])
    assert wire.heard.count(b"HTTP/1.1 202 ") == 2
    wire.gone()


def test_a_slow_commit_is_not_an_idle_client(wire: Wire) -> None:
    """Who waits for our answer is not hung up on."""
    wire.gateway.archive.before_kept = committed = Deferred()
    wire.says(whole())
    wire.clock.advance(10 * PATIENCE)
    committed.callback(None)
    assert wire.heard.startswith(b"HTTP/1.1 202 ")
    wire.gone()


def test_an_absurd_length_is_no_error_of_ours(wire: Wire) -> None:
    """Python refuses numbers of 5,000 digits, and Twisted lets that out."""
    wire.says(post(b"Content-Length: " + b"9" * 5000))
    assert wire.closing
    wire.gone()


@pytest.mark.parametrize("target", [b"*", b"http://x/*", b"//", b"/" + b"%2f" * 9])
def test_odd_targets_are_not_found(wire: Wire, target: bytes) -> None:
    """No request is answered in Twisted's own words."""
    wire.says(b"OPTIONS " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert wire.heard.startswith(b"HTTP/1.1 404 ")
    assert b"Server:" not in wire.heard
    wire.gone()


def test_the_log_has_neither_query_nor_token(wire: Wire) -> None:
    """Numbers stand in queries and secrets in headers."""
    with capturedLogs() as logs:
        wire.says(
            b"GET /api/v1/messages?after=%2B36301234567&token=t0ken HTTP/1.1\r\n"
            + HEADERS
            + b"Referer: http://x/?token=t0ken\r\n\r\n"
        )
    [event] = [event for event in logs if event["log_namespace"] == "goiptwist.web.http.site"]
    assert event["log_level"] is LogLevel.debug
    said = repr({name: value for name, value in event.items() if not name.startswith("log_")})
    assert "/api/v1/messages" in said
    assert "36301234567" not in said
    assert "t0ken" not in said
    assert "ops-token" not in said
    wire.gone()


def test_the_log_stays_legible(wire: Wire) -> None:
    """A line for each of a thousand answers a second is read by nobody, and costs; a no is seen."""
    with capturedLogs() as logs:
        for _ in range(LEGIBLE + 30):
            wire.says(whole())
        wire.says(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.clock.advance(1)
        wire.says(whole())
    told = [formatEvent(one) for one in logs if one["log_namespace"] == "goiptwist.web.http.site"]
    assert told[LEGIBLE:] == [
        "192.168.1.1 GET /nothing: 404",
        "... and 30 more such messages in that second",
        "192.168.1.1 POST /api/v1/messages: 202",
    ]
    wire.gone()


def test_close_leaves_nobody_waiting(wire: Wire) -> None:
    """An open request is answered, then its connection goes; an idle one goes at once."""
    wire.gateway.archive.before_kept = committed = Deferred()
    wire.says(whole())
    closed: list[None] = []
    wire.site.close().addCallback(closed.append)
    assert not wire.closing
    committed.callback(None)
    assert wire.heard.startswith(b"HTTP/1.1 202 ")
    assert wire.closing
    assert closed == []
    wire.gone()
    assert closed == [None]


def test_close_does_not_wait_for_ever(wire: Wire) -> None:
    """A client that stops in the middle of a request must not hold up the gateway."""
    wire.says(whole()[:-5])
    closed: list[None] = []
    wire.site.close().addCallback(closed.append)
    wire.clock.advance(GRACE)
    assert wire.transport.disconnected or wire.transport.disconnecting
    wire.gone()
    assert closed == [None]


# Over real sockets, for what the memory cannot show.


def listening(address: HostPort) -> HttpSettings:
    return HttpSettings(listen=HostPorts((address,)))


@define
class Running:
    """A service on a free port of this machine."""

    service: HttpService
    gateway: FakeGateway

    @property
    def port(self) -> int:
        [port] = self.service.ports
        host: Any = port.getHost()
        return int(host.port)

    async def connect(self) -> Conversation:
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", self.port)
        conversation: Conversation = await connectProtocol(endpoint, Conversation())
        return conversation


@define(eq=False)
class Conversation(Protocol):
    """A client that says bytes and collects what it hears."""

    heard: bytes = b""
    closed: Deferred[None] = field(factory=Deferred)
    _wanted: list[tuple[bytes, Deferred[None]]] = field(factory=list)

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        for wanted, found in tuple(self._wanted):
            if wanted in self.heard:
                self._wanted.remove((wanted, found))
                found.callback(None)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.closed.callback(None)

    def says(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def hears(self, wanted: bytes) -> Deferred[None]:
        """@return: fires when it has been said."""
        found: Deferred[None] = Deferred()
        self._wanted.append((wanted, found))
        self.dataReceived(b"")
        return found.addTimeout(5, reactor)

    async def ends(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()
        await self.closed


@pytest_twisted.async_yield_fixture
async def running() -> AsyncIterator[Running]:
    """Started as twistd does it, and stopped."""
    gateway = FakeGateway()
    api = Api(gateway, Authenticator(USERS, reactor, at_once), reactor)
    service = HttpService(reactor, listening(HostPort("127.0.0.1", 0)), api.resource())
    service.privilegedStartService()
    service.startService()
    yield Running(service, gateway)
    await maybeDeferred(service.stopService)


@pytest.mark.real
async def test_a_large_body_gets_its_answer_over_tcp(running: Running) -> None:
    """Closing at once would reset the connection, and 413 would never be read."""
    client = await running.connect()
    client.says(post(b"Transfer-Encoding: chunked"))
    for _ in range(64):
        client.says(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
    client.says(b"0\r\n\r\n")
    await client.hears(b'"status":413')
    await client.closed
    assert client.heard.count(b"HTTP/1.1 ") == 1


@pytest.mark.real
async def test_requests_follow_one_another_over_tcp(running: Running) -> None:
    """Keep-alive on a real socket."""
    client = await running.connect()
    for n in range(3):
        client.says(whole())
        await client.hears(b'"id":"m%d"' % n)
    await client.ends()


@pytest.mark.real
async def test_a_client_that_hangs_up_in_the_middle(running: Running) -> None:
    """No error of ours: half a request is forgotten, a whole one is carried through."""
    half = await running.connect()
    half.says(whole()[:-5])
    await half.ends()
    running.gateway.archive.before_kept = committed = Deferred()
    waiting = await running.connect()
    waiting.says(whole())
    while not running.gateway.messages.submissions:
        await deferLater(reactor, 0.01)
    await waiting.ends()
    while running.service.site.channels:
        await deferLater(reactor, 0.01)
    committed.callback(None)
    assert len(running.gateway.archive.kept) == 1


@pytest.mark.real
async def test_stopping_closes_idle_connections(running: Running) -> None:
    """The clean_reactor fixture would find the socket that is left."""
    client = await running.connect()
    client.says(whole())
    await client.hears(b"queued")
    await maybeDeferred(running.service.stopService)
    await client.closed
    assert running.service.ports == []


@pytest.mark.real
async def test_a_taken_port_is_a_sentence(running: Running) -> None:
    """Two gateways on one machine: the second says what is in its way."""
    address = HostPort("127.0.0.1", running.port)
    api = Api(FakeGateway(), Authenticator([], reactor, at_once), reactor)
    second = HttpService(reactor, listening(address), api.resource())
    with pytest.raises(BadConfiguration, match=r"HTTP cannot listen on 127\.0\.0\.1:\d+: .*in use"):
        second.startService()
    await second.stopService()


@pytest.mark.real
async def test_an_ipv6_address() -> None:
    """[::1]:port is a loopback too."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    api = Api(FakeGateway(), Authenticator([], reactor, at_once), reactor)
    service = HttpService(reactor, listening(HostPort("::1", 0)), api.resource())
    with capturedLogs() as logs:
        service.startService()
    [said] = [str(event["address"]) for event in logs if "address" in event]
    assert said.startswith("[::1]:")
    await maybeDeferred(service.stopService)
