"""The client against servers that mean harm, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define
from twisted.internet.address import IPv4Address, IPv6Address

from goiptwist.bridges.webhook import client
from goiptwist.bridges.webhook.client import (
    LONGEST_ANSWER,
    PrivateAddressBlocked,
    PublicOnlyReactor,
    WebhookClient,
)
from goiptwist.bridges.webhook.own_addresses import is_own
from goiptwist.bridges.webhook.response import WebhookResponse
from goiptwist.errors import Away, TryLater
from tests.bridges.webhook.receivers import CallbackReceiver, core, free_port, hostile

pytestmark = pytest.mark.real


@asynccontextmanager
async def calling(far_end: Any = None, **keys: Any) -> AsyncIterator[WebhookClient]:
    """A client, and nothing left open afterwards."""
    reactor = keys.pop("reactor", core)
    caller = WebhookClient(reactor, **{"private": True, "ca": "", "timeout": 5.0, **keys})
    try:
        yield caller
    finally:
        await caller.close()
        if far_end is not None:
            await far_end.close()


async def called(far_end: Any, **keys: Any) -> WebhookResponse:
    """The answer of a far end."""
    async with calling(far_end, **keys) as caller:
        return await caller.call("POST", far_end.url, {"X-A": "b"}, b"{}")


async def trouble(far_end: Any, **keys: Any) -> TryLater:
    """What is wrong with a far end."""
    with pytest.raises(TryLater) as caught:
        await called(far_end, **keys)
    return caught.value


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def test_an_answer() -> None:
    """Status, body, and how long to wait."""
    receiver = CallbackReceiver(503, b"not now", retry_after="30")
    assert await called(receiver) == WebhookResponse(503, b"not now", "30")
    [call] = receiver.calls
    assert (call.method, call.uri, call.body) == ("POST", "/hook", b"{}")
    assert call.headers["x-a"] == "b"
    assert "accept-encoding" not in call.headers


async def test_connections_are_kept() -> None:
    """One for all calls, one after the other; none that a server has closed."""
    receiver = CallbackReceiver(200, b"x")
    async with calling(receiver) as caller:
        for _ in range(3):
            await caller.call("POST", receiver.url, {}, b"{}")
        assert len(receiver.port.connections.protocols) == 1


async def test_no_cookies() -> None:
    """What one answer wants remembered is not said with the next call."""
    receiver = CallbackReceiver(200, set_cookie="a=b; Path=/")
    async with calling(receiver) as caller:
        for _ in range(2):
            await caller.call("POST", receiver.url, {}, b"{}")
    assert ["cookie" in call.headers for call in receiver.calls] == [False, False]


async def test_redirects_are_not_followed() -> None:
    """Not even to where we may go."""
    other = CallbackReceiver(200)
    receiver = CallbackReceiver(307, location=other.url)
    assert (await called(receiver)).code == 307
    assert other.calls == []
    await other.close()


async def test_nothing_is_unpacked() -> None:
    """A small answer in gzip may be a big one."""
    assert (
        await called(CallbackReceiver(200, b"\x1f\x8b no gzip", content_encoding="gzip"))
    ).body == (b"\x1f\x8b no gzip")


async def test_an_endless_body() -> None:
    """The status counts; the rest is cut off, and the connection with it."""
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    far_end = hostile(head, again=b"x" * 4096)
    answer = await called(far_end)
    assert answer.code == 200
    assert len(answer.body) == LONGEST_ANSWER - len(head)


@pytest.mark.parametrize(
    "again", [b"X-A: " + b"b" * 1000 + b"\r\n", b"x" * 1000, b" folded" * 100 + b"\r\n"]
)
async def test_endless_headers(again: bytes) -> None:
    """No answer, and not more memory than for one."""
    found = await trouble(hostile(b"HTTP/1.1 200 OK\r\nX-A: b\r\n", again=again))
    assert "gave no answer in HTTP" in str(found)
    assert found.attempted


async def test_endless_interim_answers() -> None:
    """100 Continue for ever is no answer."""
    found = await trouble(hostile(b"", again=b"HTTP/1.1 100 Continue\r\n\r\n"))
    assert found.attempted


NONSENSE = {
    "nothing": b"",
    "no http": b"220 ESMTP\r\n",
    "nul": b"\0" * 100,
    "no status": b"HTTP/1.1\r\n\r\n",
    "status in words": b"HTTP/1.1 fine OK\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nx",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense(said: bytes) -> None:
    """It is no answer, and breaks nothing."""
    found = await trouble(hostile(said))
    assert found.attempted
    assert not isinstance(found, Away)


CUT = {
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    "no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nx",
}


@pytest.mark.parametrize("said", CUT.values(), ids=CUT)
async def test_a_broken_body(said: bytes) -> None:
    """The far side has said yes; what follows is worth nothing anyhow."""
    assert (await called(hostile(said))).code == 200


async def test_it_never_answers() -> None:
    """We do not wait for ever, and hang up."""
    found = await trouble(hostile(b"", hangs_up=False), timeout=0.1)
    assert str(found).endswith("did not answer within 0.1 s")
    assert found.attempted


async def test_a_body_that_never_ends() -> None:
    """Time ends it too; what came counts."""
    said = b"HTTP/1.1 500 No\r\nContent-Length: 50\r\n\r\nhello"
    answer = await called(hostile(said, hangs_up=False), timeout=0.2)
    assert answer == WebhookResponse(500, b"hello")


async def test_nobody_there() -> None:
    """It uses no attempt up."""
    async with calling() as caller:
        with pytest.raises(Away, match="cannot be reached"):
            await caller.call("GET", f"http://127.0.0.1:{free_port()}/", {})


# -- the fence --


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "0x7f.1"),
        *("2130706433", "0x7f000001", "0177.0.0.1"),
    ],
)
async def test_this_machine(host: str) -> None:
    """Under whatever name, it is not called; the sentence says the cure."""
    receiver = CallbackReceiver(200)
    async with calling(receiver, private=False) as caller:
        with pytest.raises(TryLater) as caught:
            await caller.call("GET", f"http://{host}:{receiver.port.number}/", {})
    assert isinstance(caught.value, PrivateAddressBlocked | Away)
    if isinstance(caught.value, PrivateAddressBlocked):
        assert "private = true" in str(caught.value)
    assert not caught.value.attempted
    assert receiver.calls == []


@define
class FakeResolver:
    """Answers each question about a name with the next of these addresses."""

    answers: list[list[str]]

    def resolveHostName(
        self, receiver: Any, hostName: str, portNumber: int = 0, *_: Any, **__: Any
    ) -> Any:
        receiver.resolutionBegan(self)
        for host in self.answers.pop(0):
            kind = IPv6Address if ":" in host else IPv4Address
            receiver.addressResolved(kind("TCP", host, portNumber))
        receiver.resolutionComplete()


class NamedReactor(PublicOnlyReactor):
    """The real one, with names of its own, and a note of what it was asked for."""

    def __init__(self, answers: list[list[str]], leads: int) -> None:
        super().__init__(core)
        self.names, self.asked, self.leads = FakeResolver(answers), [], leads

    @property
    def nameResolver(self) -> Any:
        return self.names

    def connectTCP(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        # Public addresses lead to the receiver: there is no public network here.
        self.asked.append(host)
        return core.connectTCP("127.0.0.1", self.leads, *args, **kwargs)


async def test_a_name_that_leads_inside() -> None:
    """The address that counts is the one that is connected to, not the name."""
    reactor = NamedReactor([["10.0.0.7"]], 1)
    async with calling(reactor=reactor, private=False) as caller:
        with pytest.raises(PrivateAddressBlocked, match="7 is private"):
            await caller.call("GET", "http://hooks.example.org/", {})
    assert reactor.asked == []


async def test_a_name_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own public address leads to what listens here, as loopback does."""
    assert is_own("127.0.0.1")
    assert not is_own("198.20.0.1")
    monkeypatch.setattr(client, "is_own", lambda host: host == "198.20.0.1")
    reactor = NamedReactor([["198.20.0.1"]], 1)
    async with calling(reactor=reactor, private=False) as caller:
        with pytest.raises(PrivateAddressBlocked, match="of this machine"):
            await caller.call("GET", "http://hooks.example.org/", {})
    assert reactor.asked == []


async def test_a_name_that_changes() -> None:
    """Public when it is looked up first, inside the next time: each connection is checked."""
    receiver = CallbackReceiver(204)
    reactor = NamedReactor([["198.20.0.1"], ["169.254.169.254"]], receiver.port.number)
    async with calling(receiver, reactor=reactor, private=False, persistent=False) as caller:
        assert (await caller.call("GET", "http://hooks.example.org/", {})).code == 204
        with pytest.raises(PrivateAddressBlocked, match="link-local"):
            await caller.call("GET", "http://hooks.example.org/", {})
    assert reactor.asked == ["198.20.0.1"]
    assert receiver.calls[0].headers["host"] == "hooks.example.org"


async def test_several_addresses() -> None:
    """Those inside are left out, the public one is called."""
    receiver = CallbackReceiver(204)
    reactor = NamedReactor([["10.0.0.7", "fe80::1", "198.20.0.1"]], receiver.port.number)
    async with calling(receiver, reactor=reactor, private=False) as caller:
        assert (await caller.call("GET", "http://hooks.example.org/", {})).code == 204
    assert reactor.asked == ["198.20.0.1"]


async def test_a_name_that_is_not_known() -> None:
    reactor = NamedReactor([[]], 1)
    async with calling(reactor=reactor) as caller:
        with pytest.raises(Away, match="its name is not known"):
            await caller.call("GET", "http://hooks.example.org/", {})
