"""
What comes in: messages and presence one after the other, questions at once.
The server is told that we have a stanza when there is nothing left to do about it.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.connection.acknowledgements import ReceivedStanzas
from goiptwist.bridges.xmpp.connection.negotiation import NS_MANAGEMENT
from goiptwist.bridges.xmpp.connection.outgoing import OutgoingStanzas
from goiptwist.bridges.xmpp.connection.stream import XmppStream
from goiptwist.bridges.xmpp.interfaces import IStanzaReceiver

#: Stanzas that may wait to be processed. With more, the server has to
#: wait, so that it does not fill our memory.
MAX_UNDONE = 200


@define(eq=False)
class IncomingStanzas:
    """
    @ivar received: counts; it outlives the stream.
    """

    received: ReceivedStanzas
    _receiver: IStanzaReceiver
    _stream: XmppStream
    _outgoing: OutgoingStanzas
    _managed: bool
    _queue: deque[tuple[int, Element]] = field(factory=deque, init=False)
    _busy: bool = field(default=False, init=False)
    _acknowledgement_due: bool = field(default=False, init=False)
    _closed: bool = field(default=False, init=False)
    log = Logger()

    def stanza_received(self, element: Element) -> int:
        """
        A message or presence.

        @return: how many wait, or are not done.
        """
        self._queue.append((self.received.add(), element))
        self._limit()
        if not self._busy:
            Deferred.fromCoroutine(self._process_queue())
        return self.received.open

    def request_received(self, iq: Element) -> None:
        """An IQ of type get or set."""
        number = self.received.add()
        self._limit()
        Deferred.fromCoroutine(self._answer(iq, number))

    def response_received(self) -> None:
        """An IQ that answers us; the one who asked has it by now."""
        self._done(self.received.add())

    def acknowledgement_requested(self) -> None:
        """The server wants to know what we have (C{<r/>}); tell it again when that is more."""
        self.acknowledge()
        self._acknowledgement_due = self.received.open > 0

    def acknowledge(self) -> None:
        """Tell the server what we have."""
        if self._managed and not self._closed:
            self._stream.write(f"<a xmlns='{NS_MANAGEMENT}' h='{self.received.count}'/>")

    def closed(self) -> None:
        """
        The stream is gone. What waits is not looked at any more: the server
        keeps what we have not acknowledged.
        """
        self._closed = True
        if self._managed:
            self._queue.clear()

    async def _process_queue(self) -> None:
        self._busy = True
        while self._queue:
            number, element = self._queue.popleft()
            try:
                await self._receiver.stanza_received(element)
            except Exception:
                self.log.failure(
                    "A stanza of {stanza_from} could not be understood",
                    stanza_from=element.getAttribute("from", ""),
                )
            self._done(number)
        self._busy = False

    async def _answer(self, iq: Element, number: int) -> None:
        try:
            answer = await self._receiver.iq_received(iq)
            if answer is None:
                answer = StanzaError("service-unavailable").toResponse(iq)
        except StanzaError as refused:
            answer = refused.toResponse(iq)
        except Exception:
            self.log.failure(
                "A question of {stanza_from} could not be answered",
                stanza_from=iq.getAttribute("from", ""),
            )
            answer = StanzaError("internal-server-error").toResponse(iq)
        if not self._closed:
            self._outgoing.send(answer)
        self._done(number)

    def _done(self, number: int) -> None:
        self.received.done(number)
        if self._closed:
            return  # it counts all the same, if the session goes on
        self._limit()
        if self._acknowledgement_due and not self.received.open:
            self._acknowledgement_due = False
            self.acknowledge()

    def _limit(self) -> None:
        self._stream.listen_on(self.received.open < MAX_UNDONE)
