"""A storm of the same alarm wakes people once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.contact_id import notation
from goiptwist.errors import Refused
from goiptwist.model.messages import AlarmReport, Message, State
from tests.world import World, now

SEED = "1113,18,1,123,03,003"
RESTORED = "1113,18,3,123,03,003"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    tables = {
        "route": [
            {"user": "other", "account": "1113", "to": ["elsewhere"]},
            {"account": "1113", "to": ["ops"]},
        ],
        "user": [{"name": "other", "token": "8d1f0c7e5a"}],
        "bridge": {
            "ops": {"kind": "recorder"},
            "elsewhere": {"kind": "recorder"},
        },
    }
    made = World(tmp_path, monkeypatch, tables=tables)
    yield made
    made.close()


def report(event: str = SEED, **more: Any) -> AlarmReport:
    more.setdefault("origin", "user:panel")
    return AlarmReport(event=notation.read(event), **more)


def raised(world: World, event: str = SEED, **more: Any) -> Message:
    coming = world.gateway.powers.alarms.raise_alarm(report(event, **more))
    kept = now(Deferred.fromCoroutine(coming))
    world.advance(1)
    return kept


def notes(world: World, message: Message) -> list[str]:
    """What the journey says of repeats."""
    return [s.detail for s in now(world.store.journey(message.id)) if s.what == "repeated"]


def test_the_same_again(world: World) -> None:
    """A loose contact: one alarm, and the journey counts the rest."""
    first = raised(world)
    again = [raised(world) for _ in range(8)]
    assert {kept.id for kept in again} == {first.id}
    assert len(world.recorder.taken) == 1
    assert notes(world, first) == [
        "came again once within 1 s",
        "came again 2 times within 2 s",
        "came again 4 times within 4 s",
        "came again 8 times within 8 s",
    ]


def test_it_goes_on(world: World) -> None:
    """An alarm that never ends is told again in each window, not silenced for ever."""
    first = raised(world)
    world.advance(30)
    second = raised(world)
    assert second.id != first.id
    assert len(world.recorder.taken) == 2


def test_a_restore_is_no_repeat(world: World) -> None:
    """Opening and closing within a second are two things that happened."""
    assert raised(world, RESTORED).id != raised(world).id


def test_another_way(world: World) -> None:
    """Whoever reports to elsewhere cannot keep the alarm from those who need it."""
    elsewhere = raised(world, origin="user:other")
    assert raised(world).id != elsewhere.id
    assert len(world.recorder.taken) == 1


def test_the_first_was_lost(world: World) -> None:
    """If nobody got it, the repeat is another chance."""
    world.recorder.troubles.append(Refused("no"))
    first = raised(world)
    assert world.message(first.id).state is State.FAILED
    second = raised(world)
    assert world.message(second.id).state is State.DELIVERED


def test_all_at_once(world: World) -> None:
    """Repeats that come before the first is on disk are repeats too."""
    coming = [
        Deferred.fromCoroutine(world.gateway.powers.alarms.raise_alarm(report()))
        for _ in range(100)
    ]
    assert len({now(one).id for one in coming}) == 1


def test_another_try_of_one_request(world: World) -> None:
    """A client that heard no answer asks again; nothing happened twice."""
    first = raised(world, client_id="a")
    assert raised(world, client_id="a").id == first.id
    assert notes(world, first) == []
