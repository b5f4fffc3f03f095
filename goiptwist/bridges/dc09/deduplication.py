"""
Which reports are repeats of one that we have had.

A panel that gets no ACK sends the same sequence number again, with a new time.
But sequence numbers begin anew when a panel does, and come round: so the same
number with the same event is the same report only for a while.
"""

from __future__ import annotations

import hashlib
import json

from attrs import define, field
from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime

from goiptwist.bridges.dc09.frames import Dc09Frame
from goiptwist.interfaces import IMemory

#: Seconds in which a panel repeats. Retries come within a minute; a panel that
#: has started anew within this time and reports the very same is taken for one.
REPEATED_WITHIN = 600.0
#: Reports of one account that are remembered.
REMEMBERED = 32


@define(eq=False, repr=False)
class ReportDeduplication:
    """
    @ivar memory: keeps what was received, over a restart as well.
    """

    memory: IMemory
    clock: IReactorTime
    _received: dict[str, dict[str, float]] = field(factory=dict, init=False)
    _locks: dict[str, DeferredLock] = field(factory=dict, init=False)

    async def client_id_of(self, account: str, frame: Dc09Frame) -> str:
        """
        @param account: one that is configured, always written the same way.
        @param frame: in clear.
        @return: the client id of this report, the same for a repeat. It is on disk.
        @raise StoreUnavailable: it is not.
        """
        lock = self._locks.setdefault(account, DeferredLock())
        await lock.acquire()
        try:
            return await self._client_id_of(account, frame)
        finally:
            lock.release()

    async def _client_id_of(self, account: str, frame: Dc09Frame) -> str:
        key, now = f"received {account}", self.clock.seconds()
        if account not in self._received:
            self._received[account] = _read(await self.memory.get(key))
        about = "|".join((frame.receiver, frame.line, frame.data.upper()))
        what = f"{frame.sequence}-{hashlib.sha256(about.encode()).hexdigest()[:12]}"
        first = self._received[account].get(what)
        if first is None or not now - REPEATED_WITHIN <= first <= now:
            first = float(int(now))
            fresh = {**self._received[account], what: first}
            fresh = dict(sorted(fresh.items(), key=lambda one: one[1])[-REMEMBERED:])
            await self.memory.put(key, json.dumps(fresh))
            self._received[account] = fresh
        return f"{account}-{what}-{int(first)}"


def _read(kept: str) -> dict[str, float]:
    try:
        return {str(what): float(at) for what, at in json.loads(kept or "{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}
