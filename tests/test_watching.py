"""What the parts of a gateway tell those who watch."""

from __future__ import annotations

from collections.abc import Callable

from goiptwist.goip.presence import SILENCE
from goiptwist.messaging.events import BusEvent
from tests.world import World


def test_lines_come_and_go(worlds: Callable[..., World]) -> None:
    """Each appearance and each loss of a line is told once, as it stands then."""
    world = worlds(lines=2)
    heard: list[BusEvent] = []
    world.gateway.powers.events.subscribe(heard.append)
    world.present()
    world.device.stop()
    world.advance(SILENCE + 1)
    assert sorted((one.kind, one.subject.line) for one in heard) == [
        ("line.lost", "goip1"),
        ("line.lost", "goip2"),
        ("line.present", "goip1"),
        ("line.present", "goip2"),
    ]
