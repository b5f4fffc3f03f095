"""Callbacks that belong together: added, called in the order in which they came, taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVarTuple

from attrs import define, field

Ts = TypeVarTuple("Ts")


@define(eq=False, repr=False)
class Subscribers(Generic[*Ts]):
    """
    Those who want to hear of one kind of change.

    @ivar callbacks: in the order in which they came; where changes come by
        the thousand, ask first whether anybody listens.
    """

    callbacks: dict[object, Callable[[*Ts], None]] = field(factory=dict, init=False)

    def add(self, callback: Callable[[*Ts], None]) -> Callable[[], None]:
        """
        @return: ends the subscription; more than once does no harm.
        """
        key = object()
        self.callbacks[key] = callback

        def unsubscribe() -> None:
            self.callbacks.pop(key, None)

        return unsubscribe

    def notify(self, *change: *Ts) -> None:
        """Call each of them."""
        for callback in tuple(self.callbacks.values()):
            callback(*change)
