"""
Who has had how many stanzas (XEP-0198). Pure: no clock, no stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

from attrs import define, field

#: Counters begin anew after 2^32 - 1 (XEP-0198 section 4).
WRAP = 2**32

T = TypeVar("T")


class Overclaimed(Exception):
    """The far side says that it has had more than we sent."""


@define
class SentStanzas(Generic[T]):
    """
    What went out, in order, until the far side has it.

    @ivar count: how many it has had so far, as it counts.
    """

    count: int = 0
    _open: deque[T] = field(factory=deque)

    def add(self, stanza: T) -> None:
        """One more went out."""
        self._open.append(stanza)

    def confirm(self, count: int) -> list[T]:
        """
        The far side has had so many, since the beginning.

        @return: those of which we know it only now.
        @raise Overclaimed: that cannot be.
        """
        newly = (count - self.count) % WRAP
        if not 0 <= count < WRAP or newly > len(self._open):
            raise Overclaimed
        self.count = count
        return [self._open.popleft() for _ in range(newly)]

    def all(self) -> list[T]:
        """@return: what it may not have."""
        return list(self._open)

    def __len__(self) -> int:
        return len(self._open)


@define
class ReceivedStanzas:
    """
    What came in, and is done. Stanzas may be done out of order, but only those
    before the first that is not are confirmed.

    @ivar count: how many are, as we tell the far side.
    """

    count: int = 0
    _added: int = 0
    _confirmed: int = 0
    _done: set[int] = field(factory=set)

    def add(self) -> int:
        """
        One more came in.

        @return: its number, for L{done}.
        """
        self._added += 1
        return self._added

    def done(self, number: int) -> None:
        """What there was to do about a stanza is done."""
        if number > self._confirmed:
            self._done.add(number)
        while self._confirmed + 1 in self._done:
            self._confirmed += 1
            self._done.discard(self._confirmed)
            self.count = (self.count + 1) % WRAP

    @property
    def open(self) -> int:
        """How many came in and are not confirmed."""
        return self._added - self._confirmed

    def forget(self) -> None:
        """The stream is another: what is not confirmed comes again, under another number."""
        self._confirmed = self._added
        self._done.clear()


def joined(names: Iterable[str]) -> str:
    """@return: words for a sentence, such as C{PLAIN and X-OAUTH2}."""
    *most, last = list(names) or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last
