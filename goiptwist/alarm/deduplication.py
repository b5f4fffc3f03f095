"""
The brake for storms: the same alarm again within some seconds is the same
alarm, however often a loose contact or a nervous panel reports it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from goiptwist.model.messages import Message, State
from goiptwist.store import AlarmRepetition, Store

#: Different alarms that are remembered; more of them in one window are no
#: storm of repeats, and the oldest is let go.
MOST = 10_000


@define(eq=False)
class _Seen:
    """
    @ivar at: when the first one came.
    @ivar kept: it, once it is on disk.
    @ivar waiting: repeats that came before that.
    @ivar count: how often it came again.
    """

    at: float
    client_id: str
    kept: Message | None = None
    waiting: list[Deferred[None]] = field(factory=list)
    count: int = 0


@define(eq=False, repr=False)
class Deduplication:
    """
    @ivar window: seconds in which the same is a repeat, counted from the first
        one, so that an alarm that never ends is told again in each; 0 is none.
    """

    clock: IReactorTime
    store: Store
    window: float
    _seen: OrderedDict[Hashable, _Seen] = field(factory=OrderedDict, init=False)

    async def once(
        self, key: Hashable, client_id: str, keep: Callable[[], Awaitable[Message]]
    ) -> Message:
        """
        @param key: what makes two alarms the same.
        @param client_id: the same again is another try of one request, and no
            repeat of the event.
        @param keep: puts the alarm on disk.
        @return: the alarm, or the one that it repeats; either is on disk.
        """
        if not self.window:
            return await keep()
        while True:
            self._forget()
            first = self._seen.get(key)
            if first is None:
                return await self._first(key, client_id, keep)
            if first.kept is None:
                await self._its_turn(first)
                continue
            known = await self.store.message(first.kept.id)
            if known is not None and known.state is not State.FAILED:
                await self._again(first, known, client_id)
                return known
            # Nobody has got it: the repeat is another chance.
            if self._seen.get(key) is first:
                del self._seen[key]

    async def _first(
        self, key: Hashable, client_id: str, keep: Callable[[], Awaitable[Message]]
    ) -> Message:
        first = self._seen[key] = _Seen(self.clock.seconds(), client_id)
        try:
            kept = first.kept = await keep()
        except BaseException:
            if self._seen.get(key) is first:
                del self._seen[key]
            raise
        else:
            return kept
        finally:
            waiting, first.waiting = first.waiting, []
            for one in waiting:
                one.callback(None)

    @staticmethod
    async def _its_turn(first: _Seen) -> None:
        waiting: Deferred[None] = Deferred()
        first.waiting.append(waiting)
        await waiting

    async def _again(self, first: _Seen, known: Message, client_id: str) -> None:
        if client_id and client_id == first.client_id:
            return
        first.count += 1
        # A storm must not become a storm of notes: the 1st, 2nd, 4th, 8th, ...
        if first.count & (first.count - 1) == 0:
            now = self.clock.seconds()
            await self.store.record_repetition(
                AlarmRepetition(
                    message_id=known.id, count=first.count, after=now - first.at, at=now
                )
            )

    def _forget(self) -> None:
        """Let go of what is no repeat any more, the oldest first."""
        since = self.clock.seconds() - self.window
        while self._seen:
            oldest = next(iter(self._seen.values()))
            if oldest.at > since and len(self._seen) <= MOST:
                return
            self._seen.popitem(last=False)
