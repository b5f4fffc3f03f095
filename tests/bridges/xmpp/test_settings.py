"""What a section of a chat bridge may say, and what follows from it for the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.errors import BadConfiguration, OverQuota
from goiptwist.gateway.settings import read_settings
from goiptwist.model.messages import Submission
from tests.world import World, now

LINES = [{"id": "goip1", "password": "secret1"}]
CHAT: dict[str, Any] = {
    "kind": "xmpp",
    "jid": "bot@example.org",
    "password": "secret-of-bot",
    "to": ["ann@example.org"],
}


def problems(**keys: Any) -> list[str]:
    """What is wrong with a section."""
    try:
        read_settings({"line": LINES, "bridge": {"chat": {**CHAT, **keys}}}, "t")
    except BadConfiguration as wrong:
        return list(wrong.problems)
    return []


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"mode": "component", "jid": "sms.example.org", "server": "127.0.0.1:5347"},
        {"allow": ["ann@example.org", "example.net"], "receipt": "sent", "plain": "last"},
        {"line": "goip1"},
        {"pool": "default"},
    ],
)
def test_what_is_right(keys: dict[str, Any]) -> None:
    """Both modes, and what one can say of them."""
    assert problems(**keys) == []


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"mode": "bot"}, 'mode: must be "client" or "component"'),
        ({"jid": "example.org"}, "jid: 'example.org' is no account"),
        ({"mode": "component"}, "is no domain; a component has one"),
        ({"to": []}, "to: name at least one"),
        ({"to": ["example.org"]}, "to: 'example.org' is no JID"),
        ({"to": ["ann@example.org", "Ann@example.org"]}, "stands twice"),
        ({"allow": ["ann@example.org/phone"]}, "neither a JID without a resource nor a domain"),
        ({"receipt": "read"}, 'receipt: must be "delivered" or "sent"'),
        ({"plain": "first"}, 'plain: must be "refuse" or "last"'),
        ({"line": "goip9"}, "line: there is no line 'goip9'"),
        ({"pool": "sales"}, "pool: there is no pool 'sales'"),
        ({"line": "goip1", "pool": "default"}, "pool: contradicts line"),
        ({"messages_a_day": -1}, "messages_a_day: must be 0"),
        ({"too_old": 0}, "too_old: must be more than 0"),
        ({"ca": "/nowhere.pem"}, "ca: cannot read /nowhere.pem"),
        ({"match": "("}, "is no regular expression"),
    ],
)
def test_what_is_wrong_is_said(keys: dict[str, Any], sentence: str) -> None:
    """At the start, with the key and what was meant."""
    [problem] = problems(**keys)
    assert sentence in problem
    assert "secret-of-bot" not in problem


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A gateway whose chat bridge has not been started."""
    chat = {**CHAT, "allow": ["example.org"], "messages_a_day": 2}
    made = World(tmp_path / "db", monkeypatch, 1, tables={"bridge": {"chat": chat}})
    yield made
    made.close()


def test_each_person_has_a_quota(world: World) -> None:
    """It is counted on disk, with the text itself; one does not use up another's."""

    def text(who: str, number: int) -> None:
        wanted = Submission(
            origin=f"bridge:chat/{who}@example.org",
            recipients=("+36301234567",),
            text="x",
            client_id=f"{who} {number}",
        )
        now(Deferred.fromCoroutine(world.gateway.powers.messages.submit(wanted)))

    text("ann", 1)
    text("ann", 2)
    text("ann", 2)  # the same once more costs nothing
    with pytest.raises(OverQuota, match="2 a day are allowed"):
        text("ann", 3)
    text("ben", 1)


def test_health_knows_that_nobody_is_connected(world: World) -> None:
    """Before the first SMS waits for it."""
    assert "bridge chat: not connected yet" in world.gateway.powers.operator.health().problems
