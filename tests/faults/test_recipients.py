"""
A gateway that is killed between two recipients of one bridge: nobody has the
alarm twice, and everybody has it.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.rig import Rig, until
from tests.faults.test_alarm import REPORTS, book

pytestmark = [pytest.mark.real, pytest.mark.slow]

PEOPLE = ["anna", "bela", "cili"]


@pytest.mark.parametrize(
    ("point", "first"),
    [
        ("after settlements-alarm", 1),
        # Its word was not on disk: the first recipient hears it again, and nobody else.
        ("before settlements-alarm", 2),
    ],
)
async def test_between_two_recipients(tmp_path: Path, point: str, first: int) -> None:
    """After the restart the others get it; the journey shows all three."""
    bridges = {
        "panel": {"kind": "panel", "reports": REPORTS},
        "people": {"kind": "group", "recipients": PEOPLE},
    }
    tables = {"bridge": bridges, "route": [{"account": "*", "to": ["people"]}]}
    async with Rig(tmp_path, [], tables=tables) as rig:
        rig.gateway.start(point)
        await until(lambda: not rig.gateway.alive, "the gateway dies at the point", 30)
        assert rig.gateway.gone() == -signal.SIGKILL
        await rig.start()

        async def over() -> bool:
            kept = await rig.kept("alarm")
            return bool(kept) and all(alarm["state"] == "delivered" for alarm in kept or [])

        await until(over, "the alarm comes to its end", 30)
        (alarm,) = await rig.kept("alarm") or []
        answer = await rig.ask("GET", f"/api/v1/alarms/{alarm['id']}")
    told = sorted(line.split()[0] for line in book(tmp_path, "told"))
    assert told == sorted([*["anna"] * first, "bela", "cili"])
    assert answer is not None
    journey = [step["where"] for step in answer[1]["journey"] if step["what"] == "delivered"]
    assert sorted(journey) == [f"bridge:people {name}" for name in PEOPLE]
