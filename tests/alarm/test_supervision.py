"""Each way is proved, and a way that fails is an alarm by the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.errors import BadConfiguration, Refused, TryLater
from tests.world import World, now

HOUR = 3600.0
TABLES: dict[str, Any] = {
    "alarm": {"test_every": HOUR, "test_account": "1113", "test_wait": 120.0},
    "route": [{"account": "1113", "chain": ["station", "ops"]}],
    "bridge": {"ops": {"kind": "recorder"}, "station": {"kind": "recorder"}},
}

Begins = Callable[..., World]


@pytest.fixture
def begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begins]:
    worlds: list[World] = []

    def begin(**tables: Any) -> World:
        world = World(tmp_path, monkeypatch, tables={**TABLES, **tables})
        worlds.append(world)
        beats(world)
        return world

    yield begin
    for world in worlds:
        world.gateway.supervision.stop()
        world.close()


def beats(world: World) -> None:
    """What the service does when it starts."""
    now(Deferred.fromCoroutine(world.gateway.supervision.start()))
    world.advance(1)


def next_turn(world: World) -> None:
    """Let time pass until just after the next tests."""
    left = HOUR - world.gateway_clock.seconds() % HOUR
    world.advance(left, 20)
    world.advance(2)


def had(world: World, name: str) -> list[str]:
    """The alarms that a bridge has had."""
    return [message.alarm for message in world.recorders.made[name].taken]


def test_every_way(begins: Begins) -> None:
    """At the start and at each interval, by each way that a route names."""
    world = begins()
    assert had(world, "station") == ["1113,18,1,602,00,001"]
    assert had(world, "ops") == ["1113,18,1,602,00,002"]
    next_turn(world)
    assert len(had(world, "station")) == len(had(world, "ops")) == 2
    assert world.gateway.alarms.problems() == world.gateway.supervision.problems() == []


def test_a_way_fails_and_comes_back(begins: Begins) -> None:
    """The others tell, /healthz tells, and the restore tells that it is over."""
    world = begins()
    world.recorders.made["station"].troubles = [Refused("number not in use")] * 2
    next_turn(world)
    assert "1113,18,1,350,00,001" in had(world, "ops")
    assert world.gateway.supervision.problems() == [
        "no test alarm gets through by station: number not in use"
    ]
    next_turn(world)
    assert "1113,18,3,350,00,001" in had(world, "station")
    assert world.gateway.supervision.problems() == []


def test_silence(begins: Begins) -> None:
    """A way that says nothing is lost as well, until its test arrives after all."""
    world = begins(route=[{"account": "1113", "to": ["station", "ops"]}])
    world.recorders.made["station"].troubles = [TryLater("busy")] * 3
    next_turn(world)
    assert had(world, "station") == ["1113,18,1,602,00,001"]
    world.advance(130, 10)
    assert "1113,18,1,350,00,001" in had(world, "ops")
    world.advance(600, 10)
    assert world.gateway.supervision.problems() == []


def test_restart(begins: Begins) -> None:
    """A restart neither repeats a test nor forgets that a way is lost."""
    world = begins()
    world.recorders.made["station"].troubles = [Refused("no")] * 2
    next_turn(world)
    before = had(world, "ops")
    world.gateway.supervision.stop()
    world.crash()
    world.start_gateway()
    beats(world)
    assert had(world, "ops") == before
    assert list(world.gateway.supervision.lost) == ["station"]


def test_some_ways(begins: Begins) -> None:
    """People need not be texted each day; their zone is their place in the list."""
    world = begins(alarm={**TABLES["alarm"], "test_bridges": ["ops"]})
    assert had(world, "station") == []
    assert had(world, "ops") == ["1113,18,1,602,00,001"]


def test_no_tests(begins: Begins) -> None:
    """Unasked, nothing is sent to anybody."""
    world = begins(alarm={})
    world.advance(HOUR, 60)
    assert had(world, "station") == had(world, "ops") == []


@pytest.mark.parametrize(
    ("alarm", "why"),
    [
        ({"test_every": 3600.0}, "needs a test_account"),
        ({"test_every": 30.0, "test_account": "1113"}, "at least 60 seconds"),
        ({"test_every": 3600.0, "test_account": "2224"}, "test_account: no route takes an alarm"),
        ({"test_bridges": ["nobody"]}, "there is no bridge 'nobody'"),
        ({"test_account": "x"}, "must be 4 hex digits"),
    ],
)
def test_settings(begins: Begins, alarm: dict[str, Any], why: str) -> None:
    """Tests that could not warn anybody stop the start."""
    with pytest.raises(BadConfiguration, match=why):
        begins(alarm=alarm)
