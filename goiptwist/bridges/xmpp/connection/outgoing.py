# mypy: disallow-untyped-calls=False
# (twisted.words is not annotated)
"""
What we send, until the server says that it has it: by acknowledgements
(XEP-0198), or, where there are none, by a ping behind it. A server answers
one stream in the order in which it sends.
"""

from __future__ import annotations

from uuid import uuid4

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.connection.acknowledgements import Overclaimed, SentStanzas
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure, protocol_violation
from goiptwist.bridges.xmpp.connection.negotiation import (
    NS_MANAGEMENT,
    UNCONFIRMED,
    NegotiatedSession,
    StanzaKey,
    counted,
    key_of,
)
from goiptwist.bridges.xmpp.connection.stream import XmppStream
from goiptwist.errors import Refused, TryLater

#: XEP-0199.
NS_PING = "urn:xmpp:ping"

#: Seconds that the server has to acknowledge; then the connection is dead,
#: even if TCP does not say so.
TIMEOUT = 30.0
#: Seconds after which a server is asked even if there is nothing to ask about.
#: Home routers forget a silent connection after 5 minutes, some after 2.
IDLE = 60.0
#: Stanzas that may wait for the server's word; that bounds memory.
MAX_UNACKNOWLEDGED = 1000
#: Unimportant stanzas after which we ask, so that they need not be remembered.
MAX_UNREQUESTED = 100
#: Bytes of one stanza. Prosody and ejabberd end a stream for more than 256 KiB.
LARGEST = 200_000


@define(eq=False)
class _PendingStanza:
    """
    @ivar key: see L{key_of}; L{UNCONFIRMED} for what nobody misses.
    @ivar waiter: whom to tell, or C{None}.
    """

    key: StanzaKey
    waiter: Deferred[None] | None


@define(eq=False)
class OutgoingStanzas:
    """
    @ivar delivered: keys of what the server had before this stream began.
    """

    _clock: IReactorTime
    _stream: XmppStream
    _credentials: XmppCredentials
    _negotiated: NegotiatedSession
    delivered: set[StanzaKey] = field(factory=set)
    _sent: SentStanzas[_PendingStanza] = field(factory=SentStanzas, init=False)
    _ping: tuple[str, int] | None = field(default=None, init=False)
    _asked: bool = field(default=False, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)
    _failure: ConnectionFailure | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        """Count on from where the session stood."""
        self._sent.count = self._negotiated.sent
        self.delivered |= self._negotiated.delivered
        self._set_timer(IDLE)

    def send_confirmed(self, stanza: Element) -> Deferred[None]:
        """
        @return: fires once the server has it.
        @raise TryLater: too many wait.
        @raise Refused: no server would take it.
        """
        key = key_of(stanza)
        waiter: Deferred[None] = Deferred()
        if key in self.delivered:
            self.delivered.discard(key)
            waiter.callback(None)
            return waiter
        if len(self._sent) >= MAX_UNACKNOWLEDGED:
            raise TryLater("the server has not yet acknowledged what it was given", after=1.0)
        written = self._stream.written(stanza)
        if len(written.encode()) > LARGEST:
            raise Refused(f"the stanza is larger than the {LARGEST} bytes that servers take")
        self._stream.write(written)
        self._sent.add(_PendingStanza(key, waiter))
        self._ask()
        return waiter

    def send(self, stanza: Element) -> None:
        """
        Send what nobody misses. It is dropped where the server does not read,
        or is too large.
        """
        written = self._stream.written(stanza)
        if self._stream.congested or len(written.encode()) > LARGEST:
            return
        self._stream.write(written)
        if self._negotiated.managed:
            self._sent.add(_PendingStanza(UNCONFIRMED, None))
            if len(self._sent) >= MAX_UNREQUESTED:
                self._ask()

    # Questions: one at a time, for all that went before it

    def _ask(self) -> None:
        if self._asked or self._failure is not None:
            return
        self._asked = True
        self._set_timer(TIMEOUT)
        if self._negotiated.managed:
            self._stream.write(f"<r xmlns='{NS_MANAGEMENT}'/>")
            return
        ping = Element((self._stream.namespace, "iq"))
        # A component does not know whose server it is at; what it sends to
        # itself comes back behind all that it has sent before.
        ping["type"], ping["id"], ping["to"] = "get", uuid4().hex, self._credentials.domain
        if self._credentials.component:
            ping["from"] = self._credentials.domain
        ping.addElement((NS_PING, "ping"))
        self._ping = ping["id"], self._sent.count + len(self._sent)
        self._stream.send(ping)

    def acknowledged(self, element: Element) -> None:
        """An C{<a/>} came (XEP-0198 section 4)."""
        count = counted(element)
        if count is None:
            self._stream.abort(
                protocol_violation(self._stream.server, "acknowledges without a number")
            )
        else:
            self._confirmed(count)

    def is_ping(self, iq: Element) -> bool:
        """Whether an IQ is the answer to our ping, or the ping itself come back."""
        if self._ping is None or iq.getAttribute("id") != self._ping[0]:
            return False
        (_, count), self._ping = self._ping, None
        self._confirmed(count)
        return True

    def _confirmed(self, count: int) -> None:
        try:
            confirmed = self._sent.confirm(count)
        except Overclaimed:
            what = "acknowledges more than it was given"
            self._stream.abort(protocol_violation(self._stream.server, what))
            return
        self._asked = False
        self._set_timer(IDLE)
        for stanza in confirmed:
            if stanza.waiter is not None and not stanza.waiter.called:
                stanza.waiter.callback(None)
        if len(self._sent):
            self._ask()

    def _set_timer(self, seconds: float) -> None:
        self._stop_timer()
        if self._failure is None:
            self._timer = self._clock.callLater(seconds, self._timer_fired)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _timer_fired(self) -> None:
        if not self._asked:
            self._ask()
        elif self._stream.reads:
            self._stream.timed_out("it has not acknowledged what it was given")
        else:
            self._set_timer(TIMEOUT)  # it is we who did not listen

    def closed(self, failure: ConnectionFailure) -> list[StanzaKey]:
        """
        The stream is gone.

        @return: the keys of what the server may not have, in order.
        """
        self._failure = failure
        self._stop_timer()
        left = self._sent.all()
        for stanza in left:
            if stanza.waiter is not None and not stanza.waiter.called:
                sentence = f"the connection was lost before the server had the message: {failure}"
                stanza.waiter.errback(Failure(TryLater(sentence)))
        return [stanza.key for stanza in left]

    @property
    def confirmed(self) -> int:
        """How many the server has acknowledged, as it counts."""
        return self._sent.count
