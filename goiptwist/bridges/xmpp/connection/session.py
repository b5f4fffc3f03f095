# mypy: disallow-untyped-calls=False
# (twisted.words is not annotated)
"""One logged-in stream, from the moment at which stanzas may be sent to its end."""

from __future__ import annotations

from uuid import uuid4

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.words.protocols.jabber.jid import JID, InvalidFormat
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure
from goiptwist.bridges.xmpp.connection.incoming import IncomingStanzas
from goiptwist.bridges.xmpp.connection.negotiation import (
    NS_MANAGEMENT,
    NegotiatedSession,
    ResumableSession,
    error_of,
)
from goiptwist.bridges.xmpp.connection.outgoing import OutgoingStanzas
from goiptwist.bridges.xmpp.connection.stream import XmppStream
from goiptwist.bridges.xmpp.interfaces import IStanzaReceiver
from goiptwist.errors import Refused, TryLater

#: IQs of ours that may wait for a response; that bounds memory.
MAX_PENDING_IQS = 1000


@define(eq=False)
class _PendingIq:
    to: str
    answered: Deferred[Element]
    timer: IDelayedCall


@define(eq=False)
class XmppSession:
    """
    @ivar negotiated: who we are, and what the server can.
    @ivar outgoing: what we send.
    """

    _clock: IReactorTime
    stream: XmppStream
    _credentials: XmppCredentials
    negotiated: NegotiatedSession
    receiver: IStanzaReceiver
    _pending: dict[str, _PendingIq] = field(factory=dict, init=False)
    outgoing: OutgoingStanzas = field(init=False)
    _incoming: IncomingStanzas = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin to listen."""
        self.outgoing = OutgoingStanzas(
            self._clock, self.stream, self._credentials, self.negotiated
        )
        self._incoming = IncomingStanzas(
            self.negotiated.received,
            self.receiver,
            self.stream,
            self.outgoing,
            self.negotiated.managed,
        )

    def begin(self) -> None:
        """Take what the server says from now on."""
        self.stream.listen(self._element_received)

    def _element_received(self, element: Element) -> None:
        if element.uri == NS_MANAGEMENT:
            if element.name == "r":
                self._incoming.acknowledgement_requested()
            elif element.name == "a":
                self.outgoing.acknowledged(element)
        elif element.uri == self.stream.namespace:
            if element.name == "iq":
                self._iq(element)
            elif element.name in ("message", "presence"):
                self._incoming.stanza_received(element)

    def _iq(self, iq: Element) -> None:
        if self.outgoing.is_ping(iq):
            self._incoming.response_received()
        elif iq.getAttribute("type") in ("get", "set"):
            self._incoming.request_received(iq)
        else:
            self._answered(iq)
            self._incoming.response_received()

    def request(self, iq: Element, timeout: float) -> Deferred[Element]:
        """See L{goiptwist.bridges.xmpp.interfaces.IXmppConnection.request}."""
        if len(self._pending) >= MAX_PENDING_IQS:
            raise TryLater("too many requests wait for an answer", after=1.0)
        name = iq.getAttribute("id") or uuid4().hex
        iq["id"] = name
        answered: Deferred[Element] = Deferred(lambda _: self._drop(name))
        timer = self._clock.callLater(timeout, self._timed_out, name)
        self._pending[name] = _PendingIq(iq.getAttribute("to", ""), answered, timer)
        self.outgoing.send(iq)
        return answered

    def _forget(self, name: str) -> _PendingIq | None:
        pending = self._pending.pop(name, None)
        if pending is not None and pending.timer.active():
            pending.timer.cancel()
        return pending

    def _drop(self, name: str) -> None:
        self._forget(name)

    def _timed_out(self, name: str) -> None:
        pending = self._forget(name)
        if pending is not None:
            sentence = f"{pending.to or 'the server'} did not answer in time"
            pending.answered.errback(Failure(TryLater(sentence)))

    def _answered(self, iq: Element) -> None:
        name = iq.getAttribute("id", "")
        pending = self._pending.get(name)
        if pending is None or not self._is_from(iq.getAttribute("from", ""), pending.to):
            return
        self._forget(name)
        if iq.getAttribute("type") == "result":
            pending.answered.callback(iq)
            return
        condition, text = "undefined-condition", ""
        for error in iq.elements(self.stream.namespace, "error"):
            condition, text = error_of(error)
        who = pending.to or "the server"
        sentence = f"{who} says {condition}" + (f": {text}" if text else "")
        pending.answered.errback(Failure(Refused(sentence)))

    def _is_from(self, sender: str, asked: str) -> bool:
        """Whether it is the one we asked who answers, and not somebody else in his name."""
        own = self.negotiated.jid.partition("/")[0]
        ours = ("", own, self.negotiated.jid, self._credentials.domain)
        if asked in ours and sender in ours:
            return True
        try:
            return JID(sender) == JID(asked)
        except InvalidFormat:
            return False

    def close(self) -> None:
        """Say goodbye: the server is told what we have, and that we do not come back."""
        self._incoming.acknowledge()
        self.stream.close()

    def closed(self, failure: ConnectionFailure) -> ResumableSession | None:
        """
        The stream is gone; everybody who waits hears of it.

        @return: what is needed to go on with the session, if it can go on.
        """
        self._incoming.closed()
        left = self.outgoing.closed(failure)
        for name in list(self._pending):
            pending = self._forget(name)
            if pending is not None:
                sentence = f"the connection was lost before an answer: {failure}"
                pending.answered.errback(Failure(TryLater(sentence)))
        if not self.negotiated.resumption_id:
            return None
        return ResumableSession(
            self.negotiated.resumption_id,
            self.negotiated.jid,
            self.negotiated.received,
            self.outgoing.confirmed,
            left,
            frozenset(self.outgoing.delivered),
        )
