"""
The gateway dies in the middle of each step, and another begins on what it
left: every accepted message is settled, nothing goes out twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from goiptwist.simulator.settings import SimulatorSettings
from tests.test_conversation import compare
from tests.wire import Wire
from tests.world import World


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    made = Wire(tmp_path, monkeypatch)
    made.registers()
    yield made
    made.close()


#: What the device says before the gateway dies; how the message stands then,
#: and after the next start.
STEPS = {
    "queued": ([], "queued", "queued"),
    "password asked": (["PASSWORD 11"], "queued", "queued"),
    "number given": (["PASSWORD 11", "SEND 11"], "sending", "unknown"),
    "device waits": (["PASSWORD 11", "SEND 11", "WAIT 11 1"], "sending", "unknown"),
    "sent": (["PASSWORD 11", "SEND 11", "OK 11 1 32"], "sent", "sent"),
    "turned down": (["PASSWORD 11", "SEND 11", "ERROR 11 1 errorstatus:38"], "queued", "queued"),
    "refused": (["PASSWORD 11", "SEND 11", "ERROR 11 1 errorstatus:28"], "failed", "failed"),
}


@pytest.mark.parametrize(("said", "before", "after"), STEPS.values(), ids=STEPS)
def test_in_the_middle_of_a_send(wire: Wire, said: list[str], before: str, after: str) -> None:
    """
    What a SIM may have had is unknown, everything else is as it was; what is
    queued is sent by a new session, what is not is not.
    """
    message = wire.one()
    for answer in said:
        wire.says(answer + "\n")
    assert wire.state(message) == before
    wire.crash()
    wire.start()
    assert wire.state(message) == after
    wire.hears()
    wire.registers()
    offers = [d for d in wire.waits(6) if d.startswith(b"MSG")]
    assert bool(offers) is (after == "queued")
    assert not any(d.startswith(b"MSG 11 ") for d in offers)


def test_a_late_answer_to_the_gateway_before(wire: Wire) -> None:
    """The device tells after the restart what became of the number it was given."""
    message = wire.one()
    wire.opens()
    wire.crash()
    wire.start()
    wire.registers()
    assert wire.state(message) == "unknown"
    wire.says("OK 11 1 32\n")
    assert wire.state(message) == "sent"


def test_attempts_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dying is no way to try for ever."""
    wire = Wire(tmp_path, monkeypatch, tables={"delivery": {"attempts": 2}})
    wire.registers()
    message = wire.one()
    wire.opens()
    wire.says("ERROR 11 1 errorstatus:38\n")
    wire.crash()
    wire.start()
    wire.registers()
    wire.hears()
    [offer] = wire.waits(5)[:1]
    session = int(offer.split()[1])
    wire.opens(session)
    wire.says(f"ERROR {session} 1 errorstatus:38\n")
    assert wire.state(message) == "failed"
    wire.close()


@pytest.mark.parametrize(
    ("policy", "state", "offered"),
    [("hold", "unknown", False), ("resend", "queued", True), ("fail", "failed", False)],
)
def test_what_is_unknown_goes_by_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, state: str, offered: bool
) -> None:
    """Only who asked for it gets a text sent again."""
    wire = Wire(tmp_path, monkeypatch, tables={"delivery": {"on_unknown": policy}})
    wire.registers()
    message = wire.one()
    wire.opens()
    wire.crash()
    wire.hears()
    wire.start()
    assert wire.state(message) == state
    wire.registers()
    assert bool(wire.hears()) is offered
    wire.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_dying_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """
    A gateway that dies every few seconds under traffic both ways: the books
    of the device, the bridge and the store agree in the end.
    """
    world = World(
        tmp_path,
        monkeypatch,
        simulated=SimulatorSettings(pace=(2.0, 5.0), reports=True, insists=True),
        seed=seed,
    )
    world.present()
    accepted: list[Any] = []
    for number in range(60):
        line = world.device.lines[f"goip{number % 4 + 1}"]
        line.receive_sms("+3620", f"in {number}")
        accepted += world.submit(f"+3630{number:07}", f"out {number}")
        world.advance(2.5)
        if number % 10 == 9:
            world.crash()
            world.advance(3.0)
            world.start_gateway()
    for _ in range(100):
        world.advance(30.0)
        states = world.states(accepted)
        if not world.device.unsettled and not states["queued"] and not states["sending"]:
            break
    compare(world, accepted)
    assert states["sent"] >= 40
    world.close()
