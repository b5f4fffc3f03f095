"""
A gateway and a device talk, over good and bad radio, and the books of both are
compared: what was accepted is settled, nothing is lost, nothing comes twice.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from goiptwist.simulator.radio import Conditions
from goiptwist.simulator.settings import Personality, SimulatorSettings
from tests.world import World

BAD = Conditions(loss=0.3, repetition=0.3, reordering=0.3)


def test_one_each_way(worlds: Any) -> None:
    """An SMS in reaches the bridge, an SMS out reaches the network."""
    world = worlds()
    world.present()
    world.device.lines["goip1"].receive_sms("+36301234567", "hello; gateway: hi")
    world.advance(1)
    assert [(m.sender, m.text) for m in world.recorder.taken] == [
        ("+36301234567", "hello; gateway: hi")
    ]
    sent = world.submit("+36307654321", "hello back")
    world.advance(1)
    assert world.states(sent) == {"sent": 1}
    assert [(s.recipient, s.text) for s in world.device.book.sent] == [
        ("+36307654321", "hello back")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bad_radio(worlds: Any, seed: int) -> None:
    """
    1,000 SMS each way over a radio that loses, repeats and reorders 30 % each
    way, and a device that remembers its last ten numbers: asking it again is
    safe, so nearly all are known to be sent.
    """
    world = worlds(
        to_server=BAD,
        to_device=BAD,
        simulated=SimulatorSettings(insists=True, reports=True),
        line_keys={"poll": 5},
        seed=seed,
    )
    states = exchange(world)
    assert states["sent"] >= 990


@pytest.mark.slow
def test_bad_radio_to_a_device_that_sends_again(worlds: Any) -> None:
    """
    The same with a device that sends again for each SEND it gets. It is given
    each number once, ever: what the radio loses then is unknown, not lost.
    The radio must not repeat what the gateway says, for no gateway could help
    that.
    """
    world = worlds(
        to_server=BAD,
        to_device=Conditions(loss=0.3, reordering=0.3),
        simulated=SimulatorSettings(personality=Personality.REPEATS, insists=True, reports=True),
        line_keys={"poll": "never"},
    )
    exchange(world)
    sends = Counter(p.datagram for p in world.network.log if p.datagram.startswith(b"SEND "))
    given = {s: n for s, n in sends.items() if s.count(b" ") == 3 and n > 1}
    assert given == {}, "a number was given twice"


def exchange(world: World) -> Counter[str]:
    """1,000 SMS each way, until all is settled; then the books are compared."""
    world.present()
    accepted = []
    for number in range(1000):
        line = world.device.lines[f"goip{number % 4 + 1}"]
        line.receive_sms(f"+3620{number:07}", f"in {number}")
        accepted += world.submit(f"+3630{number:07}", f"out {number}")
    waiting = accepted
    for _ in range(5000):
        world.advance(60.0, 1.0)
        waiting = [m for m in waiting if world.message(m.id).state in ("queued", "sending")]
        if not world.device.unsettled and not waiting:
            break
    compare(world, accepted)
    return world.states(accepted)


def compare(world: World, accepted: list[Any]) -> None:
    """The three books: accepted, what the network got, what the bridge got."""
    states = world.states(accepted)
    assert sum(states.values()) == len(accepted)
    assert set(states) <= {"sent", "unknown"}
    out = Counter(sent.text for sent in world.device.book.sent)
    assert {text: n for text, n in out.items() if n > 1} == {}, "went out twice"
    for message in accepted:
        if world.message(message.id).state == "sent":
            assert out[message.text] == 1, f"{message.text} is sent, and never went out"
    taken = Counter(message.text for message in world.recorder.taken)
    assert {text: n for text, n in taken.items() if n > 1} == {}, "handed on twice"
    assert sorted(taken) == sorted(f"in {number}" for number in range(len(accepted)))
