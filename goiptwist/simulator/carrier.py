"""The mobile network: which SMS it takes, and which ones arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from attrs import define, field

from goiptwist.simulator.settings import NumberRule


@define
class Carrier:
    """
    One for all lines of a device, so that a number that fails twice fails
    twice in all, not twice on each line.
    """

    _errors: tuple[NumberRule, ...] = ()
    _states: tuple[NumberRule, ...] = ()
    _seen: Counter[tuple[NumberRule, str]] = field(factory=Counter)

    def refusal(self, number: str) -> int | None:
        """@return: the C{errorstatus} for an SMS to this number, or C{None}: taken."""
        return self._first(self._errors, number)

    def report_state(self, number: str) -> int:
        """@return: the state of the delivery report; 0 is delivered."""
        return self._first(self._states, number) or 0

    def _first(self, rules: Iterable[NumberRule], number: str) -> int | None:
        return next((r.code for r in rules if r.matches(number) and self._holds(r, number)), None)

    def _holds(self, rule: NumberRule, number: str) -> bool:
        if rule.times is None:
            return True
        self._seen[rule, number] += 1
        return self._seen[rule, number] <= rule.times
