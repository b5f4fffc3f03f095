"""
One question and its answer over UDP: said again at the right moments, given up
at the right moment, and never answered by something else.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from goiptwist.goip.exchange import AnswerMeaning, Exchange, NoAnswer
from goiptwist.goip.frames import DeviceAnswer

ANSWER = DeviceAnswer("OK", 11, ("1",))
NOT_YET = DeviceAnswer("WAIT", 11, ("1",))
STRANGE = DeviceAnswer("SEND", 11)

MEANINGS = {"OK": AnswerMeaning.ANSWER, "WAIT": AnswerMeaning.PATIENCE, "SEND": AnswerMeaning.OTHER}


@define
class Asked:
    """An exchange with everything that it does."""

    patience: tuple[float, ...] = (1.0, 2.0, 4.0)
    clock: Clock = field(factory=Clock)
    #: When something was sent.
    sent: list[float] = field(factory=list)
    roughness: int = 0
    outcomes: list[Any] = field(factory=list)
    exchange: Exchange = field(init=False)
    answered: Deferred[DeviceAnswer] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.exchange = Exchange(self.clock, self)
        self.answered = self.exchange.ask(b"question", lambda a: MEANINGS[a.verb], self.patience)
        self.answered.addBoth(self.outcomes.append)

    def path_unreliable(self) -> None:
        self.roughness += 1

    def write(self, datagram: bytes) -> None:
        assert datagram == b"question"
        self.sent.append(self.clock.seconds())

    def waits(self, seconds: float) -> None:
        for _ in range(round(seconds * 2)):
            self.clock.advance(0.5)


def test_an_answer_ends_it() -> None:
    """The first answer counts, and nothing is left ticking."""
    asked = Asked()
    assert asked.exchange.received(ANSWER)
    assert asked.outcomes == [ANSWER]
    assert asked.clock.getDelayedCalls() == []
    assert asked.roughness == 0


def test_repeated_after_each_silence() -> None:
    """One transmission for each entry of the patience, that many seconds apart."""
    asked = Asked()
    asked.waits(6.5)
    assert asked.sent == [0, 1, 3]
    assert asked.outcomes == []
    assert asked.exchange.transmissions == 3


def test_given_up_after_the_last() -> None:
    """C{NoAnswer} tells how long the silence was."""
    asked = Asked()
    asked.waits(7)
    [failure] = asked.outcomes
    assert failure.check(NoAnswer)
    assert failure.getErrorMessage() == "no answer for 7 s"
    assert asked.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("patience", "sent_before", "sent_after"),
    [
        ((5.0, 5.0, 5.0), [0], [0, 8, 13]),
        ((5.0,), [0], [0]),
    ],
    ids=["polled", "never repeated"],
)
def test_not_yet_begins_patience_anew(
    patience: tuple[float, ...], sent_before: list[float], sent_after: list[float]
) -> None:
    """
    A device that says WAIT has the question. Its silence is counted from then
    on, and it is not asked more often than if it had just been asked: what has
    one transmission has only that one, for some devices send an SMS again.
    """
    asked = Asked(patience)
    asked.waits(3)
    assert asked.exchange.received(NOT_YET)
    assert asked.exchange.alive
    assert asked.sent == sent_before
    asked.waits(sum(patience) - 0.5)
    assert asked.outcomes == []
    asked.waits(0.5)
    assert asked.sent == sent_after
    assert asked.outcomes[0].check(NoAnswer)


def test_anything_else_is_passed_over() -> None:
    """A late repeat of another answer changes nothing, not even the waiting."""
    asked = Asked()
    asked.waits(0.5)
    assert not asked.exchange.received(STRANGE)
    asked.waits(0.5)
    assert asked.sent == [0, 1]
    assert not asked.exchange.alive
    assert asked.outcomes == []


def test_an_answer_to_nothing() -> None:
    """A second copy of the answer finds no question."""
    asked = Asked()
    asked.exchange.received(ANSWER)
    assert not asked.exchange.received(ANSWER)
    assert asked.outcomes == [ANSWER]


def test_cancelling_ends_it() -> None:
    """Whoever stops waiting stops the asking; a late answer finds nothing."""
    asked = Asked()
    asked.answered.cancel()
    assert asked.outcomes[0].check(CancelledError)
    assert asked.clock.getDelayedCalls() == []
    assert not asked.exchange.received(ANSWER)


def test_one_exchange_asks_again() -> None:
    """Each question begins with new patience and its own count."""
    asked = Asked()
    asked.waits(1)
    asked.exchange.received(NOT_YET)
    asked.exchange.received(ANSWER)
    again = asked.exchange.ask(b"question", lambda a: MEANINGS[a.verb], (1.0,))
    assert (asked.exchange.transmissions, asked.exchange.alive) == (1, False)
    failures: list[Any] = []
    again.addErrback(failures.append)
    asked.waits(1)
    assert failures[0].check(NoAnswer)


class TestRoughness:
    """The way is rough where a datagram must have been lost or repeated."""

    def test_a_repeated_question(self) -> None:
        """The question or its answer was lost."""
        asked = Asked()
        asked.waits(1)
        assert asked.roughness == 1

    def test_a_poll_is_none(self) -> None:
        """After "not yet" the device is asked again on purpose."""
        asked = Asked((5.0, 5.0, 5.0))
        asked.exchange.received(NOT_YET)
        asked.waits(5)
        assert asked.sent == [0, 5]
        assert asked.roughness == 0

    def test_an_answer_that_nobody_asked_for(self) -> None:
        """Something was on its way twice, or for long."""
        asked = Asked()
        asked.exchange.received(STRANGE)
        assert asked.roughness == 1
        asked.exchange.received(ANSWER)
        asked.exchange.received(ANSWER)
        assert asked.roughness == 2
