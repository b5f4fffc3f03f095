"""
The way between a device and its server: it loses, repeats, reorders, delays.

One radio is one direction. It is not about sockets: it passes calls on, later
or not at all, so it stands before a real port and inside a test alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime

#: Seconds by which a datagram out of order is late at the most. Our choice:
#: longer than the 3 s after which a device repeats itself, so that a late
#: datagram falls behind its own repetition.
LATE = 4.0


@frozen
class Conditions:
    """
    How bad one direction is.

    @ivar loss: the share of datagrams that never arrive, 0 to 1.
    @ivar repetition: the share that arrive twice, 0 to 1.
    @ivar reordering: the share that are late, so that others overtake them.
    @ivar delay: seconds that every datagram takes.
    @ivar late: seconds that a reordered one takes more, at the most.
    """

    loss: float = 0.0
    repetition: float = 0.0
    reordering: float = 0.0
    delay: float = 0.0
    late: float = LATE

    @property
    def clear(self) -> bool:
        """Whether every datagram just arrives, at once."""
        return not (self.loss or self.repetition or self.reordering or self.delay)


CLEAR = Conditions()


@define
class Radio:
    """
    @ivar conditions: may be changed at any time.
    @ivar carried: how many datagrams were given to it.
    @ivar lost: how many of them it lost.
    @ivar repeated: how many arrived twice.
    @ivar reordered: how many came late.
    """

    _clock: IReactorTime
    _rng: random.Random
    conditions: Conditions = CLEAR
    carried: int = field(default=0, init=False)
    lost: int = field(default=0, init=False)
    repeated: int = field(default=0, init=False)
    reordered: int = field(default=0, init=False)

    def carry(self, arrive: Callable[..., object], *what: Any) -> None:
        """
        Call C{arrive(*what)} as often as the conditions allow: once, twice, or
        never, and never before this call has returned.
        """
        self.carried += 1
        if self._rng.random() < self.conditions.loss:
            self.lost += 1
            return
        self._clock.callLater(self._duration(), arrive, *what)
        if self._rng.random() < self.conditions.repetition:
            self.repeated += 1
            self._clock.callLater(self._duration(), arrive, *what)

    def _duration(self) -> float:
        if self._rng.random() < self.conditions.reordering:
            self.reordered += 1
            return self.conditions.delay + self._rng.uniform(0, self.conditions.late)
        return self.conditions.delay
