"""
The ways of a message: which destination has it now, and who follows. Pure.
"""

from __future__ import annotations

import json
from typing import Self

from attrs import frozen

#: How the reason of an alarm begins that a person has taken over; the name follows.
ACKNOWLEDGED_BY = "acknowledged by "


@frozen
class EscalationStep:
    """
    One destination of a message. In a chain it knows who follows if it does
    not deliver, so that a restart can go on with it.

    @ivar destination: as C{bridge:NAME}.
    @ivar chain: which chain of the message it is a step of, from 1; 0 is none.
    @ivar following: who gets it after this one, in turn.
    @ivar wait: seconds after which the next one gets it, although this one
        may still try.
    """

    destination: str
    chain: int = 0
    following: tuple[str, ...] = ()
    wait: float = 0.0

    @property
    def next(self) -> EscalationStep | None:
        """The step that follows, or C{None} for the last."""
        if not self.following:
            return None
        first, *rest = self.following
        return EscalationStep(first, self.chain, tuple(rest), self.wait)

    def until(self, at: float) -> float | None:
        """
        @param at: when it began.
        @return: when the next one gets it; C{None} where there is none.
        """
        return at + self.wait if self.following else None

    def text(self) -> str:
        """Itself, without the destination, as the store keeps it; empty outside a chain."""
        return json.dumps([self.chain, self.wait, *self.following]) if self.chain else ""

    @classmethod
    def read(cls, destination: str, text: str) -> Self | None:
        """@return: what L{text} wrote, or C{None} for a destination in no chain."""
        if not text:
            return None
        chain, wait, *following = json.loads(text)
        return cls(destination, chain, tuple(following), wait)


def merged(steps: list[EscalationStep]) -> tuple[EscalationStep, ...]:
    """
    No destination begins twice with one message: of a step that is there
    already, only who follows counts, where nobody followed before.
    """
    known: dict[str, EscalationStep] = {}
    for step in steps:
        before = known.get(step.destination)
        if before is None or not before.chain:
            known[step.destination] = step if before is None or step.chain else before
    return tuple(known.values())
