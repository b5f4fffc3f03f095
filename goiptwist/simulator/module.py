"""The radio module of a line: it sends one SMS at a time."""

from __future__ import annotations

import random
from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime


@define
class GsmModule:
    """
    @ivar _pace: seconds that one SMS takes, from and to; C{None} is none.
    """

    _clock: IReactorTime
    _rng: random.Random
    _pace: tuple[float, float] | None
    _waiting: list[Callable[[], None]] = field(factory=list, init=False)
    _busy: IDelayedCall | None = field(default=None, init=False)

    @property
    def busy(self) -> bool:
        """Whether an SMS is being sent."""
        return self._busy is not None

    def transmit(self, sent: Callable[[], None]) -> None:
        """
        Send an SMS when those before it are sent.

        @param sent: is called when it has been on the air; from within, where
            sending takes no time.
        """
        if self._pace is None:
            sent()
        elif self.busy:
            self._waiting.append(sent)
        else:
            self._begin(self._pace, sent)

    def forget(self) -> None:
        """The power is gone, and with it what was waiting."""
        self._waiting.clear()
        if self._busy is not None:
            self._busy.cancel()
            self._busy = None

    def _begin(self, pace: tuple[float, float], sent: Callable[[], None]) -> None:
        self._busy = self._clock.callLater(self._rng.uniform(*pace), self._finish, pace, sent)

    def _finish(self, pace: tuple[float, float], sent: Callable[[], None]) -> None:
        self._busy = None
        if self._waiting:
            self._begin(pace, self._waiting.pop(0))
        sent()
