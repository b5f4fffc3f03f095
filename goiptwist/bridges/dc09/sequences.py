"""Sequence numbers that do not begin anew after a restart."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from attrs import define, field
from twisted.internet.defer import DeferredLock

from goiptwist.errors import StoreUnavailable

#: They go from 0001 to 9999; 0000 is for link tests (section 5.5.1.5).
LAST = 9999
#: Numbers set apart on disk at once; a restart leaves out the rest of them.
BLOCK = 100
#: Messages whose number is remembered, in case that they come again.
REMEMBERED = 1000


@define(eq=False, repr=False)
class SequenceNumbers:
    """
    @ivar note: under which they are noted down.
    """

    gateway: Any
    note: str
    _next: int = field(default=0, init=False)
    _left: int = field(default=0, init=False)
    _turn: DeferredLock = field(factory=DeferredLock, init=False)
    _given: OrderedDict[str, str] = field(factory=OrderedDict, init=False)

    async def of(self, message_id: str) -> str:
        """
        @return: four digits, the same if the message comes again soon: the
            receiver can tell a repeat by them.
        """
        await self._turn.acquire()
        try:
            if message_id not in self._given:
                self._given[message_id] = await self._new()
                while len(self._given) > REMEMBERED:
                    self._given.popitem(last=False)
            return self._given[message_id]
        finally:
            self._turn.release()

    async def _new(self) -> str:
        if not self._next:
            noted = await self.gateway.memory.get(self.note)
            self._next = int(noted) if noted.isdecimal() and 0 < int(noted) <= LAST else 1
        if not self._left:
            await self._set_apart()
        number = self._next
        self._next, self._left = number % LAST + 1, self._left - 1
        return f"{number:04d}"

    async def _set_apart(self) -> None:
        self._left = BLOCK
        try:
            await self.gateway.memory.put(self.note, str((self._next + BLOCK - 1) % LAST + 1))
        except StoreUnavailable:
            # An alarm goes before tidy numbers.
            self._left = 1
