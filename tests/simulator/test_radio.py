"""The radio: what it loses, repeats, reorders and delays."""

from __future__ import annotations

import random

from twisted.internet.task import Clock

from goiptwist.simulator.radio import Conditions, Radio

DATAGRAMS = 4_000


def through(conditions: Conditions, seed: int = 1, apart: float = 0.1) -> list[tuple[float, int]]:
    """When which of many datagrams arrive, sent at regular moments."""
    clock = Clock()
    radio = Radio(clock, random.Random(seed), conditions)
    arrived: list[tuple[float, int]] = []
    for number in range(DATAGRAMS):
        radio.carry(lambda number: arrived.append((clock.seconds(), number)), number)
        clock.advance(apart)
    clock.advance(100)
    return arrived


class TestRadio:
    def test_clear(self) -> None:
        """Everything arrives, once, in order."""
        assert [number for _, number in through(Conditions())] == list(range(DATAGRAMS))

    def test_never_within_the_call(self) -> None:
        """Real networks do not answer before sendto has returned."""
        clock = Clock()
        arrived: list[int] = []
        Radio(clock, random.Random(1)).carry(arrived.append, 1)
        assert arrived == []
        clock.advance(0)
        assert arrived == [1]

    def test_loss(self) -> None:
        """About the share that was asked for, and what is left is in order."""
        numbers = [number for _, number in through(Conditions(loss=0.3))]
        assert abs(len(numbers) / DATAGRAMS - 0.7) < 0.03
        assert numbers == sorted(numbers)

    def test_repetition(self) -> None:
        """About the share that was asked for comes twice, none three times."""
        numbers = [number for _, number in through(Conditions(repetition=0.3))]
        assert abs(len(numbers) / DATAGRAMS - 1.3) < 0.03
        assert set(numbers) == set(range(DATAGRAMS))
        assert max(numbers.count(number) for number in range(0, DATAGRAMS, 100)) <= 2

    def test_reordering(self) -> None:
        """Late ones are overtaken; none is lost."""
        numbers = [number for _, number in through(Conditions(reordering=0.3))]
        assert sorted(numbers) == list(range(DATAGRAMS))
        assert numbers != sorted(numbers)

    def test_delay(self) -> None:
        """The same for each, so that the order stays."""
        arrived = through(Conditions(delay=0.25), apart=0.05)
        assert [number for _, number in arrived] == list(range(DATAGRAMS))
        assert all(0.24 < at - number * 0.05 < 0.31 for at, number in arrived[:100])

    def test_everything_lost(self) -> None:
        """A cut cable."""
        assert through(Conditions(loss=1.0)) == []

    def test_the_same_again(self) -> None:
        """One seed, one course of events."""
        bad = Conditions(0.3, 0.3, 0.3, 0.05)
        assert through(bad, seed=7) == through(bad, seed=7)
        assert through(bad, seed=7) != through(bad, seed=8)

    def test_counts(self) -> None:
        """A test can see that the radio was as bad as it should be."""
        clock = Clock()
        radio = Radio(clock, random.Random(1), Conditions(0.3, 0.3, 0.3))
        for _ in range(1000):
            radio.carry(len, b"")
        assert radio.carried == 1000
        assert min(radio.lost, radio.repeated, radio.reordered) > 150
        assert len(clock.getDelayedCalls()) == 1000 - radio.lost + radio.repeated
