"""
A gateway that is killed at every border of an alarm's way, and started again.
The panel repeats itself until it hears a yes; the stations count.
"""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rig import Rig, until

pytestmark = [pytest.mark.real, pytest.mark.slow]

REPORTS = ["1113,18,1,123,03,003"]


def rig_of(tmp_path: Path, station: str, wait: float) -> Rig:
    """A panel, and a chain of two stations of which the first answers like that."""
    panel = {"kind": "panel", "reports": REPORTS}
    stations = {
        "station": {"kind": "panel", "answer": station},
        "backup": {"kind": "panel"},
    }
    route = {"account": "*", "chain": list(stations), "escalate_after": wait}
    tables = {"bridge": {"panel": panel, **stations}, "route": [route]}
    return Rig(tmp_path, [], tables=tables)


def book(folder: Path, name: str) -> list[str]:
    """What somebody has noted."""
    file = folder / name
    return file.read_text().splitlines() if file.exists() else []


async def after_a_death(rig: Rig, point: str) -> tuple[list[dict[str, Any]], list[int]]:
    """
    It dies there, is started again, and the alarm comes to its end.

    @return: the alarms that are kept, and how often each station was asked.
    """
    rig.gateway.start(point)
    await until(lambda: not rig.gateway.alive, "the gateway dies at the point", 30)
    assert rig.gateway.gone() == -signal.SIGKILL
    await rig.start()

    async def over() -> bool:
        kept = await rig.kept("alarm")
        return bool(kept) and all(alarm["state"] == "delivered" for alarm in kept or [])

    await until(over, "the alarm comes to its end", 30)
    kept = await rig.kept("alarm")
    assert kept is not None
    accepted = {line.split()[1] for line in book(rig.folder, "accepted")}
    assert accepted == {alarm["id"] for alarm in kept}, "accepted and kept differ"
    asked = [Counter(book(rig.folder, f"asked-{name}")) for name in ("station", "backup")]
    assert set().union(*asked) <= accepted, "asked under another id"
    return kept, [sum(counted.values()) for counted in asked]


#: What the first station does, seconds until the second one's turn, where the
#: gateway dies, and how often each is asked. A second time only where the
#: word of the first time was not on disk.
POINTS = [
    ("delivers", 60, "before alarms", 1, 0),
    ("delivers", 60, "after alarms", 1, 0),
    ("delivers", 60, "asked bridge:station", 2, 0),
    ("delivers", 60, "after settlements-alarm", 1, 0),
    ("refuses", 60, "before settlements-alarm", 2, 1),
    ("refuses", 60, "after settlements-alarm", 1, 1),
    # The first look is at the start, when there is nothing yet.
    ("hangs", 1, "before overdue 2", 1, 1),
    ("hangs", 1, "after overdue 2", 1, 1),
    ("hangs", 1, "asked bridge:backup", 1, 2),
    ("answers", 60, "before acknowledgements", 2, 0),
    ("answers", 60, "after acknowledgements", 1, 0),
]


@pytest.mark.parametrize(("answer", "wait", "point", "station", "backup"), POINTS)
async def test_point(
    tmp_path: Path, answer: str, wait: float, point: str, station: int, backup: int
) -> None:
    """One alarm stays one, is never lost, and the chain goes on where it was."""
    async with rig_of(tmp_path, answer, wait) as rig:
        kept, asked = await after_a_death(rig, point)
    assert len(kept) == 1
    assert asked == [station, backup]
