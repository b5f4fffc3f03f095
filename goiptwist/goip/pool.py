"""A pool of lines: a destination that lends the line for each text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from zope.interface import implementer

from goiptwist.device_interfaces import ILease, ILends
from goiptwist.errors import TryLater
from goiptwist.goip.line import GoipLine, SessionSlot
from goiptwist.goip.sending import BulkSession
from goiptwist.goip.subscribers import Subscribers
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message

#: Numbers that may wait in one session before another line is opened for the
#: same text: at 2 to 5 s each the last of them waits about ten seconds.
JOIN_AHEAD = 3
#: Messages of which it is remembered which lines have failed them. Forgetting
#: costs nothing but a second try on the same line.
REMEMBERED = 10_000


@implementer(ILease)
@define(eq=False, repr=False)
class LineLease:
    """
    Room on a line for a session of its own, or a place in a session for the
    same text.

    @ivar _slot: the room; C{None} once a session holds it, or it is given back.
    @ivar _session: the session to join.
    """

    pool: LinePool
    _slot: SessionSlot | None = None
    _session: BulkSession | None = None

    async def deliver(self, message: Message) -> Delivered:
        """See L{ILease}."""
        session, result = await self._begin(message)
        return await self.pool.await_result(message, session, result)

    async def _begin(self, message: Message) -> tuple[BulkSession, Deferred[Delivered]]:
        if self._session is not None and self._session.can_join(message):
            return self._session, self._session.join(message)
        slot = self._slot
        if slot is None:
            raise TryLater("the session is over", attempted=False)
        session, result = await slot.line.open(slot, message)
        self._slot = None
        self.pool.opened(session)
        return session, result

    def release(self) -> None:
        """See L{ILease}."""
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.release()


@implementer(ILends)
@define(eq=False, repr=False)
class LinePool:
    """
    Lines of which any will do.

    @ivar name: as queues know it: C{pool:NAME} or C{line:ID}.
    @ivar free: the lines that have room, the one used longest ago first.
    """

    name: str
    free: OrderedDict[str, GoipLine] = field(factory=OrderedDict, init=False)
    _available: Subscribers[()] = field(factory=Subscribers[()], init=False)
    _open: dict[str, BulkSession] = field(factory=dict, init=False)
    _failed_by: OrderedDict[str, set[str]] = field(factory=OrderedDict, init=False)

    def add(self, line: GoipLine) -> None:
        """Lend this line too."""
        line.capacity.add(self._capacity_changed)

    def _capacity_changed(self, line: GoipLine) -> None:
        if not line.has_room:
            self.free.pop(line.settings.id, None)
            return
        none_was_free = not self.free
        self.free.setdefault(line.settings.id, line)
        if none_was_free:
            self._available.notify()

    def on_available(self, callback: Callable[[], None]) -> Callable[[], None]:
        """See L{ILends}."""
        return self._available.add(callback)

    def acquire(self, message: Message) -> LineLease | None:
        """
        Lend the best line: a place in a session for the same text if there is
        one that is not too full, else a line that has not failed the message.
        As L{ILends.acquire}.
        """
        session = self._joinable(message)
        if session is not None and (session.pending < JOIN_AHEAD or not self.free):
            return LineLease(self, session=session)
        line = self._best(message)
        return LineLease(self, slot=line.borrow()) if line is not None else None

    async def deliver(self, message: Message) -> Delivered:
        """See L{goiptwist.interfaces.IDestination}; for those who hold no lease."""
        lease = self.acquire(message)
        if lease is None:
            raise TryLater("no line is free", attempted=False)
        try:
            return await lease.deliver(message)
        finally:
            lease.release()

    def opened(self, session: BulkSession) -> None:
        """More recipients of the same text may join this session."""
        if session.batch:
            self._open[session.batch] = session

    async def await_result(
        self, message: Message, session: BulkSession, result: Deferred[Delivered]
    ) -> Delivered:
        """
        Wait for what the device says, and remember which line has failed.

        @raise TryLater: as L{BulkSession.join}, which may also raise others.
        """
        try:
            return await result
        except TryLater as error:
            if error.attempted:
                self._remember_failure(message, session)
            raise
        finally:
            if not session.pending and self._open.get(message.batch) is session:
                del self._open[message.batch]

    def _joinable(self, message: Message) -> BulkSession | None:
        session = self._open.get(message.batch)
        return session if session is not None and session.can_join(message) else None

    def _best(self, message: Message) -> GoipLine | None:
        failed = self._failed_by.get(message.id, ())
        unused = (line for name, line in self.free.items() if name not in failed)
        best = next(unused, None) or next(iter(self.free.values()), None)
        if best is not None:
            self.free.move_to_end(best.settings.id)
        return best

    def _remember_failure(self, message: Message, session: BulkSession) -> None:
        self._failed_by.setdefault(message.id, set()).add(session.line.settings.id)
        while len(self._failed_by) > REMEMBERED:
            self._failed_by.popitem(last=False)
