"""Numbers of bulk sessions: each one once, however many ask in one moment."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from goiptwist.errors import StoreUnavailable
from goiptwist.goip.session_numbers import (
    SESSION_BLOCK,
    SESSION_MODULUS,
    SessionNumbers,
    SessionPermutation,
)


class Reserves:
    """A journal that reserves numbers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Deferred[int]] = []

    def reserve_session_numbers(self, count: int) -> Deferred[int]:
        self.asked.append(Deferred())
        return self.asked[-1]


class InOrder(SessionPermutation):
    """Leaves the numbers as they are."""

    def __init__(self) -> None:
        super().__init__(b"")

    def of(self, number: int) -> int:
        return number


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
    taken = taking(SessionNumbers(journal, InOrder()), 5 * SESSION_BLOCK)
    first = 1000
    while journal.asked:
        journal.asked.pop(0).callback(first)
        first += SESSION_BLOCK
    assert sorted(taken) == list(range(1000, 1000 + 5 * SESSION_BLOCK))


def test_no_store() -> None:
    """Whoever waits hears that there are none; the next one asks anew."""
    journal: Any = Reserves()
    numbers = SessionNumbers(journal, InOrder())
    taken = taking(numbers, 3)
    journal.asked.pop().errback(StoreUnavailable("the disk is full"))
    assert [type(failure) for failure in taken] == [Failure] * 3
    assert all(failure.check(StoreUnavailable) for failure in taken)
    again = taking(numbers, 1)
    journal.asked.pop().callback(7)
    assert again == [7]


def test_nobody_tells_the_next_one() -> None:
    """
    Each number comes once, below the 31 bits of devices, and one more says nothing
    about the next: neither how far it is, nor with which bits it begins.
    """
    permutation = SessionPermutation(b"k" * 32)
    numbers = [permutation.of(n) for n in range(20_000)]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) >= 0
    assert max(numbers) < SESSION_MODULUS
    steps = {after - before for before, after in pairwise(numbers)}
    assert len(steps) > 0.99 * len(numbers)
    others = [SessionPermutation(b"l" * 32).of(n) for n in range(100)]
    assert not set(others) & set(numbers[:100])


def test_the_last_one() -> None:
    """The end of the range is mixed as its beginning is."""
    permutation = SessionPermutation(b"k" * 32)
    ends = [permutation.of(n) for n in range(SESSION_MODULUS - 1000, SESSION_MODULUS)]
    assert len(set(ends)) == 1000
    assert max(ends) < SESSION_MODULUS
