"""What a bridge's section may say besides its own keys."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen

from goiptwist.config.common import DeliverySettings
from goiptwist.delivery.retry import BRIDGE_SCHEDULE
from goiptwist.errors import BadConfiguration
from goiptwist.gateway.bridge_keys import retry_policy
from goiptwist.gateway.settings import read_settings

LINES = [{"id": "goip1", "password": "secret1"}]
MAIL: dict[str, Any] = {"kind": "mail", "to": ["ops@example.org"], "sender": "sms@example.org"}


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"fallback": "nobody"}, "fallback: there is no bridge 'nobody'"),
        ({"fallback": "ops"}, "fallback: must be another bridge"),
        ({"lines": ["goip9"]}, "lines: there is no line 'goip9'"),
        ({"pools": ["sales"]}, "pools: there is no pool 'sales'"),
    ],
)
def test_what_is_not_there(keys: dict[str, Any], sentence: str) -> None:
    """Said at the start, not when the first SMS is lost by it."""
    tables = {"line": LINES, "bridge": {"ops": {**MAIL, **keys}}}
    with pytest.raises(BadConfiguration) as caught:
        read_settings(tables, "goip.toml")
    assert list(caught.value.problems) == [f"goip.toml [bridge.ops]: {sentence}"]


def test_a_mailbox_that_nobody_looks_into() -> None:
    """Answers would pile up there unread."""
    tables = {"line": LINES, "bridge": {"ops": {**MAIL, "mailbox": "sms@example.org"}}}
    with pytest.raises(BadConfiguration) as caught:
        read_settings(tables, "goip.toml")
    sentence = "server: name the server that has the mailbox sms@example.org"
    assert list(caught.value.problems) == [f"goip.toml [imap]: {sentence}"]
    imap = {"server": "127.0.0.1:993", "username": "sms", "password": "secret2"}
    read_settings({**tables, "imap": imap}, "goip.toml")


@frozen
class SaysRetries:
    """A bridge, or its settings, that says how it is to be tried."""

    attempts: int = 4
    at_once: int = 2


def retries(bridge: object, settings: object) -> tuple[int, int]:
    """How often a message is tried, and how many at once."""
    policy = retry_policy(bridge, settings, DeliverySettings(give_up=60.0))
    assert (policy.lifetime, policy.schedule, policy.circuit_breaker) == (
        60.0,
        BRIDGE_SCHEDULE,
        True,
    )
    return policy.attempts, policy.at_once


def test_retries() -> None:
    """What a bridge says of itself counts, then its settings, then what suits a mail server."""
    assert retries(object(), object()) == (0, 10)
    assert retries(object(), SaysRetries()) == (4, 2)
    assert retries(SaysRetries(attempts=1), SaysRetries()) == (1, 2)
