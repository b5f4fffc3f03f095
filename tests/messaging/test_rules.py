"""The rules of bridges, as a file says them."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.errors import BadConfiguration
from goiptwist.gateway.bridge_keys import routing_rule
from goiptwist.gateway.settings import read_settings
from goiptwist.messaging.router import EVERYTHING, RoutingRule


def tables(**keys: Any) -> dict[str, Any]:
    """A configuration with one line and one bridge."""
    mail = {"kind": "mail", "to": ["ops@example.org"], "sender": "sms@example.org", **keys}
    return {
        "line": [{"id": "goip1", "password": "pw", "pool": "a"}],
        "bridge": {"ops": mail},
    }


def test_rule() -> None:
    """The keys of a rule stand in the section of the bridge."""
    settings = read_settings(tables(lines=["goip1"], match="alarm"), "f")
    assert routing_rule(settings.bridges["ops"][1]) == RoutingRule(lines=("goip1",), match="alarm")


def test_no_rule() -> None:
    """A bridge that says nothing wants everything; one without such keys as well."""
    settings = read_settings(tables(), "f")
    assert routing_rule(settings.bridges["ops"][1]) is EVERYTHING
    assert routing_rule(object()) is EVERYTHING


def test_what_would_never_hold() -> None:
    """A rule for a line that there is not would drop every SMS without a word."""
    with pytest.raises(BadConfiguration) as caught:
        read_settings(tables(lines=["goip2"], pools=["b"], match="("), "f")
    assert [p.partition(": match")[0] for p in caught.value.problems] == ["f [bridge.ops]"]
    with pytest.raises(BadConfiguration) as caught:
        read_settings(tables(lines=["goip2"], pools=["b"]), "f")
    assert caught.value.problems == (
        "f [bridge.ops]: lines: there is no line 'goip2'",
        "f [bridge.ops]: pools: there is no pool 'b'",
    )
