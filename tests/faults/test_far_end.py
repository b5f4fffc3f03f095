"""
A destination that is away for hours, or breaks on what it is given. The
gateway and the device share one made-up time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from goiptwist.errors import TryLater
from goiptwist.simulator.settings import SimulatorSettings
from tests.conftest import FailureLog
from tests.world import World

Worlds = Callable[..., World]

SMS = 50
HOUR = 3600.0


class Always(list[Exception]):
    """A trouble that does not end."""

    def pop(self, index: object = -1) -> Exception:  # type: ignore[override]
        return self[0]


def arrive(world: World) -> None:
    """SMS come in, and are acknowledged."""
    for number in range(SMS):
        line = world.device.ordered[number % 4]
        line.receive_sms("+36301234567", f"in {number}")
    world.advance(5.0)
    assert world.device.unsettled == 0


@pytest.mark.parametrize(
    ("trouble", "patience"),
    [
        # Nobody was reached: asked again at the latest after RESTS[-1].
        (TryLater("no route", attempted=False), 60.0),
        # Turned away each time: after BRIDGE_SCHEDULE[-1].
        (TryLater("451 come again"), HOUR),
        (ZeroDivisionError("a bug in a bridge"), HOUR),
    ],
)
def test_away_for_hours(
    worlds: Worlds, trouble: Exception, patience: float, logged_failures: FailureLog
) -> None:
    """
    What comes in meanwhile is acknowledged and kept, also over restarts, and
    goes to the destination once when it is back, without anybody's doing.
    """
    world = worlds(simulated=SimulatorSettings(insists=True))
    world.present()
    world.recorder.troubles = Always([trouble])
    arrive(world)
    for _ in range(3):
        world.advance(2 * HOUR, 5.0)
        world.crash()
        world.start_gateway()
    assert world.recorder.taken == []
    world.recorder.troubles = []
    world.advance(patience + 10.0, 5.0)
    taken = Counter(message.text for message in world.recorder.taken)
    assert taken == {f"in {number}": 1 for number in range(SMS)}
    logged = logged_failures.flush()
    assert bool(logged) == isinstance(trouble, ZeroDivisionError)
