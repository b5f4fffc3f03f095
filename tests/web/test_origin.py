"""Pages of others cannot make a browser that knows a password act for them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from tests.web.ozeki.client import LOGIN, TEXT, Asking

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SENDING = urlencode({"action": "sendmessage", **LOGIN, **TEXT})


@pytest.fixture
def asking() -> Asking:
    return Asking()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Origin": "http://x:8081"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_from_another_page(asking: Asking, headers: Mapping[str, str], method: str) -> None:
    """What a form, an image or a script there sends is refused, whoever is logged in."""
    if method == "GET":
        reply = asking.ask("GET", f"/api?{SENDING}", headers=headers)
    else:
        reply = asking.ask("POST", "/api", SENDING.encode(), {**FORM, **headers})
    assert reply.status == 403
    assert asking.texts == []
    if method == "POST":
        reply = asking.ask("POST", "/api/v1/alarms/x/acknowledge", headers=headers)
        assert reply.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://x"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://x"},
        {"Origin": "https://sms.example.org", "X-Forwarded-Host": "sms.example.org"},
    ],
)
def test_from_our_own_page_or_a_program(asking: Asking, headers: Mapping[str, str]) -> None:
    """Programs say nothing of it; our pages and typed addresses are right."""
    assert asking.ask("GET", f"/api?{SENDING}", headers=headers).codes == ["0"]


def test_a_link_may_be_followed(asking: Asking) -> None:
    """To what changes nothing."""
    reply = asking.ask("GET", "/api/v1/docs", headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status == 200


@pytest.mark.parametrize("hosts", [b"", b"Host: x\r\nHost: y\r\n", b"Host: x\r\nHost: x\r\n"])
def test_one_host(asking: Asking, hosts: bytes) -> None:
    """RFC 9112 section 3.2: not none, and no second one."""
    assert asking.raw(b"GET /healthz HTTP/1.1\r\n" + hosts + b"\r\n").startswith(b"HTTP/1.1 400 ")


def test_another_path(asking: Asking) -> None:
    """Only C{/api} is the dialect: what stands before it with two slashes is not."""
    assert asking.ask("GET", f"//api?{SENDING}").status == 404
    assert asking.texts == []


class TestLargeRequests:
    """Before who asks is known, a request costs no more than its bytes."""

    def test_a_stranger(self, asking: Asking) -> None:
        """Megabytes of a form are not decoded for somebody who has no password."""
        body = b"username=eve&password=x&" + b"&".join(b"a%d=%%41" % n for n in range(20_000))
        assert asking.post(body).codes[:1] == ["305"] or asking.post(body).status in (401, 200)
        assert asking.texts == []

    def test_one_long_parameter(self, asking: Asking) -> None:
        """No text and no list of recipients is that long."""
        reply = asking.post(SENDING.encode() + b"&x=" + b"%41" * 1_000_000)
        assert b"longer than" in reply.body
        assert asking.texts == []

    def test_a_large_batch_of_a_user(self, asking: Asking) -> None:
        """The login stands in the form, before or behind what is sent."""
        texts = {f"recipient{n}": "+36301234567" for n in range(3000)}
        texts |= {f"messagedata{n}": "hello" for n in range(3000)}
        body = urlencode({"action": "sendmessage", **texts, **LOGIN}).encode()
        asking.post(body)
        assert len(asking.texts) == 3000


class TestConnections:
    """One address does not take what is there for all."""

    def test_of_one_source(self, monkeypatch: pytest.MonkeyPatch, asking: Asking) -> None:
        """Its oldest idle connection goes; others are not touched."""
        from twisted.internet.address import IPv4Address, IPv6Address
        from twisted.internet.testing import StringTransport

        monkeypatch.setattr("goiptwist.web.http.site.MAX_BY_SOURCE", 2)
        made = []
        places = [IPv4Address("TCP", "192.0.2.9", 1)]
        places += [IPv6Address("TCP", f"2001:db8::{n}", 1) for n in range(1, 5)]
        for place in places:
            channel = asking.site.buildProtocol(place)
            transport = StringTransport(peerAddress=place)
            transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
            channel.makeConnection(transport)  # type: ignore[union-attr]
            made.append(transport)
        assert [transport.disconnecting for transport in made] == [False, True, True, False, False]
        for channel in tuple(asking.site.channels):
            channel.setTimeout(None)
