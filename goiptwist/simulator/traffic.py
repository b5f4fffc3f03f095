"""Random incoming SMS, at a rate."""

from __future__ import annotations

import random
from itertools import count

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from goiptwist.simulator.device import SimulatedDevice

#: What people and machines write, and what gateways have stumbled over.
#: C{{}} is a running number, so that each text is its own.
TEXTS = (
    "Ok {}",
    "Your code is {}. Do not share it.",
    "Balance: 12,50 EUR; valid until 01.02. ({})",
    "Zeile eins\nZeile zwei\n{}",
    "Привет! Как дела? {}",
    "测试 {}",
    "see http://example.com/?a=1;b=2 {}",
    "RECEIVE:1;id:x;password:y;srcnum:z;msg:{}",
    "🚨 Alarm {}",
)
#: Digits of the numbers that they come from.
SENDERS = 10_000


@define(eq=False)
class RandomTraffic:
    """
    Each SMS comes to a line chosen at random, and the pauses between them are
    as irregular as those of strangers who do not know one another.
    """

    _clock: IReactorTime
    _rng: random.Random
    _device: SimulatedDevice
    _per_minute: float = field(default=0.0, init=False)
    _number: count[int] = field(factory=lambda: count(1), init=False)
    _next: IDelayedCall | None = field(default=None, init=False)

    @property
    def per_minute(self) -> float:
        """How many SMS come in a minute, on all lines together."""
        return self._per_minute

    @per_minute.setter
    def per_minute(self, rate: float) -> None:
        self.stop()
        self._per_minute = rate
        self._wait()

    def stop(self) -> None:
        """Let none come any more."""
        self._per_minute = 0.0
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _wait(self) -> None:
        if self._per_minute > 0:
            pause = self._rng.expovariate(self._per_minute / 60)
            self._next = self._clock.callLater(pause, self._arrive)

    def _arrive(self) -> None:
        self._wait()
        line = self._rng.choice(self._device.ordered)
        if line.running and line.sim.logged_in:
            sender = f"+4915550{self._rng.randrange(SENDERS):04d}"
            line.receive_sms(sender, self._rng.choice(TEXTS).format(next(self._number)))
