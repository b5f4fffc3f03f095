"""
What a 202 is worth: killed between the yes and the device, the gateway still
sends, once, and gives the same answer to whoever asks again.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from goiptwist.simulator.settings import SimulatorSettings
from tests.faults.rig import Box, Rig, until

pytestmark = [pytest.mark.real]

PATH = "/api/v1/messages"
SINGLE = {"to": ["+36301234567", "+36301234568"], "text": "single", "id": "one"}
BATCH = {"messages": [{"to": f"+3620{n:07}", "text": f"batch {n}"} for n in range(300)]}


def ids(answer: Any) -> list[Any]:
    """What an answer tells of its messages, but where they stand by now."""
    results = answer.get("results", [answer])
    return [[(m["id"], m["to"]) for m in result["messages"]] for result in results]


async def accepted(rig: Rig, path: str, body: Any, key: str = "") -> Any:
    """Submit, and have it accepted."""
    answer = await rig.ask("POST", path, body, {"Idempotency-Key": key} if key else {})
    assert answer is not None
    assert answer[0] == 202, answer
    return ids(answer[1])


async def test_killed_after_the_yes(tmp_path: Path) -> None:
    """
    The device is not there yet, so nothing has left when the gateway dies
    right behind its 202. Afterwards nothing is lost, nothing is sent twice,
    and the same id or Idempotency-Key is answered with the same messages.
    """
    box = Box(name="a", lines=4, settings=SimulatorSettings(keepalive=0.5))
    async with Rig(tmp_path, [box]) as rig:
        device = rig.simulators["a"]
        await device.stopService()
        await rig.start()
        single = {**SINGLE, "pool": "a"}
        batch = {"messages": [{**one, "pool": "a"} for one in BATCH["messages"]]}
        said = [
            await accepted(rig, PATH, single),
            await accepted(rig, f"{PATH}/batch", batch, "many"),
        ]
        rig.gateway.signal(signal.SIGKILL)
        assert rig.gateway.gone() == -signal.SIGKILL
        assert not rig.network()

        await rig.start()
        again = [
            await accepted(rig, PATH, single),
            await accepted(rig, f"{PATH}/batch", batch, "many"),
        ]
        assert again == said
        device.startService()
        await rig.quiet()
        assert set(rig.network().values()) == {1}
        wanted = {(to, "single") for to in SINGLE["to"]}
        wanted |= {(one["to"], one["text"]) for one in BATCH["messages"]}
        assert rig.network().keys() == wanted
        # And when all is sent, still the same.
        assert await accepted(rig, PATH, single) == said[0]
        assert await accepted(rig, f"{PATH}/batch", batch, "many") == said[1]
        await until(lambda: rig.gateway.alive, "it lives")
        assert len(await rig.kept("out") or []) == len(wanted)
    assert "Traceback" not in rig.gateway.said


async def test_another_text_under_the_same_key(tmp_path: Path) -> None:
    """Is a conflict, before a restart and after it: a slip must not look like a yes."""
    async with Rig(tmp_path, [Box(name="a", settings=SimulatorSettings())]) as rig:
        await rig.start()
        await accepted(rig, PATH, SINGLE)
        rig.gateway.kill()
        await rig.start()
        answer = await rig.ask("POST", PATH, {**SINGLE, "text": "another"})
        assert answer is not None
        assert answer[0] == 409
