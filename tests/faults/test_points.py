"""
Killed at every border between two states, and started again. One SMS comes in
and one goes out; the gateway dies exactly there; then the books are compared.
"""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.simulator.settings import Personality, SimulatorSettings
from tests.faults.books import Accepted, compare_incoming, compare_outgoing
from tests.faults.rig import Box, Rig, until

pytestmark = [pytest.mark.real, pytest.mark.slow]

SENDER, RECIPIENT = "+36301234567", "+36307654321"
INCOMING, OUTGOING = "in; and: out", "out"

#: Where it dies on account of the SMS that comes in.
OF_THE_INCOMING = (
    "before arrivals",
    "after arrivals",
    "written RECEIVE",
    "mailed mail",
    "before settlements-in",
    "after settlements-in",
)


def rig_of(tmp_path: Path, tables: dict[str, Any] | None = None, **settings: Any) -> Rig:
    """One line, which repeats what nobody acknowledges."""
    simulated = SimulatorSettings(keepalive=0.5, insists=True, **settings)
    repeats = simulated.personality is Personality.REPEATS
    keys = {"poll": "never" if repeats else 5}
    return Rig(
        tmp_path, [Box(name="a", lines=1, settings=simulated, keys=keys)], tables=tables or {}
    )


async def dies(rig: Rig) -> None:
    """The gateway reaches the point, and is gone."""
    await until(lambda: not rig.gateway.alive, "the gateway dies at the point")
    assert rig.gateway.gone() == -signal.SIGKILL


async def one_each_way(rig: Rig, *points: str) -> Counter[str]:
    """
    One SMS in and one out, with a gateway that dies at the points, one after
    the other, and then lives.

    @return: where the one that went out stands.
    """
    accepted = Accepted()
    rig.gateway.start(points[0])
    (line,) = rig.every_line()
    # From here on the device repeats itself for 12 s, and then not for 30.
    await until(lambda: line.status is not None or not rig.gateway.alive, "it runs, or is gone")
    line.receive_sms(SENDER, INCOMING)
    if points[0] in OF_THE_INCOMING:  # the other must not be in the middle of something
        await dies(rig)
    asking = Deferred.fromCoroutine(rig.submit("one", [RECIPIENT], OUTGOING, pool="a"))
    for point in points[1:]:
        await dies(rig)
        rig.gateway.start(point)
    if points[0] not in OF_THE_INCOMING:
        await dies(rig)
    await rig.start()
    accepted.add("one", await asking, [RECIPIENT], OUTGOING)
    again = await rig.submit("one", [RECIPIENT], OUTGOING, pool="a")
    accepted.add("one", again, [RECIPIENT], OUTGOING)
    await rig.quiet()
    await rig.present()
    return await compare_outgoing(rig, accepted)


#: Where it dies, what becomes of the text, how often the network gets it, and
#: how many mails there are of the other.
POINTS = [
    ("created table 1", "sent", 1, 1),
    ("created table 6", "sent", 1, 1),
    ("before arrivals", "sent", 1, 1),
    ("after arrivals", "sent", 1, 1),
    ("written RECEIVE", "sent", 1, 1),
    ("mailed mail", "sent", 1, 2),
    ("before settlements-in", "sent", 1, 2),
    ("after settlements-in", "sent", 1, 1),
    ("before submissions", "sent", 1, 1),
    ("after submissions", "sent", 1, 1),
    ("answered yes", "sent", 1, 1),
    ("before reserve", "sent", 1, 1),
    ("after reserve", "sent", 1, 1),
    ("written MSG", "sent", 1, 1),
    ("written PASSWORD", "sent", 1, 1),
    ("before transmissions", "sent", 1, 1),
    ("after transmissions", "unknown", 0, 1),
    ("written SEND-number", "unknown", 1, 1),
    ("before settlements-out", "unknown", 1, 1),
    ("after settlements-out", "sent", 1, 1),
    # It leaves while the word is being committed; who wins is open.
    ("written DONE", "sent or unknown", 1, 1),
]


@pytest.mark.parametrize(("point", "state", "copies", "mails"), POINTS)
async def test_point(tmp_path: Path, point: str, state: str, copies: int, mails: int) -> None:
    """
    From the commit of what is about to leave to the commit of the device's
    word nobody can know whether the text is out, so it is unknown and not
    repeated. Everywhere else it goes out once. A mail may come again, as the
    same.
    """
    async with rig_of(tmp_path) as rig:
        states = await one_each_way(rig, point)
        mailed = compare_incoming(rig)
    assert states.keys() <= set(state.split(" or "))
    assert rig.network()[RECIPIENT, OUTGOING] == copies
    # A mail on its way when the other SMS ended it all comes again, too.
    assert mailed.keys() == {INCOMING}
    assert mails <= mailed[INCOMING] <= 2


@pytest.mark.parametrize("point", ["written SEND-number", "before settlements-out"])
async def test_device_that_sends_again(tmp_path: Path, point: str) -> None:
    """A device that sends again for each SEND is not given the number after a restart."""
    async with rig_of(tmp_path, personality=Personality.REPEATS) as rig:
        assert await one_each_way(rig, point) == {"unknown": 1}
    assert rig.network()[RECIPIENT, OUTGOING] == 1


@pytest.mark.parametrize(
    ("point", "state"),
    [
        ("after transmissions", "unknown"),
        ("written SEND-number", "sent"),
        ("before settlements-out", "sent"),
        ("before reports", "sent"),
        ("after reports", "sent"),
    ],
)
async def test_with_delivery_report(tmp_path: Path, point: str, state: str) -> None:
    """The handset's report tells after the restart what nobody saw before it."""
    async with rig_of(tmp_path, reports=True, report_after=(3.0, 3.0)) as rig:
        await one_each_way(rig, point)
        await until(lambda: owes_nothing(rig), "the report is acknowledged")
        kept = await rig.kept("out")
    assert kept is not None
    assert [(m["state"], m.get("report", "")) for m in kept] == [
        (state, "delivered" if state == "sent" else "")
    ]


def owes_nothing(rig: Rig) -> bool:
    """Whether the device has nothing left to say."""
    return not any(line.unsettled or line._owed for line in rig.every_line())


@pytest.mark.parametrize(("point", "state"), [("before", "unknown"), ("after", "sent")])
async def test_late_answer(tmp_path: Path, point: str, state: str) -> None:
    """
    The device says OK by itself to a gateway that was started in between. It
    says so once: where that is not committed, the text stays unknown.
    """
    async with rig_of(tmp_path, pace=(8.0, 8.0), personality=Personality.REPEATS) as rig:
        states = await one_each_way(rig, "written SEND-number", f"{point} late_answers")
    assert states == {state: 1}
    assert rig.network()[RECIPIENT, OUTGOING] == 1


@pytest.mark.parametrize("point", ["before", "after"])
async def test_killed_again_at_the_start(tmp_path: Path, point: str) -> None:
    """The next gateway dies when it finds the text open: the third finds it all the same."""
    async with rig_of(tmp_path) as rig:
        states = await one_each_way(rig, "written SEND-number", f"{point} open_ones")
    assert states == {"unknown": 1}
    assert rig.network()[RECIPIENT, OUTGOING] == 1


@pytest.mark.parametrize(
    ("policy", "point", "state", "copies"),
    [
        ("resend", "after transmissions", "sent", 1),
        ("resend", "written SEND-number", "sent", 2),
        ("fail", "written SEND-number", "failed", 1),
    ],
)
async def test_other_policies(
    tmp_path: Path, policy: str, point: str, state: str, copies: int
) -> None:
    """Only whoever asks for it gets a text resent, and then knows that it may double."""
    async with rig_of(tmp_path, {"delivery": {"on_unknown": policy}}) as rig:
        rig.gateway.start(point)
        ids = await rig.submit("one", [RECIPIENT], OUTGOING, pool="a")
        await dies(rig)
        await rig.start()
        await rig.quiet()
        kept = await rig.kept("out")
    assert kept is not None
    assert [(m["id"], m["state"]) for m in kept] == [(ids[0], state)]
    assert rig.network()[RECIPIENT, OUTGOING] == copies
