"""What users may send, and how much of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.accounts.quotas import Permissions
from goiptwist.accounts.users import User
from goiptwist.errors import Forbidden, OverQuota
from goiptwist.model.messages import Submission
from goiptwist.model.quota import DAY
from tests.store.conftest import AT
from tests.wire import Wire
from tests.world import now


def permits(**keys: Any) -> Permissions:
    return Permissions.of_users([User(name="ops", **keys), User(name="free")], "HU")


class TestWhom:
    """Numbers and lines that a user may use."""

    @pytest.mark.parametrize("number", ["+36301234567", "06301234567", "06 30/123-4567"])
    def test_however_it_is_written(self, number: str) -> None:
        """A permit for +3630 is one for 0630."""
        permits(to=("+3630*", "112")).check("user:ops", [number], "")

    @pytest.mark.parametrize("number", ["+36201234567", "06201234567", "1120", "x"])
    def test_others(self, number: str) -> None:
        """Named, so that a list of recipients can be mended."""
        with pytest.raises(Forbidden, match=f"user:ops may not write to '{number.strip('+')}"[:30]):
            permits(to=("+3630*", "112")).check("user:ops", [number.lstrip("+")], "")

    def test_one_of_many(self) -> None:
        """All of them must be allowed: a text to several is kept whole or not at all."""
        with pytest.raises(Forbidden):
            permits(to=("+3630*",)).check("user:ops", ["+36301234567", "+36201234567"], "")

    @pytest.mark.parametrize("line", ["", "goip2"])
    def test_lines(self, line: str) -> None:
        """Any line of a pool could be another one."""
        with pytest.raises(Forbidden, match="by these lines only: goip1"):
            permits(lines=("goip1",)).check("user:ops", ["+361"], line)
        permits(lines=("goip1",)).check("user:ops", ["+361"], "goip1")

    def test_no_limit(self) -> None:
        """Users without these keys, and bridges, may do everything."""
        for origin in ("user:free", "bridge:ops", "host:192.0.2.1"):
            permits(to=("+3630*",)).check(origin, ["+4912345678"], "")


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    user = {"name": "ops", "token": "t0ken-t0ken", "messages_a_day": 3, "parts_a_day": 5}
    made = Wire(tmp_path, monkeypatch, tables={"user": [user]})
    yield made
    made.close()


def send(wire: Wire, *to: str, text: str = "hello", client_id: str = "") -> None:
    wire.submit(list(to or ("+361111",)), text, origin="user:ops", client_id=client_id)


class TestHowMuch:
    """Counted in the commit that keeps the texts."""

    def test_messages(self, wire: Wire) -> None:
        """Each recipient counts; what is refused does not."""
        send(wire, "+361111", "+362222")
        with pytest.raises(OverQuota, match="would be 4 messages today; 3 a day are allowed"):
            send(wire, "+361111", "+362222")
        send(wire)
        assert now(wire.store.used("user:ops", int(AT // DAY))) == (3, 3)

    def test_parts(self, wire: Wire) -> None:
        """A long text is several SMS, each of which is paid for."""
        send(wire, text="x" * 161)
        with pytest.raises(OverQuota, match="would be 6 parts today; 5 a day"):
            send(wire, text="ő" * 71 * 3)

    def test_when_to_come_again(self, wire: Wire) -> None:
        """At midnight UTC, when it works again."""
        send(wire, "+361111", "+362222", "+363333")
        with pytest.raises(OverQuota) as caught:
            send(wire)
        wire.clock.advance(caught.value.after - 1)
        with pytest.raises(OverQuota):
            send(wire)
        wire.clock.advance(1)
        send(wire)

    def test_a_restart(self, wire: Wire) -> None:
        """It is on disk."""
        send(wire, "+361111", "+362222", "+363333")
        wire.crash()
        wire.start()
        with pytest.raises(OverQuota):
            send(wire)

    def test_a_repeat_costs_nothing(self, wire: Wire) -> None:
        """It is the same message, which was counted."""
        for _ in range(5):
            send(wire, client_id="x")
        assert now(wire.store.used("user:ops", int(AT // DAY))) == (1, 1)

    def test_in_one_commit(self, wire: Wire) -> None:
        """Five at once: three are kept, and the others told so."""
        wanted = [
            Submission(origin="user:ops", recipients=(f"+36111{n}",), text="x") for n in range(5)
        ]
        results = now(Deferred.fromCoroutine(wire.gateway.traffic.submit_many(wanted)))
        assert [isinstance(one, OverQuota) for one in results] == [False] * 3 + [True] * 2
        assert len(now(wire.store.messages(None, "", 9))) == 3

    def test_others_have_no_limit(self, wire: Wire) -> None:
        """Nor are they counted."""
        for _ in range(9):
            wire.one()
        assert now(wire.store.used("user:test", int(AT // DAY))) == (0, 0)


@pytest.mark.parametrize("key", ["messages_a_day", "parts_a_day"])
def test_a_negative_quota(key: str) -> None:
    """Nobody knows what it would mean."""
    with pytest.raises(ValueError, match=f"{key}: must be 0 or more"):
        User(name="ops", **{key: -1})
