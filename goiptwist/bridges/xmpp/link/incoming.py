"""
What comes in: messages and presence one after the other, questions at once.
The server is told that we have a stanza when what there was to do is done.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.interfaces import ITalk
from goiptwist.bridges.xmpp.link.counting import Had
from goiptwist.bridges.xmpp.link.entrance import NS_MANAGEMENT
from goiptwist.bridges.xmpp.link.outgoing import Outgoing
from goiptwist.bridges.xmpp.link.stream import Stream

#: Stanzas that may wait for the conversation. With more, the server has to
#: wait, so that it does not fill our memory.
WAITING = 200


@define(eq=False)
class Incoming:
    """
    @ivar had: counts; it outlives the stream.
    """

    had: Had
    _talk: ITalk
    _stream: Stream
    _outgoing: Outgoing
    _managed: bool
    _waiting: deque[tuple[int, Element]] = field(factory=deque, init=False)
    _busy: bool = field(default=False, init=False)
    _owed: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)
    log = Logger()

    def stanza(self, element: Element) -> int:
        """
        A message or presence.

        @return: how many wait, or are not done.
        """
        self._waiting.append((self.had.arrived(), element))
        self._limit()
        if not self._busy:
            Deferred.fromCoroutine(self._drain())
        return self.had.open

    def question(self, iq: Element) -> None:
        """An IQ of type get or set."""
        number = self.had.arrived()
        self._limit()
        Deferred.fromCoroutine(self._answer(iq, number))

    def answer(self) -> None:
        """An IQ that answers us; whoever asked has it by now."""
        self._done(self.had.arrived())

    def asked(self) -> None:
        """The server wants to know what we have (C{<r/>}); tell it again when that is more."""
        self.tell()
        self._owed = self.had.open > 0

    def tell(self) -> None:
        """Tell the server what we have."""
        if self._managed and not self._over:
            self._stream.write(f"<a xmlns='{NS_MANAGEMENT}' h='{self.had.count}'/>")

    def over(self) -> None:
        """
        The stream is gone. What waits is not looked at any more: the server
        keeps what we have not acknowledged.
        """
        self._over = True
        if self._managed:
            self._waiting.clear()

    async def _drain(self) -> None:
        self._busy = True
        while self._waiting:
            number, element = self._waiting.popleft()
            try:
                await self._talk.heard(element)
            except Exception:
                self.log.failure(
                    "A stanza of {stanza_from} could not be understood",
                    stanza_from=element.getAttribute("from", ""),
                )
            self._done(number)
        self._busy = False

    async def _answer(self, iq: Element, number: int) -> None:
        try:
            answer = await self._talk.asked(iq)
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
        if not self._over:
            self._outgoing.send(answer)
        self._done(number)

    def _done(self, number: int) -> None:
        self.had.done(number)
        if self._over:
            return  # it counts all the same, if the session goes on
        self._limit()
        if self._owed and not self.had.open:
            self._owed = False
            self.tell()

    def _limit(self) -> None:
        self._stream.listen_on(self.had.open < WAITING)
