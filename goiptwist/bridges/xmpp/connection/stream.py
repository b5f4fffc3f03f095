# mypy: disallow-untyped-calls=False
# (twisted.words is not annotated)
"""
One XML stream. While we log in, it is read by the code that drives the order; after
that, each stanza goes to one listener. Every end of it is one way.

The stock stream tells of a refused secret, a broken certificate and a lost
connection by three different events, and breaks on some nonsense.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.words.protocols.jabber import xmlstream
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.connection.characters import sayable
from goiptwist.bridges.xmpp.connection.failures import (
    ConnectionFailure,
    from_connection_loss,
    from_stream_error,
    protocol_violation,
)

NS_STREAMS = "http://etherx.jabber.org/streams"
NS_STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"

#: Bytes that one stanza of the server's may have. Prosody and ejabberd let
#: people write 256 KiB; what they pass on is a little more.
LARGEST = 512 * 1024
#: How deep elements may lie in one another; what lies deeper is left out. A form
#: in a command has 5 levels; serializers recurse, and would end the stream.
DEEPEST = 32
#: Elements that a server may say before we have asked, while we log in.
MAX_UNREQUESTED = 5
#: Seconds for the far side's goodbye (RFC 6120 section 4.4).
CLOSE_TIMEOUT = 2.0


class _ProtocolViolation(Exception):
    """Raised while XML is read; the text says what the server did."""


class _Pruning:
    """Leaves out what lies deeper than L{DEEPEST}: the stanza is taken without it."""

    def __init__(self, builder: Any) -> None:
        self._builder, self._depth = builder, 0

    def start(self, name: str, attributes: dict[Any, str]) -> None:
        """Called by expat."""
        self._depth += 1
        if self._depth <= DEEPEST:
            self._builder._onStartElement(name, attributes)

    def end(self, name: str) -> None:
        """Called by expat."""
        if self._depth <= DEEPEST:
            self._builder._onEndElement(name)
        self._depth -= 1

    def text(self, data: str) -> None:
        """Called by expat."""
        if self._depth <= DEEPEST:
            self._builder._onCdata(data)


class _StreamStartObserver(xmlstream.Authenticator):
    """Tells the stream what the stock one tells whom it thinks to drive the order."""

    xmlstream: Any

    def streamStarted(self, rootElement: Element) -> None:
        """Called by the stock stream when the server's header is there."""
        self.xmlstream.arrived(rootElement)


class XmppStream(xmlstream.XmlStream):
    """
    @ivar server: the server, in words, for sentences.
    @ivar listener: gets each stanza once it is set.
    @ivar fault: says what was wrong with the certificate; see L{VerifyingTlsOptions}.
    """

    transport: Any
    stream: Any

    def __init__(
        self, clock: IReactorTime, server: str, to: str, namespace: str, fault: Callable[[], str]
    ) -> None:
        """
        @param to: the domain that we want to connect to.
        @param namespace: of the stanzas.
        """
        super().__init__(_StreamStartObserver())
        self.server = server
        self.namespace = namespace
        self.listener: Callable[[Element], None] | None = None
        self.ended = False
        self.congested = False
        self._clock, self._to, self._fault = clock, to, fault
        self._failure: ConnectionFailure | None = None
        self._waiter: Deferred[Element] | None = None
        self._early: deque[Element] = deque()
        self._unread = 0
        self._reads = True
        self._close_timer: IDelayedCall | None = None
        self._watchers: list[Deferred[ConnectionFailure]] = []

    # What we say

    def connectionMade(self) -> None:
        """Called by Twisted when the server is reached."""
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        super().connectionMade()

    def sendHeader(self) -> None:
        """Begin the stream; for components there is no version (XEP-0114)."""
        version = " version='1.0'" if self.namespace == "jabber:client" else ""
        self.write(
            f"<?xml version='1.0'?><stream:stream xmlns='{self.namespace}' "
            f"xmlns:stream='{NS_STREAMS}' to='{self._to}'{version}>"
        )

    def written(self, element: Element) -> str:
        """@return: how an element goes over this stream; without what XML forbids."""
        text: str = element.toXml(
            prefixes=self.prefixes,
            defaultUri=self.namespace,
            prefixesInScope=list(self.prefixes.values()),
        )
        return sayable(text)

    def send(self, obj: Element) -> None:
        """Send an element."""
        self.write(self.written(obj))

    def write(self, text: str) -> None:
        """Send what is XML already."""
        if not self.ended and self._close_timer is None:
            self.transport.write(text.encode())

    def pauseProducing(self) -> None:
        """Called by Twisted when the server does not read what we say."""
        self.congested = True

    def resumeProducing(self) -> None:
        """Called by Twisted when there is room again."""
        self.congested = False

    def stopProducing(self) -> None:
        """Called by Twisted when nothing can be said any more."""

    def startTLS(self, options: Any) -> None:
        """All that follows is within TLS, and nothing that came before counts."""
        self.transport.unregisterProducer()
        self.transport.startTLS(options)
        self.transport.registerProducer(self, True)

    def listen(self, listener: Callable[[Element], None]) -> None:
        """From now on each stanza goes to C{listener}, those that came early first."""
        self.listener = listener
        while self._early:
            listener(self._early.popleft())

    @property
    def reads(self) -> bool:
        """Whether we listen to the server at the moment."""
        return self._reads

    def listen_on(self, on: bool) -> None:
        """Let the server wait, or go on; TCP tells it."""
        if on == self._reads or self.ended:
            return
        self._reads = on
        if on:
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()

    # What is heard while we log in

    async def begin(self) -> Element:
        """
        Begin a stream, anew after TLS or a login.

        @return: the server's header.
        """
        if self._early:
            raise protocol_violation(
                self.server, "says more than it was asked before a new beginning"
            )
        self.reset()
        self.sendHeader()
        return await self.next()

    def next(self) -> Deferred[Element]:
        """
        @return: fires with the next element; fails with L{ConnectionFailure}.
        """
        waiter: Deferred[Element] = Deferred()
        if self._early:
            waiter.callback(self._early.popleft())
        elif self._failure is not None:
            waiter.errback(Failure(self._failure))
        else:
            self._waiter = waiter
        return waiter

    def _initializeStream(self) -> None:
        if self.stream is not None:
            # The rest of what is just being read came before the new beginning.
            old = self.stream
            old.DocumentStartEvent = old.ElementEvent = self._stray
            old.DocumentEndEvent = self._stray
        super()._initializeStream()
        self._unread = 0
        parser = self.stream.parser
        parser.StartDoctypeDeclHandler = self._doctype
        pruned = _Pruning(self.stream)
        parser.StartElementHandler = pruned.start
        parser.EndElementHandler = pruned.end
        parser.CharacterDataHandler = pruned.text

    def _stray(self, *_: Any) -> None:
        raise _ProtocolViolation("says things in front of a new beginning that belong behind it")

    def _doctype(self, *_: Any) -> None:
        raise _ProtocolViolation("sends a document type, which RFC 6120 section 11.1 forbids")

    def dataReceived(self, data: bytes) -> None:
        """Called by Twisted; nothing that comes may break us."""
        if self.ended or self._failure is not None:
            return
        self._unread += len(data)
        try:
            self.stream.parse(data)
            self._measure()
        except _ProtocolViolation as error:
            self.abort(protocol_violation(self.server, str(error)))
        except Exception:  # of expat, domish or a JID
            self.abort(protocol_violation(self.server, "does not send XML as XMPP wants it"))

    def _measure(self) -> None:
        if self._unread > LARGEST:
            raise _ProtocolViolation(f"sends a stanza of more than {LARGEST} bytes")

    def onDocumentStart(self, rootElement: Element) -> None:
        """Called by the parser."""
        if rootElement.name != "stream" or rootElement.uri != NS_STREAMS:
            raise _ProtocolViolation("does not speak XMPP on that port")
        self.authenticator.streamStarted(rootElement)

    def onElement(self, element: Element) -> None:
        """Called by the parser for each whole element."""
        self._unread = 0
        if element.uri == NS_STREAMS and element.name == "error":
            condition, text = error_in(element)
            self.abort(from_stream_error(self.server, condition, text), politely=True)
        elif self.listener is not None:
            if not self.ended and self._failure is None:
                self.listener(element)
        else:
            self.arrived(element)

    def arrived(self, element: Element) -> None:
        """Something came while we log in."""
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            waiter.callback(element)
        elif len(self._early) >= MAX_UNREQUESTED:
            raise _ProtocolViolation("says much more than it was asked")
        else:
            self._early.append(element)

    # How it ends

    def closed(self) -> Deferred[ConnectionFailure]:
        """@return: fires when the connection is closed, with the reason; never fails."""
        watcher: Deferred[ConnectionFailure] = Deferred()
        if self.ended and self._failure is not None:
            watcher.callback(self._failure)
        else:
            self._watchers.append(watcher)
        return watcher

    def onDocumentEnd(self) -> None:
        """Called by the parser: the server says goodbye, first or after us."""
        self.abort(
            ConnectionFailure(f"{self.server} has closed the stream", slow=False), politely=True
        )

    def abort(self, failure: ConnectionFailure, *, politely: bool = False) -> None:
        """The first failure counts. Those who wait hear of it at once."""
        if self._failure is None:
            self._failure = failure
        if self.ended:
            return
        if politely:
            self.close()
            self.transport.loseConnection()
        else:
            self.transport.abortConnection()
        self._fail_waiter(self._failure)

    def _fail_waiter(self, failure: ConnectionFailure) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.errback(Failure(failure))

    def close(self) -> None:
        """Say goodbye, and do not wait for ever for the answer."""
        if self.ended or self._close_timer is not None:
            return
        self.write("</stream:stream>")
        self.listener = lambda _: None
        self.listen_on(True)
        # A transport with a producer would never be done.
        self.transport.unregisterProducer()
        self._close_timer = self._clock.callLater(CLOSE_TIMEOUT, self.transport.abortConnection)

    def timed_out(self, what: str) -> None:
        """The server did not say in time what it had to."""
        self.abort(ConnectionFailure(f"{self.server} did not answer in time: {what}", slow=False))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Called by Twisted when the connection is closed, by either side."""
        self.ended = True
        if self._close_timer is not None and self._close_timer.active():
            self._close_timer.cancel()
        if self._failure is None:
            self._failure = from_connection_loss(self.server, reason.value, self._fault())
        self.stream = None
        self._fail_waiter(self._failure)
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher.callback(self._failure)


def error_in(element: Element) -> tuple[str, str]:
    """@return: the condition and the text of an error of a stream, SASL or XEP-0198."""
    condition, text = "undefined-condition", ""
    for child in element.elements():
        if child.name == "text":
            text = str(child)
        elif child.uri in (NS_STREAM_ERRORS, element.uri):
            condition = child.name
    return condition, text
