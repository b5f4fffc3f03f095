"""What a bridge's section may say besides its own keys."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen

from goiptwist.errors import BadConfiguration
from goiptwist.gateway.bridging import RetrySettings, pace_of
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
class Says:
    """A bridge, or its settings, that says something of its pace."""

    attempts: int = 4
    at_once: int = 2


def test_pace() -> None:
    """What a bridge says of itself counts, then its settings, then what suits a mail server."""
    assert pace_of(object(), object()) == RetrySettings()
    assert pace_of(object(), Says()) == RetrySettings(attempts=4, at_once=2)
    assert pace_of(Says(attempts=1), Says()) == RetrySettings(attempts=1, at_once=2)
