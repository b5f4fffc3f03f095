"""
Killed in the middle of conversations, at random moments, and started again:
over real UDP, SMTP and HTTP, with real processes.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults

from goiptwist.simulator.radio import Conditions
from goiptwist.simulator.settings import Personality, SimulatorSettings
from tests.faults.books import Accepted, compare_incoming, compare_outgoing, known_to_be_sent
from tests.faults.rig import Box, Rig, pause

pytestmark = [pytest.mark.real, pytest.mark.slow]

#: SMS each way, with each kind of device.
SMS = 500
KILLS = 12
#: Of each device. One that is killed leaves its sessions open, and the device
#: holds them for 90 s and has five for each line: with few lines, none would
#: be free soon.
LINES = 150
#: Seconds that a gateway lives, at the least and at the most.
LIFE = (2.0, 9.0)
#: Submissions under way at once, and seconds between two of one client.
CLIENTS, PACE = 6, 0.5

BAD = Conditions(loss=0.3, repetition=0.3, reordering=0.3)
#: Nothing that a gateway does helps against a network that repeats SEND to a
#: device that sends again for each.
UNREPEATED = Conditions(loss=0.3, reordering=0.3)

SIMULATED = {"keepalive": 1.5, "stagger": 0.005, "insists": True, "reports": True}


@define
class Story:
    """What happens during one test."""

    rig: Rig
    rng: random.Random
    accepted: Accepted = field(factory=Accepted)
    wanted: list[tuple[str, list[str], str, str]] = field(factory=list)

    def plan(self) -> None:
        """Make up the submissions: one or two recipients each."""
        for box in self.rig.boxes:
            number = 0
            while number < SMS:
                many = min(self.rng.randint(1, 2), SMS - number)
                to = [f"+36{box.name[0] == 'a':d}0{number + n:07}" for n in range(many)]
                name = f"{box.name}-{number}"
                self.wanted.append((name, to, f"out {name}", box.name))
                number += many
        self.rng.shuffle(self.wanted)

    async def client(self) -> None:
        """Submit one after the other."""
        while self.wanted:
            name, to, text, pool = self.wanted.pop()
            ids = await self.rig.submit(name, to, text, pool=pool)
            self.accepted.add(name, ids, to, text)
            await pause(self.rng.uniform(0, 2 * PACE))

    async def senders(self) -> None:
        """Strangers text the SIMs."""
        for number in range(SMS):
            for box in self.rig.boxes:
                line = self.rng.choice(self.rig.simulators[box.name].device.ordered)
                line.receive_sms(f"+3620{number:07}", f"in {box.name} {number}")
            await pause(self.rng.uniform(0, 0.2))

    async def killer(self) -> None:
        """
        Kill the gateway again and again while texts are submitted; then the
        weather clears up, and it is killed until no text waits for a line.
        Those that have no verdict when it dies get none.
        """
        while self.rig.gateway.starts <= KILLS or self.wanted:
            await pause(self.rng.uniform(*LIFE))
            await self.kill()
        self.rig.clear_up()
        while not await self.all_given():
            await pause(LIFE[1])
            await self.kill()

    async def kill(self) -> None:
        """Kill the gateway, and start it again."""
        self.rig.gateway.kill()
        await self.rig.start()

    async def all_given(self) -> bool:
        """Whether no text waits for a line."""
        kept = await self.rig.kept("out")
        return kept is not None and all(message["state"] != "queued" for message in kept)


async def test_killed_again_and_again(tmp_path: Path) -> None:
    """
    1,000 SMS in and 1,000 out, half with a device that remembers what it was
    given and is asked again, half with one that sends again for each SEND and
    is never asked; 30 % of all datagrams are lost, repeated and late, until all are submitted.
    Whatever dies: what was accepted ends in exactly one state, 'sent' is what
    went out once, nothing goes out twice, and what the device was told OK for
    is mailed under one Message-ID.
    """
    seed = 20100402
    print(f"seed {seed}")
    boxes = [
        Box(
            name="asked",
            lines=LINES,
            settings=SimulatorSettings(**SIMULATED),
            keys={"poll": 5, "sessions": 1},
            to_server=BAD,
            to_device=BAD,
        ),
        Box(
            name="once",
            lines=LINES,
            settings=SimulatorSettings(**SIMULATED, personality=Personality.REPEATS),
            keys={"poll": "never", "sessions": 1},
            to_server=BAD,
            to_device=UNREPEATED,
        ),
    ]
    async with Rig(tmp_path, boxes, seed) as rig:
        story = Story(rig, random.Random(seed))
        story.plan()
        await rig.start()
        acts = [story.killer(), story.senders(), *(story.client() for _ in range(CLIENTS))]
        await gatherResults([Deferred.fromCoroutine(act) for act in acts], consumeErrors=True)
        await rig.quiet()
        states = await compare_outgoing(rig, story.accepted)
        mails = compare_incoming(rig)
        kept = await rig.kept("out")
    print(rig.gateway.starts, dict(states), len(mails), sum(mails.values()))
    assert sum(states.values()) == len(mails) == 2 * SMS
    known_to_be_sent(rig, kept or [])
    assert "Traceback" not in rig.gateway.said
