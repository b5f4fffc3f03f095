"""The window of a queue: what waits is on disk, and only its head in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from goiptwist.delivery import queue as queue_module
from goiptwist.errors import TryLater
from tests.world import World

WINDOW = 50


def test_far_side_is_away_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More comes in than memory should hold; all of it is handed on in the end."""
    monkeypatch.setattr(queue_module, "WINDOW", WINDOW)
    world = World(tmp_path, monkeypatch, lines=1)
    world.present()
    away = TryLater("the far side is away", attempted=False)
    world.recorder.troubles += [away] * 100
    many = 6 * WINDOW
    for number in range(many):
        world.device.lines["goip1"].receive_sms("+36301234567", f"in {number}")
    world.advance(1)
    queue = world.gateway.dispatcher.queues["bridge:ops"]
    assert queue.depth + queue.in_hand <= WINDOW
    world.recorder.troubles.clear()
    world.advance(120, 1.0)
    assert sorted(m.text for m in world.recorder.taken) == sorted(
        f"in {number}" for number in range(many)
    )
    assert queue.depth == 0
    world.close()
