"""
All connections: a bounded number, a bounded time for each request, none left
behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as AnyRequest
from twisted.web.resource import IResource

from goiptwist.net.draining import Connections
from goiptwist.net.sampled_log import SampledLog
from goiptwist.net.source import network_of
from goiptwist.web.http.proxies import NO_PROXIES, TrustedProxies
from goiptwist.web.http.request import MAX_LOGGED, MemoryBudget, Request

log = Logger()

#: Connections at a time. Each costs some kilobytes, and a file descriptor.
MAX_CONNECTIONS = 2000

#: Connections of one address at a time, or of one network of IPv6; our own reverse
#: proxies stand for many. Others find room, whatever one does.
MAX_BY_SOURCE = 200

#: Seconds from the first byte of a request to its last, and between requests.
PATIENCE = 60.0


@frozen
class Leniency:
    """
    What old programs may do that others may not.

    @ivar large: the paths where batches are taken.
    @ivar mend: makes a request line that can be read of one that cannot.
    """

    large: frozenset[bytes] = frozenset()
    mend: Callable[[bytes], bytes] = bytes


#: Nobody may do any of it.
STRICT = Leniency()


class Channel(HTTPChannel):
    """One connection, HTTP/1.1 only."""

    site: Site
    transport: Any
    #: The target of the request whose headers have just been read.
    target = b""
    #: Where it comes from, as connections are counted.
    peer = ""
    _receiving = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self.site.channels.came(self)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        super().connectionLost(reason)
        self.site.channels.went(self)
        self.site.left(self.peer)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked, nor half asked."""
        return not self.requests and not self._receiving

    def resetTimeout(self) -> None:
        """
        Twisted calls this whenever bytes arrive. Only the first of a request
        count: one that trickles in must not hold its connection for ever.
        """
        if not self._receiving:
            self._receiving = True
            super().resetTimeout()

    def headerReceived(self, line: bytes) -> bool:
        """Twisted calls this for each header, and trips over an endless Content-Length."""
        try:
            return bool(super().headerReceived(line))
        except ValueError:
            self.loseConnection()
            return False

    def lineReceived(self, line: bytes) -> None:
        """Twisted calls this with the request line and each header."""
        super().lineReceived(self.site.leniency.mend(line))

    def allHeadersReceived(self) -> None:
        """Twisted calls this before the body."""
        self.target = self._path
        super().allHeadersReceived()

    def requestDone(self, request: server.Request) -> None:
        """Twisted calls this when a request is answered."""
        self._receiving = False
        self.site.channels.came(self)  # as idle, it is the youngest
        super().requestDone(request)

    def hang_up_after(self, seconds: float) -> None:
        """Close once the current request is read, and not later than that."""
        self.persistent = 0
        self.setTimeout(seconds)

    def leave(self) -> None:
        """Close, but answer first what was asked."""
        if self.requests:
            self.persistent = 0
        else:
            self.loseConnection()

    def abort(self) -> None:
        """Close now."""
        self.transport.abortConnection()


class Site(server.Site):
    """
    All connections, whichever port they came by.

    @ivar channels: the open ones, the longest idle first.
    @ivar room: how much of the memory they share.
    @ivar leniency: what old programs may do.
    @ivar proxies: those who are believed where a request comes from.
    """

    protocol = Channel  # type: ignore[assignment]
    noisy = False  # we say ourselves where HTTP listens

    def __init__(
        self,
        resource: IResource,
        reactor: Any,
        leniency: Leniency = STRICT,
        proxies: TrustedProxies = NO_PROXIES,
    ) -> None:
        super().__init__(
            resource,
            requestFactory=Request,
            parsePOSTFormSubmission=False,
            timeout=PATIENCE,
            reactor=reactor,
        )
        self.leniency = leniency
        self.proxies = proxies
        self.room = MemoryBudget()
        self.channels: Connections[Channel] = Connections(reactor)
        self._logged_full = False
        self._by_source: Counter[str] = Counter()
        self._sampled_logs = {
            well: SampledLog(reactor, log, LogLevel.debug) for well in (True, False)
        }

    def startFactory(self) -> None:
        """Twisted calls this; its own would open an access log and start a clock for it."""

    def stopFactory(self) -> None:
        """Twisted calls this; its own would close the access log."""

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:  # type: ignore[override]
        """Twisted calls this for each connection; where there are too many, one must go."""
        host = str(getattr(addr, "host", ""))
        peer = "" if host in self.proxies else network_of(host)
        if self._by_source[peer] >= MAX_BY_SOURCE and peer and not self._make_room(peer):
            return None
        if len(self.channels) < MAX_CONNECTIONS:
            self._logged_full = False
        else:
            if not self._logged_full:
                self._logged_full = True
                log.warn("HTTP has {count} connections, and takes no more", count=MAX_CONNECTIONS)
            if not self._make_room():
                return None
        channel: Any = super().buildProtocol(addr)
        channel.peer = peer
        self._by_source[peer] += 1
        return cast(Protocol, channel)

    def left(self, peer: str) -> None:
        """A connection of that source is closed."""
        self._by_source -= Counter([peer])

    def _make_room(self, peer: str = "") -> bool:
        """
        @param peer: one of this source must go; empty is any.
        @return: whether somebody was idle, and has gone.
        """
        idle = (c for c in self.channels if c.is_idle and (not peer or c.peer == peer))
        oldest = next(idle, None)
        if oldest is None:
            return False
        self.channels.went(oldest)
        oldest.abort()
        return True

    def log(self, request: AnyRequest) -> None:
        """
        Twisted calls this for each answer. Queries stay out of the log, and so
        do all headers: they hold numbers and tokens. Neither may a crowd of
        good answers hide the refused ones.
        """
        self._sampled_logs[request.code < 400].write(
            "{peer} {method} {path}: {status}",
            peer=self._source(request),
            method=request.method.decode("ascii", "replace"),
            path=request.path[:MAX_LOGGED].decode("ascii", "replace"),
            status=request.code,
        )

    def _source(self, request: AnyRequest) -> str:
        try:
            return self.proxies.source_of(request) or "-"
        except ValueError:  # which the answer says
            return getattr(request.client, "host", "-")

    def close(self) -> Deferred[None]:
        """
        Part with all clients.

        @return: fires when none is left.
        """
        return self.channels.part()
