"""
An alarm finds a person: a whole gateway, a simulated device, and people who
sleep, answer, or are out of reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.contact_id import notation
from goiptwist.errors import TryLater
from goiptwist.model.messages import AlarmReport, Message, State
from goiptwist.simulator.settings import SimulatorSettings
from tests.world import World, now

ANNA, BELA = "+36301111111", "+36302222222"
SEED = "1113,18,1,123,03,003"

Night = Callable[..., World]


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """A gateway with a station, and Anna and Béla on call."""
    worlds: list[World] = []

    def begin(reports: bool = True, **route: Any) -> World:
        world = World(
            tmp_path,
            monkeypatch,
            simulated=SimulatorSettings(reports=reports, report_after=(2.0, 2.0)),
            tables={
                "bridge": {
                    "ops": {"kind": "recorder"},
                    "station": {"kind": "recorder", "sms": False},
                    "anna": {"kind": "sms", "numbers": [ANNA]},
                    "bela": {"kind": "sms", "numbers": [BELA]},
                },
                "route": [{"account": "1113", **route}],
            },
        )
        worlds.append(world)
        world.present()
        return world

    yield begin
    for world in worlds:
        world.close()


def alarm(world: World, event: str = SEED) -> Message:
    """A panel reports an event."""
    report = AlarmReport(event=notation.read(event), origin="user:panel")
    return now(Deferred.fromCoroutine(world.gateway.powers.alarms.raise_alarm(report)))


def texts(world: World) -> list[tuple[str, str]]:
    """Who has been texted what, over the air."""
    return [(entry.recipient, entry.text) for entry in world.device.book.sent]


def answers(world: World, number: str, text: str) -> None:
    """Somebody texts the SIM of the first line."""
    world.device.lines["goip1"].receive_sms(number, text)
    world.advance(5)


def steps(world: World, message: Message) -> list[str]:
    """The journey of an alarm, each step as a word and a place."""
    return [f"{step.what} {step.where}".strip() for step in now(world.store.journey(message.id))]


def test_the_handset_has_it(night: Night) -> None:
    """One person, one SMS, and delivered means that the phone has it."""
    world = night(to=["anna"])
    kept = alarm(world)
    assert world.message(kept.id).state is State.RECEIVED
    world.advance(15)
    [(number, text)] = texts(world)
    assert (number, text) == (
        ANNA,
        f"Account 1113: audible panic alarm, partition 3, zone 3. Reply ACK {kept.id}",
    )
    assert world.message(kept.id).state is State.DELIVERED


def test_the_next_person(night: Night) -> None:
    """No report of the first handset: after the wait the second person is woken."""
    world = night(reports=False, chain=["anna", "bela"], escalate_after=30.0)
    kept = alarm(world)
    world.advance(20)
    assert [number for number, _ in texts(world)] == [ANNA]
    world.advance(20)
    assert [number for number, _ in texts(world)] == [ANNA, BELA]
    answers(world, BELA, f"ACK {kept.id}")
    assert world.message(kept.id).state is State.DELIVERED
    assert "acknowledged" in steps(world, kept)


def test_an_answer_stops_the_chain(night: Night) -> None:
    """The person who takes it over lets the others sleep."""
    world = night(reports=False, chain=["anna", "bela"], escalate_after=30.0)
    kept = alarm(world)
    world.advance(10)
    answers(world, ANNA, "ack")
    world.advance(120)
    alarms = [(number, text) for number, text in texts(world) if "Account 1113" in text]
    assert [number for number, _ in alarms] == [ANNA]
    assert world.message(kept.id).state is State.DELIVERED
    assert (ANNA, f"Alarm {kept.id} is yours, thank you") in texts(world)


def test_the_station_first(night: Night) -> None:
    """People are woken only if the station cannot be reached."""
    world = night(chain=["station", "anna"], escalate_after=30.0)
    alarm(world)
    world.advance(60)
    assert texts(world) == []
    station = world.recorders.made["station"]
    assert [message.alarm for message in station.taken] == [SEED]
    station.troubles = [TryLater("no kissoff after four tries")] * 9
    second = alarm(world, "1113,18,1,130,01,007")
    world.advance(60)
    assert [number for number, _ in texts(world)] == [ANNA]
    assert world.message(second.id).state is State.DELIVERED


def test_killed_while_a_person_is_waited_for(night: Night) -> None:
    """After a restart nobody is texted twice, and the chain goes on in time."""
    world = night(reports=False, chain=["anna", "bela"], escalate_after=30.0)
    alarm(world)
    world.advance(10)
    assert [number for number, _ in texts(world)] == [ANNA]
    world.crash()
    world.start_gateway()
    world.present()
    world.advance(60)
    assert [number for number, _ in texts(world)] == [ANNA, BELA]


def test_an_answer_is_an_sms_like_any_other(night: Night) -> None:
    """Mail and chat show it too, and who was not asked changes nothing."""
    world = night(reports=False, to=["anna"])
    kept = alarm(world)
    world.advance(10)
    answers(world, "+36309999999", f"ACK {kept.id}")
    assert world.message(kept.id).state is State.RECEIVED
    assert f"ACK {kept.id}" in [message.text for message in world.recorder.taken]
