"""
Where HTTP meets the sockets, and what one client may cost: a bounded body, a
bounded time to send it, no connection left behind.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred, succeed
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as AnyRequest
from twisted.web.resource import IResource

from goiptwist.errors import BadConfiguration
from goiptwist.values import HostPort
from goiptwist.web.api import Api
from goiptwist.web.problems import Problem

log = Logger()

#: Bytes of one body. A thousand recipients and the longest text that a device
#: takes need less than a tenth of it.
MAX_BODY = 2**20

#: Seconds from the first byte of a request to its last, and between requests.
PATIENCE = 60.0

#: Seconds in which what a client still sends is read and let go, after it was
#: told that its body is too large. A socket that is closed with bytes unread
#: is reset, and the answer is lost on the way (RFC 9112 section 9.6).
LINGER = 5.0

#: Seconds that open requests have to end when the gateway stops. A commit
#: takes milliseconds.
GRACE = 5.0

#: Characters of a path that go into the log.
MAX_LOGGED = 100


class Request(server.Request):
    """A request whose body is kept in memory, and so is bounded."""

    channel: Any
    content: Any
    _received = 0
    _refused = False

    def gotLength(self, length: int | None) -> None:
        """
        Twisted calls this when the headers are read.

        @param length: of the body; C{None} if it comes in chunks.
        """
        self.content = BytesIO()
        if length is not None and length > MAX_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted calls this with each piece of the body."""
        if self._refused:
            return
        self._received += len(data)
        if self._received > MAX_BODY:
            self._refuse()
        else:
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

    def _refuse(self) -> None:
        """Say no at once; whoever waits for "100 Continue" never sends the body."""
        self._refused = True
        self.content = BytesIO()
        self.requestHeaders.removeHeader(b"Expect")
        self.clientproto = b"HTTP/1.1"
        self.channel.hang_up_after(LINGER)
        problem = Problem(
            413,
            f"the body must not be larger than {MAX_BODY} bytes",
            headers={b"Connection": b"close"},
        )
        self.write(problem.answer(self))


class Channel(HTTPChannel):
    """One connection, HTTP/1.1 only."""

    site: Site
    transport: Any
    _receiving = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self.site.channels.add(self)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        super().connectionLost(reason)
        self.site.forget(self)

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

    def requestDone(self, request: server.Request) -> None:
        """Twisted calls this when a request is answered."""
        self._receiving = False
        super().requestDone(request)

    def hang_up_after(self, seconds: float) -> None:
        """Close once the current request is read, and not later than that."""
        self.persistent = 0
        self.setTimeout(seconds)

    def finish_up(self) -> None:
        """Close, but answer first what was asked."""
        if self.requests:
            self.persistent = 0
        else:
            self.loseConnection()


class Site(server.Site):
    """
    All connections of one listening port.

    @ivar channels: the open ones.
    """

    protocol = Channel  # type: ignore[assignment]
    noisy = False  # we say ourselves where HTTP listens

    def __init__(self, resource: IResource, reactor: Any) -> None:
        super().__init__(
            resource,
            requestFactory=Request,
            parsePOSTFormSubmission=False,
            timeout=PATIENCE,
            reactor=reactor,
        )
        self.channels: set[Channel] = set()
        self._all_gone: Deferred[None] | None = None
        self._abort: IDelayedCall | None = None

    def startFactory(self) -> None:
        """Twisted calls this; its own would open an access log and start a clock for it."""

    def stopFactory(self) -> None:
        """Twisted calls this; its own would close the access log."""

    def log(self, request: AnyRequest) -> None:
        """
        Twisted calls this for each answer. Queries stay out of the log, and so
        do all headers: they hold numbers and tokens.
        """
        log.debug(
            "{peer} {method} {path}: {status}",
            peer=getattr(request.client, "host", "-"),
            method=request.method.decode("ascii", "replace"),
            path=request.path[:MAX_LOGGED].decode("ascii", "replace"),
            status=request.code,
        )

    def close(self) -> Deferred[None]:
        """
        Close idle connections now and the others when they are answered, or
        after L{GRACE}.

        @return: fires when none is left.
        """
        for channel in tuple(self.channels):
            channel.finish_up()
        if not self.channels:
            return succeed(None)
        self._all_gone = Deferred()
        self._abort = self.reactor.callLater(GRACE, self._abort_all)
        return self._all_gone

    def forget(self, channel: Channel) -> None:
        """A connection has gone."""
        self.channels.discard(channel)
        if self._all_gone is None or self.channels:
            return
        if self._abort is not None and self._abort.active():
            self._abort.cancel()
        gone, self._all_gone = self._all_gone, None
        gone.callback(None)

    def _abort_all(self) -> None:
        for channel in tuple(self.channels):
            channel.transport.abortConnection()


class HttpService(Service):
    """
    Listens while it runs.

    @ivar port: what it listens with, or C{None}.
    """

    port: IListeningPort | None = None

    def __init__(self, reactor: Any, address: HostPort, api: Api) -> None:
        self.address = address
        self.site = Site(api.resource(), reactor)
        endpoint = TCP6ServerEndpoint if ":" in address.host else TCP4ServerEndpoint
        self._endpoint = endpoint(reactor, address.port, interface=address.host)

    def privilegedStartService(self) -> None:
        """
        Twisted calls this while it may still take ports below 1024.

        @raise BadConfiguration: nobody can listen on that address now.
        """
        super().privilegedStartService()
        self._listen()

    def startService(self) -> None:
        """
        @raise BadConfiguration: nobody can listen on that address now.
        """
        self._listen()
        super().startService()

    def _listen(self) -> None:
        if self.port is not None:
            return
        failures: list[Failure] = []
        self._endpoint.listen(self.site).addCallbacks(self._listens, failures.append)
        for failure in failures:
            failure.trap(CannotListenError)
            reason = getattr(failure.value, "socketError", failure.value)
            sentence = f"HTTP cannot listen on {self.address}: {reason}; is it running already?"
            raise BadConfiguration([sentence]) from failure.value

    def _listens(self, port: IListeningPort) -> None:
        self.port = port
        host: Any = port.getHost()
        log.info("HTTP listens on {address}", address=HostPort(host.host, host.port))

    def stopService(self) -> Deferred[Any] | None:
        """@return: fires when the port and all connections are closed."""
        super().stopService()
        if self.port is None:
            return None
        port, self.port = self.port, None
        return DeferredList([maybeDeferred(port.stopListening), self.site.close()])
