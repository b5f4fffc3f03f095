"""A pool of lines: a destination that picks the line for each text."""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, field
from twisted.internet.defer import Deferred
from zope.interface import implementer

from goiptwist.device_interfaces import IPooled
from goiptwist.errors import TryLater
from goiptwist.goip.line import Line
from goiptwist.goip.sending import BulkSession
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message

#: Numbers that may wait in one session before another line is opened for the
#: same text: at 2 to 5 s each the last of them waits about ten seconds.
JOIN_AHEAD = 3
#: Messages of which it is remembered which lines have failed them. Forgetting
#: costs nothing but a second try on the same line.
REMEMBERED = 10_000


@implementer(IPooled)
@define(eq=False, repr=False)
class Pool:
    """
    Lines of which any will do.

    @ivar name: as queues know it: C{pool:NAME} or C{line:ID}.
    @ivar free: the lines that have room, the one used longest ago first.
    """

    name: str
    free: OrderedDict[str, Line] = field(factory=OrderedDict, init=False)
    _open: dict[str, BulkSession] = field(factory=dict, init=False)
    _failed_by: OrderedDict[str, set[str]] = field(factory=OrderedDict, init=False)

    def room_changed(self, line: Line) -> bool:
        """
        One of the lines may be able to take more or less than before.

        @return: whether it can take something.
        """
        if line.has_room:
            self.free.setdefault(line.settings.id, line)
            return True
        self.free.pop(line.settings.id, None)
        return False

    def ready_for(self, message: Message) -> bool:
        """Whether this message could be sent now."""
        return bool(self.free) or self._joinable(message) is not None

    async def deliver(self, message: Message) -> Delivered:
        """
        Send it by the best line: in a session for the same text if there is
        one that is not too full, else by a line that has not failed it.
        """
        session = self._joinable(message)
        if session is None or (session.pending >= JOIN_AHEAD and self.free):
            session, result = await self._opened(message)
        else:
            result = session.join(message)
        try:
            return await result
        except TryLater as later:
            if later.attempted:
                self._remember(message, session)
            raise
        finally:
            if not session.pending and self._open.get(message.batch) is session:
                del self._open[message.batch]

    def _joinable(self, message: Message) -> BulkSession | None:
        session = self._open.get(message.batch)
        return session if session is not None and session.can_join(message) else None

    async def _opened(self, message: Message) -> tuple[BulkSession, Deferred[Delivered]]:
        line = self._best(message)
        if line is None:
            raise TryLater("no line is free", attempted=False)
        session, result = await line.open(message)
        if message.batch:
            self._open[message.batch] = session
        return session, result

    def _best(self, message: Message) -> Line | None:
        failed = self._failed_by.get(message.id, ())
        unused = (line for name, line in self.free.items() if name not in failed)
        best = next(unused, None) or next(iter(self.free.values()), None)
        if best is not None:
            self.free.move_to_end(best.settings.id)
        return best

    def _remember(self, message: Message, session: BulkSession) -> None:
        self._failed_by.setdefault(message.id, set()).add(session.line.settings.id)
        while len(self._failed_by) > REMEMBERED:
            self._failed_by.popitem(last=False)
