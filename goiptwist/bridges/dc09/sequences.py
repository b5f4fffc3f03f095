"""Sequence numbers that do not begin anew after a restart."""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, field
from twisted.internet.defer import DeferredLock

from goiptwist.errors import StoreUnavailable
from goiptwist.interfaces import IMemory

#: They go from 0001 to 9999; 0000 is for link tests (section 5.5.1.5).
LAST = 9999
#: Numbers reserved on disk at once; a restart leaves out the rest of them.
BLOCK = 100
#: Messages whose number is remembered, in case that they come again.
REMEMBERED = 1000
#: Under which the next number that is not reserved is kept.
KEY = "sequence"


@define(eq=False, repr=False)
class SequenceNumbers:
    """
    @ivar memory: of the section that they are counted for.
    """

    memory: IMemory
    _next: int = field(default=0, init=False)
    _left: int = field(default=0, init=False)
    _lock: DeferredLock = field(factory=DeferredLock, init=False)
    _assigned: OrderedDict[str, str] = field(factory=OrderedDict, init=False)

    async def of(self, message_id: str) -> str:
        """
        @return: four digits, the same if the message comes again soon: the
            receiver can tell a repeat by them.
        """
        await self._lock.acquire()
        try:
            if message_id not in self._assigned:
                self._assigned[message_id] = await self._assign()
                while len(self._assigned) > REMEMBERED:
                    self._assigned.popitem(last=False)
            return self._assigned[message_id]
        finally:
            self._lock.release()

    async def _assign(self) -> str:
        if not self._next:
            kept = await self.memory.get(KEY)
            self._next = int(kept) if kept.isdecimal() and 0 < int(kept) <= LAST else 1
        if not self._left:
            await self._reserve()
        number = self._next
        self._next, self._left = number % LAST + 1, self._left - 1
        return f"{number:04d}"

    async def _reserve(self) -> None:
        self._left = BLOCK
        try:
            await self.memory.put(KEY, str((self._next + BLOCK - 1) % LAST + 1))
        except StoreUnavailable:
            # An alarm goes before tidy numbers.
            self._left = 1
