"""
What devices and the ways to them do in the middle of a conversation: reboot,
move, count anew. The gateway and the device share one made-up time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from goiptwist.model.messages import Message
from goiptwist.simulator.settings import Personality, SimulatorSettings
from tests.world import World

Worlds = Callable[..., World]

#: Each SMS takes its time, so that there is a middle.
PACE = (2.0, 5.0)


def busy(worlds: Worlds, **options: object) -> tuple[World, list[Message]]:
    """A world in the middle of sending 40 texts by four lines, and with SMS coming in."""
    repeats = options.pop("repeats", False)
    simulated = SimulatorSettings(
        pace=PACE,
        insists=True,
        personality=Personality.REPEATS if repeats else Personality.REMEMBERS,
    )
    keys = {"poll": "never" if repeats else 5}
    world = worlds(simulated=simulated, line_keys=keys, **options)
    world.present()
    sent = [world.submit(f"+3630{n:07}", f"out {n}")[0] for n in range(40)]
    world.advance(4.0)
    assert world.states(sent)["sending"] > 0
    for number, line in enumerate(world.device):
        line.receive_sms("+36301234567", f"in {number}")
    return world, sent


def settle(world: World, sent: list[Message]) -> Counter[str]:
    """Let time pass until all is settled, and compare the books."""
    for _ in range(60):
        world.advance(30.0)
        states = world.states(sent)
        if not states["queued"] and not states["sending"] and not world.device.unsettled:
            break
    assert set(states) <= {"sent", "unknown"}
    out = Counter(entry.text for entry in world.device.book.sent)
    assert {text: n for text, n in out.items() if n > 1} == {}, "went out twice"
    for message in sent:
        known = world.message(message.id).state
        assert known == "unknown" or out[message.text] == 1, f"{message.text} never went out"
    taken = Counter(message.text for message in world.recorder.taken)
    assert {text: n for text, n in taken.items() if n > 1} == {}, "handed on twice"
    return states


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("takes", [0.0, 20.0, 200.0])
def test_reboot(worlds: Worlds, takes: float, repeats: bool) -> None:
    """
    The device reboots and has forgotten everything. What it had been given is
    unknown; all others go out.
    """
    world, sent = busy(worlds, repeats=repeats)
    open_ones = world.states(sent)["sending"]
    world.device.reboot(takes)
    states = settle(world, sent)
    assert states["unknown"] <= open_ones
    assert states["sent"] >= 40 - open_ones


@pytest.mark.parametrize("repeats", [False, True])
def test_reboot_again_and_again(worlds: Worlds, repeats: bool) -> None:
    """As with a bad power supply."""
    world, sent = busy(worlds, repeats=repeats)
    for _ in range(8):
        world.advance(11.0)
        world.device.reboot(3.0)
    settle(world, sent)


def test_move(worlds: Worlds) -> None:
    """
    The way to every line changes, as after a restart of the router between.
    A line that is asked again tells at its new address what became of it.
    """
    world, sent = busy(worlds)
    for line in world.device:
        world.network.join(line)
    assert settle(world, sent) == {"sent": 40}


def test_lines_trade_places(worlds: Worlds) -> None:
    """
    A router that restarts gives one line the port that another one had. Who
    came later must not lose its place when the other shows up elsewhere.
    """
    world = worlds(lines=2)
    world.present()
    one, other = world.device
    first, second = world.network.addresses[one], world.network.addresses[other]
    world.network.join(one)
    world.network.join(other, first)
    other.start()
    world.advance(1.0)
    world.network.join(one, second)
    one.start()
    world.advance(1.0)
    sent = [world.submit(f"+3630000000{n}", "hello", line=f"goip{n}")[0] for n in (1, 2)]
    world.advance(2.0)  # less than it takes for the next keepalive to mend it
    assert world.states(sent) == {"sent": 2}
    assert [entry.line for entry in world.device.book.sent] == ["goip1", "goip2"]


def test_numbers_come_again(worlds: Worlds) -> None:
    """
    A device without a clock begins with the same numbers after each reboot:
    the same number with another text is another SMS, with the same text it is
    the same one.
    """
    world = worlds(lines=1, simulated=SimulatorSettings(insists=True))
    world.present()
    (line,) = world.device
    texts = ["one", "two", "three"]
    for round_ in ("", " again", ""):
        line.reboot()
        line.restart_counters(100)
        for text in texts:
            line.receive_sms("+36301234567", text + round_)
        world.advance(5.0)
    assert [message.text for message in world.recorder.taken] == [
        *texts,
        *(f"{text} again" for text in texts),
    ]
    assert world.device.unsettled == 0, "a repeat is acknowledged, too"


@pytest.mark.parametrize("step", [-3 * 3600.0, -30.0, 30.0, 3 * 3600.0])
@pytest.mark.parametrize("repeats", [False, True])
def test_clock_steps(worlds: Worlds, step: float, repeats: bool) -> None:
    """
    Somebody sets the clock of the gateway's machine. What waits may wait
    longer, or be given up on too early, but nothing is lost or doubled.
    """
    world, sent = busy(worlds, repeats=repeats)
    world.gateway_clock.rightNow += step
    world.advance(max(0.0, -step))
    settle(world, sent)
    assert Counter(m.text for m in world.recorder.taken) == {f"in {n}": 1 for n in range(4)}
