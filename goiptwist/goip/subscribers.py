"""Callbacks that belong together: added, called in the order in which they came, taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVarTuple

from attrs import define, field

Ts = TypeVarTuple("Ts")


@define(eq=False, repr=False)
class Subscribers(Generic[*Ts]):
    """Those who want to hear of one kind of change."""

    _callbacks: dict[object, Callable[[*Ts], None]] = field(factory=dict, init=False)

    def add(self, callback: Callable[[*Ts], None]) -> Callable[[], None]:
        """
        @return: ends the subscription; more than once does no harm.
        """
        key = object()
        self._callbacks[key] = callback

        def unsubscribe() -> None:
            self._callbacks.pop(key, None)

        return unsubscribe

    def notify(self, *change: *Ts) -> None:
        """Call each of them."""
        for callback in tuple(self._callbacks.values()):
            callback(*change)
