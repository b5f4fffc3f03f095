"""What settings may hold, beyond text and numbers."""

from __future__ import annotations

import pytest

from goiptwist.config.values import PLACEHOLDERS, HostPort, Network, Password


@pytest.mark.parametrize(
    ("written", "host", "port", "loopback"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("localhost:1", "localhost", 1, True),
        ("[::1]:8080", "::1", 8080, True),
        ("0.0.0.0:0", "0.0.0.0", 0, False),
        ("[2001:db8::1]:65535", "2001:db8::1", 65535, False),
        ("sms.example.org:25", "sms.example.org", 25, False),
    ],
)
def test_host_and_port(written: str, host: str, port: int, loopback: bool) -> None:
    """Read, shown as it was written, and known for loopback or not."""
    value = HostPort.from_setting(written)
    assert (value.host, value.port, value.is_loopback) == (host, port, loopback)
    assert str(value) == written


@pytest.mark.parametrize(
    "written",
    [
        *("", "host", ":80", "host:", "host:x", "host:-1", "host:65536", "::1:80"),
        *("host:\u0661", 80, None, ["a:1"]),
    ],
)
def test_no_host_and_port(written: object) -> None:
    """The error says how it is written."""
    with pytest.raises(ValueError, match="must be host:port"):
        HostPort.from_setting(written)


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.8", "::1"]),
        ("192.0.2.0/24", ["192.0.2.0", "192.0.2.255"], ["192.0.3.0"]),
        ("192.0.2.7/24", ["192.0.2.1"], ["192.0.3.0"]),
        ("2001:db8::/32", ["2001:db8::1"], ["2001:db9::1", "192.0.2.7"]),
        ("::ffff:192.0.2.7", ["::ffff:192.0.2.7"], ["::ffff:192.0.2.8"]),
    ],
)
def test_networks(written: str, inside: list[str], outside: list[str]) -> None:
    """An address is a network of one."""
    network = Network.from_setting(written)
    assert all(network.holds(host) for host in inside)
    assert not any(network.holds(host) for host in outside)


@pytest.mark.parametrize("written", ["", "localhost", "192.0.2", "192.0.2.0/33", 1, None])
def test_no_networks(written: object) -> None:
    """Names are none: they would be looked up at a bad moment."""
    with pytest.raises(ValueError, match="must be an address or a network"):
        Network.from_setting(written)


class TestPassword:
    """A secret shows itself to nobody."""

    def test_shown_nowhere(self) -> None:
        """Neither by repr nor in a format."""
        password = Password.from_setting("geheim")
        assert "geheim" not in f"{password!r} {password} {[password]}"

    @pytest.mark.parametrize(
        ("said", "right"),
        [("geheim", True), ("geheim ", False), ("", False), ("gehe\u00efm", False)],
    )
    def test_matches(self, said: str, right: bool) -> None:
        """The whole of it; text beyond ASCII is no error."""
        assert Password.from_setting("geheim").matches(said) is right
        assert Password.from_setting("\u00e1\u00e9").matches("\u00e1\u00e9")

    @pytest.mark.parametrize("written", [*sorted(PLACEHOLDERS), " CHANGEME ", 5, None])
    def test_placeholders(self, written: object) -> None:
        """Nobody starts with the secret of an example."""
        with pytest.raises(ValueError, match=r"placeholder|must be a text"):
            Password.from_setting(written)
