"""
Which reports are repeats of one that we have had.

A panel that gets no ACK sends the same sequence number again, with a new time.
But sequence numbers begin anew when a panel does, and come round: so the same
number with the same event is the same report only for a while.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from attrs import define, field
from twisted.internet.defer import DeferredLock

from goiptwist.bridges.dc09.frames import Dc09Frame

#: Seconds in which a panel repeats. Retries come within a minute; a panel that
#: has started anew within this time and reports the very same is taken for one.
REPEATS_WITHIN = 600.0
#: Reports of one account that are remembered.
REMEMBERED = 32


@define(eq=False, repr=False)
class ReportDeduplication:
    """
    @ivar gateway: keeps what was heard, over a restart as well.
    """

    gateway: Any
    _heard: dict[str, dict[str, float]] = field(factory=dict, init=False)
    _turns: dict[str, DeferredLock] = field(factory=dict, init=False)

    async def name_of(self, account: str, frame: Dc09Frame) -> str:
        """
        @param account: one that is configured, always written the same way.
        @param frame: in clear.
        @return: the name of this report, the same for a repeat. It is on disk.
        @raise StoreUnavailable: it is not.
        """
        turn = self._turns.setdefault(account, DeferredLock())
        await turn.acquire()
        try:
            return await self._name_of(account, frame)
        finally:
            turn.release()

    async def _name_of(self, account: str, frame: Dc09Frame) -> str:
        note, now = f"dc09 heard {account}", self.gateway.clock.seconds()
        if account not in self._heard:
            self._heard[account] = _read(await self.gateway.memory.get(note))
        about = "|".join((frame.receiver, frame.line, frame.data.upper()))
        what = f"{frame.sequence}-{hashlib.sha256(about.encode()).hexdigest()[:12]}"
        first = self._heard[account].get(what)
        if first is None or not now - REPEATS_WITHIN <= first <= now:
            first = float(int(now))
            fresh = {**self._heard[account], what: first}
            fresh = dict(sorted(fresh.items(), key=lambda one: one[1])[-REMEMBERED:])
            await self.gateway.memory.put(note, json.dumps(fresh))
            self._heard[account] = fresh
        return f"{account}-{what}-{int(first)}"


def _read(noted: str) -> dict[str, float]:
    try:
        return {str(what): float(at) for what, at in json.loads(noted or "{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}
