"""Waiting for work without owning it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from goiptwist.errors import Refused
from goiptwist.net.shielding import shielded
from tests.conftest import FailureLog


async def work(before: Deferred[Any], done: list[str]) -> str:
    await before
    done.append("done")
    return "outcome"


def test_the_outcome_comes_through() -> None:
    """Success and failure alike."""
    outcomes: list[Any] = []
    first: Deferred[None] = Deferred()
    second: Deferred[None] = Deferred()
    shielded(work(first, [])).addCallback(outcomes.append)
    shielded(work(second, [])).addErrback(outcomes.append)
    first.callback(None)
    second.errback(Refused("no"))
    assert outcomes[0] == "outcome"
    assert outcomes[1].check(Refused)


def test_cancelling_stops_only_the_waiting() -> None:
    """What has begun is finished, for the sake of what follows from it."""
    before: Deferred[None] = Deferred()
    done: list[str] = []
    waiting = shielded(work(before, done))
    waiting.addErrback(lambda failure: failure.trap(CancelledError))
    waiting.cancel()
    assert done == []
    before.callback(None)
    assert done == ["done"]


def test_only_a_bug_is_logged_when_nobody_waits(logged_failures: FailureLog) -> None:
    """A refusal that nobody hears is no news; a bug that nobody hears is."""
    for error, logged in [(Refused("no"), 0), (KeyError("bug"), 1)]:
        before: Deferred[None] = Deferred()
        waiting = shielded(work(before, []))
        waiting.addErrback(lambda failure: failure.trap(CancelledError))
        waiting.cancel()
        before.errback(error)
        assert len(logged_failures.flush()) == logged
