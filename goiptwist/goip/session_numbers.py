"""
Numbers for bulk sessions, which never come again, and which nobody can tell
beforehand: who forges the address of a line could say OK to the next one.
"""

from __future__ import annotations

import hmac
import struct

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from goiptwist.device_interfaces import ITransmissionJournal

#: Session numbers reserved on disk at once.
SESSION_BLOCK = 500
#: Session numbers stay below this; the devices read 31 bits.
SESSION_MODULUS = 2**31


#: Bits of the numbers that are mixed, in two halves; those beyond 31 are walked past.
_HALF = 16
#: Rounds of a Feistel network from which on nobody tells it from chance (Luby and
#: Rackoff, 1988, with a pseudorandom function in each).
_ROUNDS = 4


@frozen
class SessionPermutation:
    """
    Puts the numbers below L{SESSION_MODULUS} into an order of its own: each comes
    once, as in the order that it replaces, and without the key none follows from
    another.

    @ivar key: 32 bytes that only this gateway knows.
    """

    key: bytes = field(repr=False)

    def of(self, number: int) -> int:
        """@param number: at least 0, and below L{SESSION_MODULUS}."""
        mixed = self._mixed(number)
        while mixed >= SESSION_MODULUS:  # every second one, so after two steps on average
            mixed = self._mixed(mixed)
        return mixed

    def _mixed(self, number: int) -> int:
        left, right = number >> _HALF, number & 0xFFFF
        for turn in range(_ROUNDS):
            octets = struct.pack(">BH", turn, right)
            code = hmac.digest(self.key, b"session" + octets, "sha256")
            left, right = right, left ^ int.from_bytes(code[:2], "big")
        return left << _HALF | right


@define(eq=False, repr=False)
class SessionNumbers:
    """Gives out numbers of blocks that the journal has reserved."""

    journal: ITransmissionJournal
    permutation: SessionPermutation
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
        return self.permutation.of((self._next - 1) % SESSION_MODULUS)

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
