"""Numbers of bulk sessions: each one once, however many ask in one moment."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from goiptwist.errors import StoreUnavailable
from goiptwist.goip.session_numbers import SESSION_BLOCK, SessionNumbers


class Reserves:
    """A journal that reserves numbers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Deferred[int]] = []

    def reserve_session_numbers(self, count: int) -> Deferred[int]:
        self.asked.append(Deferred())
        return self.asked[-1]


def taking(numbers: SessionNumbers, many: int) -> list[Any]:
    """Take that many at once; the results come into the list."""
    taken: list[Any] = []
    for _ in range(many):
        Deferred.fromCoroutine(numbers.take()).addBoth(taken.append)
    return taken


def test_thousands_at_once() -> None:
    """
    As many as lines may ask while one block is being reserved. Each gets a
    number of its own, and none is lost on a stack that grew too deep.
    """
    journal: Any = Reserves()
    taken = taking(SessionNumbers(journal), 5 * SESSION_BLOCK)
    first = 1000
    while journal.asked:
        journal.asked.pop(0).callback(first)
        first += SESSION_BLOCK
    assert sorted(taken) == list(range(1000, 1000 + 5 * SESSION_BLOCK))


def test_no_store() -> None:
    """Whoever waits hears that there are none; the next one asks anew."""
    journal: Any = Reserves()
    numbers = SessionNumbers(journal)
    taken = taking(numbers, 3)
    journal.asked.pop().errback(StoreUnavailable("the disk is full"))
    assert [type(failure) for failure in taken] == [Failure] * 3
    assert all(failure.check(StoreUnavailable) for failure in taken)
    again = taking(numbers, 1)
    journal.asked.pop().callback(7)
    assert again == [7]
