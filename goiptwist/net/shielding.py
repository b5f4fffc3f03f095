"""Waiting for work without owning it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.errors import GoipTwistError

T = TypeVar("T")

log = Logger()


def shielded(work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """
    Do something to its end, even if the caller has gone. A caller that hangs
    up cancels what it waited for; but a commit that is cut off half-way has
    been made and nobody goes on from it, and a thread runs on uncounted.

    @return: fires with the outcome; cancelling it stops only the waiting.
    """
    waiting: Deferred[T] = Deferred()

    def done(outcome: T | Failure) -> None:
        if not waiting.called:
            waiting.callback(outcome)
        elif isinstance(outcome, Failure) and not outcome.check(GoipTwistError):
            log.failure("Work broke after the one who asked had gone", failure=outcome)

    ensureDeferred(work).addBoth(done)
    return waiting
