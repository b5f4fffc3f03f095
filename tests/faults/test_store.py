"""
A disk that is full, or slow: nobody is told yes for what is not on it, and
everything goes on by itself. The gateway and the device share one made-up time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import deferLater

from goiptwist.errors import StoreUnavailable
from goiptwist.simulator.book import PushOutcome
from goiptwist.simulator.settings import SimulatorSettings
from tests.conftest import FailureLog
from tests.world import World

Worlds = Callable[..., World]

LONG = "x" * 2000


@contextmanager
def full_disk(world: World) -> Iterator[None]:
    """SQLite may take no page more, and says itself that the disk is full."""
    connection = world.store.writer.connection
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    connection.rollback()
    fill(world)
    yield
    connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    connection.rollback()


def fill(world: World) -> None:
    """Submit until there is no room, not even in pages that are there already."""
    for number in range(1000):
        try:
            world.submit("+36301234567", f"filling {number} {LONG}", line="goip4")
        except StoreUnavailable:
            return
    raise AssertionError("the disk does not fill up")


def test_full_disk(worlds: Worlds, logged_failures: FailureLog) -> None:
    """
    No acknowledgement and no yes, but keepalives are answered and the reason
    is told; when there is room again, what the device repeats is taken.
    """
    world = worlds(simulated=SimulatorSettings(insists=True))
    world.present()
    world.device.lines["goip4"].silent = True
    line = world.device.lines["goip1"]
    with full_disk(world):
        line.receive_sms("+36301234567", f"in {LONG}")
        world.advance(40.0)
        assert world.recorder.taken == []
        assert line.unsettled == 1
        assert world.gateway.goip.lines.by_id["goip1"].state == "present"
        assert heard_lately(world)
        with pytest.raises(StoreUnavailable, match="full"):
            world.submit("+36301234567", f"out {LONG}")
        # What needs no page more is still committed; here is what was not.
        assert "full" in " ".join(world.gateway.powers.operator.health().problems)
    world.advance(60.0)
    assert [message.text for message in world.recorder.taken] == [f"in {LONG}"]
    assert line.unsettled == 0
    assert not any("full" in problem for problem in world.gateway.powers.operator.health().problems)
    assert "cannot commit" in str(logged_failures.flush())


def heard_lately(world: World) -> bool:
    """Whether the device's last keepalive was answered."""
    return (
        world.device.lines["goip1"].status == 0
        and (world.gateway.goip.lines.by_id["goip1"].heard_at or 0.0)
        > world.gateway_clock.seconds() - 31.0
    )


def test_full_disk_in_the_middle(worlds: Worlds, logged_failures: FailureLog) -> None:
    """
    The device says OK, and the disk does not take it: the word is kept in
    hand until there is room, and the text is neither sent again nor unknown.
    """
    world = worlds(simulated=SimulatorSettings(pace=(3.0, 3.0)))
    world.present()
    world.device.lines["goip4"].silent = True
    (sent,) = world.submit("+36307654321", "hello", line="goip1")
    world.advance(1.0)
    assert world.states([sent]) == {"sending": 1}
    with broken_commits(world):
        world.advance(30.0)
        assert len(world.device.book.sent) == 1
        assert world.states([sent]) == {"sending": 1}
    world.advance(5.0)
    assert world.states([sent]) == {"sent": 1}
    assert len(world.device.book.sent) == 1
    assert "cannot commit" in str(logged_failures.flush())


def test_nothing_leaves_that_is_not_written_down(
    worlds: Worlds, logged_failures: FailureLog
) -> None:
    """A number is given to a SIM only after that is on disk, so here it is not given."""
    world = worlds()
    world.present()
    (sent,) = world.submit("+36307654321", "hello")
    with broken_commits(world):
        world.advance(20.0)
        assert world.device.book.sent == []
        assert world.states([sent]) == {"queued": 1}
    world.advance(20.0)
    assert world.states([sent]) == {"sent": 1}
    assert len(world.device.book.sent) == 1
    assert "cannot commit" in str(logged_failures.flush())


@contextmanager
def broken_commits(world: World) -> Iterator[None]:
    """Nothing at all can be written."""
    connection = world.store.writer.connection
    connection.exec_driver_sql("PRAGMA query_only=1")
    connection.rollback()
    yield
    connection.exec_driver_sql("PRAGMA query_only=0")
    connection.rollback()


class SlowDisk:
    """
    Runs the writer's work later, once it is told to.

    @ivar seconds: that each commit takes.
    """

    seconds = 0.0
    world: World

    def __call__(self, work: Callable[[], Any]) -> Deferred[Any]:
        if not self.seconds:
            return execute(work)
        return deferLater(self.world.gateway_clock, self.seconds, work)


def test_slow_disk(worlds: Worlds) -> None:
    """
    Each commit takes 5 s, longer than the device waits: it repeats itself,
    and all the same each SMS is kept once and mailed once, and each text goes
    out once. Keepalives do not wait for the disk.
    """
    disk = SlowDisk()
    world = disk.world = worlds(simulated=SimulatorSettings(insists=True), writing=disk)
    world.present()
    disk.seconds = 5.0
    for number, line in enumerate(world.device):
        line.receive_sms("+36301234567", f"in {number}")
    answers = [submitted(world, number) for number in range(10)]
    world.advance(31.0)
    assert heard_lately(world)
    world.advance(200.0)
    disk.seconds = 0.0
    world.advance(10.0)
    assert sorted(m.text for m in world.recorder.taken) == [f"in {n}" for n in range(4)]
    assert sorted(world.device.book.texts(PushOutcome.ACKNOWLEDGED)) == [
        f"in {n}" for n in range(4)
    ]
    sent = [message for answer in answers for message in answer]
    assert world.states(sent) == {"sent": 10}
    assert sorted(s.text for s in world.device.book.sent) == [f"out {n}" for n in range(10)]


def submitted(world: World, number: int) -> list[Any]:
    """@return: gets the accepted messages, some time."""
    from goiptwist.model.messages import Submission

    answer: list[Any] = []
    wanted = Submission(origin="user:test", recipients=(f"+3630{number:07}",), text=f"out {number}")
    Deferred.fromCoroutine(world.gateway.messaging.submit(wanted)).addCallback(answer.extend)
    assert answer == [], "a yes before the commit"
    return answer
