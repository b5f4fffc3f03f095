"""[http]: where passwords could be read along is said before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goiptwist.config import loader
from goiptwist.config.values import HostPort
from goiptwist.web.settings import HttpSettings
from tests.bridges.mail.outgoing.smarthosts import Authority


def read(table: dict[str, Any]) -> tuple[HttpSettings | None, list[str]]:
    """@return: the settings, and the problems."""
    problems = loader.Problems("goip.toml")
    return loader.section(HttpSettings, table, "[http]", problems), problems.found


def test_only_this_machine_by_default() -> None:
    settings, problems = read({})
    assert settings is not None
    assert problems == []
    assert list(settings.listen) == [HostPort("127.0.0.1", 8080)]
    assert (list(settings.listen_tls), settings.clear, settings.strict) == ([], False, False)


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ("", []),
        ([], []),
        ("127.0.0.1:80", ["127.0.0.1:80"]),
        (["127.0.0.1:80", "[::1]:80", "localhost:1"], ["127.0.0.1:80", "[::1]:80", "localhost:1"]),
    ],
)
def test_none_one_or_many(value: Any, places: list[str]) -> None:
    """As it was before there could be a list, and as a list."""
    settings, problems = read({"listen": value})
    assert settings is not None
    assert problems == []
    assert [str(place) for place in settings.listen] == places


@pytest.mark.parametrize("place", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "sms.example.org:80"])
def test_clear_text_is_for_this_machine(place: str) -> None:
    """Elsewhere somebody has to say that nobody reads along."""
    _, problems = read({"listen": ["127.0.0.1:80", place]})
    assert problems == [
        f"goip.toml [http]: listen: passwords would come to {place} in clear text; say "
        "listen_tls instead, or clear = true if nobody can read along"
    ]
    settings, problems = read({"listen": place, "clear": True})
    assert settings is not None
    assert problems == []


def test_tls(tmp_path: Path) -> None:
    """Its files are read at once."""
    Authority(tmp_path).server("localhost")
    pem = str(tmp_path / "Test CA localhost.key")
    keys = {"listen_tls": "0.0.0.0:443", "certificate": pem, "private_key": pem}
    settings, problems = read(keys)
    assert settings is not None
    assert problems == []
    for missing, said in (
        ("certificate", "listen_tls needs a certificate; set certificate and private_key"),
        ("private_key", "certificate needs its private_key"),
    ):
        _, problems = read({key: value for key, value in keys.items() if key != missing})
        assert f"goip.toml [http]: {said}" in problems
    _, problems = read({**keys, "certificate": str(tmp_path / "gone")})
    assert problems == [
        f"goip.toml [http]: certificate: cannot read {tmp_path / 'gone'}: No such file or directory"
    ]


@pytest.mark.parametrize("value", [80, "80", ["80"], [80], {}])
def test_what_is_no_place(value: Any) -> None:
    _, problems = read({"listen": value})
    assert problems == ["goip.toml [http]: listen must be host:port, such as 127.0.0.1:8080"]


def test_proxies() -> None:
    """Those who are believed where a request comes from are named, one by one or by network."""
    settings, problems = read({"proxies": ["127.0.0.1", "10.0.0.0/8"]})
    assert settings is not None
    assert problems == []
    assert [str(proxy) for proxy in settings.proxies] == ["127.0.0.1/32", "10.0.0.0/8"]


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "::/0"])
def test_not_everybody_is_a_proxy(everybody: str) -> None:
    """Otherwise each guess could come from an address of its own."""
    _, problems = read({"proxies": [everybody]})
    assert problems == [
        "goip.toml [http]: proxies: everybody could then claim any address; name your own proxies"
    ]
