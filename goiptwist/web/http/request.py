"""
What one request may cost: a bounded body, a bounded share of the memory, an
answer that is written no faster than it is read.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from attrs import define
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from twisted.web import server
from zope.interface import implementer

from goiptwist.web.http.problems import Problem, retry_after

#: Bytes of one body. A thousand recipients and the longest text that a device
#: takes need less than a tenth of it.
MAX_BODY = 2**20

#: Bytes of one body where batches are taken: 20,000 messages of 160
#: characters, each with its names and with every character percent-encoded.
MAX_LARGE_BODY = 2**24

#: Bytes of all bodies and large answers together that are in memory at a time.
MAX_HELD = 2**26

#: Bytes of a body for which there is always room, or else a few who send large
#: ones slowly would keep everybody from sending. All connections together
#: need twice L{MAX_HELD} for them.
SMALL = 2**16

#: Bytes of an answer that are written at once; more wait until they are read.
SLICE = 2**16

#: Seconds in which a large answer must be read: 10 MB over a slow line.
READING_PATIENCE = 300.0

#: Said where there is no more, and the seconds after which there may be again.
CROWDED = "too much is in memory already; come again"
CROWDED_WAIT = 5.0

#: Seconds in which what a client still sends is read and let go, after it was
#: told that its body is too large. A socket that is closed with bytes unread
#: is reset, and the answer is lost on the way (RFC 9112 section 9.6).
LINGER = 5.0

#: Characters of a path that go into the log.
MAX_LOGGED = 100


@define
class MemoryBudget:
    """
    How much of the memory is taken.

    @ivar most: bytes.
    """

    most: int = MAX_HELD
    taken: int = 0

    @property
    def is_full(self) -> bool:
        return self.taken >= self.most


class Request(server.Request):
    """A request whose body is kept in memory, and so is bounded."""

    channel: Any
    content: Any
    _received = 0
    _held = 0
    _limit = MAX_BODY
    _refused = False
    _slices: SlicedAnswer | None = None

    def __repr__(self) -> str:
        """Without the query: it may hold a password, and this stands in tracebacks."""
        return f"<Request {self.method!r} {self.path[:MAX_LOGGED]!r}>"

    def gotLength(self, length: int | None) -> None:
        """
        Twisted calls this when the headers are read.

        @param length: of the body; C{None} if it comes in chunks.
        """
        self.content = BytesIO()
        self._room: MemoryBudget = self.channel.site.room
        if self.channel.target.partition(b"?")[0] in self.channel.site.leniency.large:
            self._limit = MAX_LARGE_BODY
        if length is not None and length > self._limit:
            self._refuse_size()
        elif length is not None and length > SMALL and self._room.is_full:
            self._refuse_crowded()

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted calls this with each piece of the body."""
        if self._refused:
            return
        self._received += len(data)
        if self._received > self._limit:
            self._refuse_size()
        elif self._received > SMALL and self._room.is_full:
            self._refuse_crowded()
        else:
            self._hold(len(data))
            self.content.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Twisted calls this when the body is read."""
        if self._refused:
            self.method, self.path = command, path.partition(b"?")[0]
            self.finish()
        else:
            super().requestReceived(command, path, version)

    def process(self) -> None:
        """Twisted calls this to have the request answered."""
        if self.path == b"*":
            self.path = b"/*"  # Twisted would answer by itself, and not as we do
        super().process()

    @property
    def is_crowded(self) -> bool:
        """Whether so much is in memory that a large answer must wait."""
        return self._room.is_full

    def write(self, data: bytes) -> None:
        """
        Write no faster than it is read, unless a producer sees to that. What is
        large comes in one piece, and is the last.
        """
        is_at_once = len(data) <= SLICE or self.method == b"HEAD"
        if is_at_once or self.producer is not None or self._disconnected:
            super().write(data)
        else:
            self._hold(len(data))
            self.channel.setTimeout(READING_PATIENCE)
            self._slices = SlicedAnswer(self, data)
            self._slices.start()

    def finish(self) -> None:
        """The answer is said; what has not been read yet is still written."""
        if self._slices is not None and not self._slices.are_read:
            self._slices.are_all = True
            return
        self._let_go()
        super().finish()

    def connectionLost(self, reason: Failure) -> None:
        """Twisted calls this if the client has gone before its answer."""
        self._let_go()
        super().connectionLost(reason)

    def _hold(self, size: int) -> None:
        self._held += size
        self._room.taken += size

    def _let_go(self) -> None:
        if self._held:
            self._room.taken -= self._held
            self._held = 0

    def _refuse_size(self) -> None:
        self._refuse(Problem(413, f"the body must not be larger than {self._limit} bytes"))

    def _refuse_crowded(self) -> None:
        self._refuse(Problem(503, CROWDED, headers=retry_after(CROWDED_WAIT)))

    def _refuse(self, problem: Problem) -> None:
        """Say no at once; a client that waits for "100 Continue" never sends the body."""
        self._refused = True
        self._let_go()
        self.content = BytesIO()
        self.requestHeaders.removeHeader(b"Expect")
        self.clientproto = b"HTTP/1.1"
        self.channel.hang_up_after(LINGER)
        problem.headers[b"Connection"] = b"close"
        self.write(problem.answer(self))


@implementer(IPushProducer)
class SlicedAnswer:
    """
    An answer on its way, a slice whenever the one before has been read.

    @ivar are_all: whether the request is finished with the last slice.
    @ivar are_read: whether that has gone out.
    """

    def __init__(self, request: Request, body: bytes) -> None:
        self._request = request
        self._body = memoryview(body)
        self._is_paused = False
        self.are_all = False
        self.are_read = False

    def start(self) -> None:
        """Begin."""
        self._request.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        """Twisted calls this when there is room for more."""
        self._is_paused = False
        while self._body and not self._is_paused:
            now, self._body = self._body[:SLICE], self._body[SLICE:]
            self._request.write(bytes(now))
        if not self._body and not self._is_paused and not self.are_read:
            self.are_read = True
            self._request.unregisterProducer()
            if self.are_all:
                self._request.finish()

    def pauseProducing(self) -> None:
        """Twisted calls this when enough is waiting to be read."""
        self._is_paused = True

    def stopProducing(self) -> None:
        """Twisted calls this when the client has gone."""
        self._is_paused = True
        self._body = memoryview(b"")
