"""Numbers for bulk sessions, which never come again."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from goiptwist.device_interfaces import ITransmissionJournal

#: Session numbers reserved on disk at once.
SESSION_BLOCK = 500
#: Session numbers stay below this; the devices read 31 bits.
SESSION_MODULUS = 2**31


@define(eq=False, repr=False)
class SessionNumbers:
    """Gives out numbers of blocks that the journal has reserved."""

    journal: ITransmissionJournal
    _next: int = field(default=0, init=False)
    _end: int = field(default=0, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)

    async def take(self) -> int:
        """
        @raise StoreUnavailable: a new block could not be reserved.
        """
        while self._next == self._end:
            reserved: Deferred[None] = Deferred()
            self._waiting.append(reserved)
            if len(self._waiting) == 1:
                self.journal.reserve_session_numbers(SESSION_BLOCK).addBoth(self._reserved)
            await reserved
        self._next += 1
        return (self._next - 1) % SESSION_MODULUS

    def _reserved(self, first: int | Failure) -> None:
        if isinstance(first, int):
            self._next, self._end = first, first + SESSION_BLOCK
        # One after the other, not each from within the one before it: a
        # thousand sessions may wait, and the stack is not that deep.
        waiting, self._waiting = self._waiting, []
        for reserved in waiting:
            if isinstance(first, Failure):
                reserved.errback(first)
            else:
                reserved.callback(None)
