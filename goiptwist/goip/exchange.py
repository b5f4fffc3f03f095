"""
Questions and answers with retransmission: one bulk session's side of UDP.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from goiptwist.errors import GoipTwistError
from goiptwist.goip.frames import DeviceAnswer


class NoAnswer(GoipTwistError):
    """The device was silent for as long as patience lasted."""


class AnswerMeaning(Enum):
    """What an answer means to the question that is open."""

    ANSWER = "answer"  # this is it
    PATIENCE = "patience"  # not yet, but the device is alive and has the question
    OTHER = "other"  # a late repeat of something else


class DeviceChannel(Protocol):
    """The way to one device."""

    def write(self, datagram: bytes) -> None:
        """Send one datagram."""

    def path_unreliable(self) -> None:
        """
        A datagram must have been lost or repeated on the way: a question had
        to be sent again, or an answer came that nobody asked for.
        """


@define(eq=False, repr=False)
class Exchange:
    """
    One question at a time to one session of one device.

    @ivar clock: where time comes from.
    @ivar transmissions: how often the open (or last) question was sent.
    @ivar alive: whether the device said "not yet" to it.
    """

    clock: IReactorTime
    channel: DeviceChannel
    transmissions: int = field(default=0, init=False)
    alive: bool = field(default=False, init=False)
    _waiting: Deferred[DeviceAnswer] | None = field(default=None, init=False)
    _question: bytes = field(default=b"", init=False)
    _meaning: Callable[[DeviceAnswer], AnswerMeaning] | None = field(default=None, init=False)
    _patience: Sequence[float] = field(default=(), init=False)
    _spent: int = field(default=0, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    def ask(
        self,
        question: bytes,
        meaning: Callable[[DeviceAnswer], AnswerMeaning],
        patience: Sequence[float],
    ) -> Deferred[DeviceAnswer]:
        """
        Send a question, again and again, until it is answered.

        @param meaning: tells what an answer means to this question.
        @param patience: seconds of silence after each transmission; an answer
            that means L{AnswerMeaning.PATIENCE} begins it anew.
        @return: fires with the answer, or fails with L{NoAnswer}. Cancelling
            it ends the question.
        """
        self._question, self._meaning, self._patience = question, meaning, patience
        answered: Deferred[DeviceAnswer] = Deferred(lambda _: self._abandon())
        self._waiting = answered
        self.transmissions, self.alive, self._spent = 0, False, 0
        self._transmit()
        return answered

    def received(self, answer: DeviceAnswer) -> bool:
        """
        The device said something in this session.

        @return: whether it belongs to the open question.
        """
        if self._waiting is None or self._meaning is None:
            self.channel.path_unreliable()
            return False
        meaning = self._meaning(answer)
        if meaning is AnswerMeaning.ANSWER:
            self._conclude().callback(answer)
        elif meaning is AnswerMeaning.PATIENCE:
            # As if it had just been sent: what may be sent once only is not
            # sent again for this.
            self.alive, self._spent = True, 1
            if self._timer is not None:
                self._timer.reset(self._patience[0])
        else:
            self.channel.path_unreliable()
        return meaning is not AnswerMeaning.OTHER

    def _transmit(self) -> None:
        self._timer = self.clock.callLater(self._patience[self._spent], self._silence)
        self._spent += 1
        self.transmissions += 1
        self.channel.write(self._question)

    def _silence(self) -> None:
        self._timer = None
        if self._spent < len(self._patience):
            if not self.alive:
                self.channel.path_unreliable()
            self._transmit()
        else:
            silence = sum(self._patience)
            self._conclude().errback(NoAnswer(f"no answer for {silence:g} s"))

    def _abandon(self) -> None:
        self._waiting = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _conclude(self) -> Deferred[DeviceAnswer]:
        waiting = self._waiting
        if waiting is None:  # pragma: no cover
            raise AssertionError("concluded twice")
        self._abandon()
        return waiting
