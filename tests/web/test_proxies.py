"""Where a request comes from, if a proxy of ours says so."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.web.http_headers import Headers
from twisted.web.test.requesthelper import DummyRequest

from goiptwist.config.values import Network
from goiptwist.web.http.proxies import NO_PROXIES, TrustedProxies

PROXIES = TrustedProxies([Network.from_setting(n) for n in ("127.0.0.1", "10.0.0.0/8", "fd00::/8")])
PROXY, STRANGER = "127.0.0.1", "198.51.100.7"


def request(peer: str, **headers: str | list[str]) -> Any:
    """@param headers: with an underscore for each hyphen."""
    asked = DummyRequest([b""])
    asked.client = (IPv6Address if ":" in peer else IPv4Address)("TCP", peer, 1234)
    asked.requestHeaders = Headers(
        {
            name.replace("_", "-"): [value] if isinstance(value, str) else value
            for name, value in headers.items()
        }
    )
    return asked


def test_without_proxies_nobody_is_believed() -> None:
    asked = request(PROXY, X_Forwarded_For="192.0.2.1", Forwarded="for=192.0.2.1")
    assert NO_PROXIES.source_of(asked) == PROXY


def test_a_stranger_is_not_believed() -> None:
    asked = request(STRANGER, X_Forwarded_For="127.0.0.1", Forwarded="for=127.0.0.1")
    assert PROXIES.source_of(asked) == STRANGER


def test_a_local_socket_has_no_address() -> None:
    asked = request(PROXY)
    asked.client = UNIXAddress(b"/run/socket")
    assert PROXIES.source_of(asked) == ""


@pytest.mark.parametrize(
    ("header", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1", "192.0.2.1"),  # the first is what the client says of itself
        ("127.0.0.1, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, 10.1.2.3,10.4.5.6", "192.0.2.1"),
        ("10.1.2.3, 10.4.5.6", "10.1.2.3"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("192.0.2.1,", "unknown"),
        ("192.0.2.1, unknown", "unknown"),
        ("192.0.2.1, fd00::1", "192.0.2.1"),
        (["203.0.113.9", "192.0.2.1, 10.0.0.1"], "192.0.2.1"),
        ("\xe4\xf6", "\xe4\xf6"),
        ("x" * 5000, "x" * 64),
        ("", "127.0.0.1"),
    ],
)
def test_x_forwarded_for(header: str | list[str], source: str) -> None:
    """The right-most hop that is none of our proxies, whatever a client wrote before it."""
    values = [header] if isinstance(header, str) else header
    asked = request(PROXY)
    asked.requestHeaders.setRawHeaders(
        b"X-Forwarded-For", [value.encode("latin-1") for value in values]
    )
    assert PROXIES.source_of(asked) == source


@pytest.mark.parametrize(
    ("header", "source"),
    [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1"),
        ('for="192.0.2.1:4711"', "192.0.2.1"),
        ('for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ('for="[2001:db8:cafe::17]", for=10.0.0.1', "2001:db8:cafe::17"),
        ("for=203.0.113.9, for=192.0.2.1", "192.0.2.1"),
        ('for=203.0.113.9;host="a,b;for=1.2.3.4", for=192.0.2.1', "192.0.2.1"),
        ("for=203.0.113.9,for=192.0.2.1,for=10.0.0.1", "192.0.2.1"),
        (["for=203.0.113.9", "for=192.0.2.1"], "192.0.2.1"),
        ("for=_hidden", "_hidden"),
        ("for=192.0.2.1, for=unknown", "unknown"),
        (
            "for=192.0.2.1, proto=https",
            "unknown",
        ),  # our proxy hides it; what stands before is no word of ours
        (" for=192.0.2.1 ; proto=https ,, for=10.0.0.1 ", "unknown"),
        ('for="192.0.2\\.1"', "192.0.2.1"),
    ],
)
def test_forwarded(header: str | list[str], source: str) -> None:
    """RFC 7239, with the quoting that it allows."""
    assert PROXIES.source_of(request(PROXY, Forwarded=header)) == source


@pytest.mark.parametrize(
    "header",
    [
        "192.0.2.1",
        "for=[2001:db8::1]",
        'for=203.0.113.9;host=", for=192.0.2.1',
        'for=203.0.113.9;host=", for="[2001:db8::1]"',
        "for=1.2.3.4 for=5.6.7.8",
        "for=",
        "x" * 9000,
    ],
)
def test_forwarded_that_cannot_be_read(header: str) -> None:
    """A client that breaks the header must not choose what is read of it."""
    with pytest.raises(ValueError, match="header Forwarded is"):
        PROXIES.source_of(request(PROXY, Forwarded=header))


def test_two_headers_that_do_not_agree() -> None:
    """The proxy writes one of them, and the other may come from the client."""
    asked = request(PROXY, Forwarded="for=192.0.2.1", X_Forwarded_For="203.0.113.9")
    with pytest.raises(ValueError, match="two addresses"):
        PROXIES.source_of(asked)
    asked = request(PROXY, Forwarded="for=192.0.2.1", X_Forwarded_For="203.0.113.9, 192.0.2.1")
    assert PROXIES.source_of(asked) == "192.0.2.1"
