# mypy: disallow-untyped-calls=False
# (twisted.words is not annotated)
"""One logged-in stream, from the moment at which stanzas may be said to its end."""

from __future__ import annotations

from uuid import uuid4

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.words.protocols.jabber.jid import JID, InvalidFormat
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.interfaces import ITalk
from goiptwist.bridges.xmpp.link.access import Access
from goiptwist.bridges.xmpp.link.entrance import NS_MANAGEMENT, Entered, Memory, error_of
from goiptwist.bridges.xmpp.link.incoming import Incoming
from goiptwist.bridges.xmpp.link.outgoing import Outgoing
from goiptwist.bridges.xmpp.link.stream import Stream
from goiptwist.bridges.xmpp.link.troubles import Trouble
from goiptwist.errors import Refused, TryLater

#: Questions of ours that may be open; that bounds memory.
QUESTIONS = 1000


@define(eq=False)
class _Question:
    to: str
    answered: Deferred[Element]
    timer: IDelayedCall


@define(eq=False)
class Session:
    """
    @ivar entered: who we are, and what the server can.
    @ivar outgoing: what we send.
    """

    _clock: IReactorTime
    stream: Stream
    _access: Access
    entered: Entered
    talk: ITalk
    _questions: dict[str, _Question] = field(factory=dict, init=False)
    outgoing: Outgoing = field(init=False)
    _incoming: Incoming = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin to listen."""
        self.outgoing = Outgoing(self._clock, self.stream, self._access, self.entered)
        self._incoming = Incoming(
            self.entered.had, self.talk, self.stream, self.outgoing, self.entered.managed
        )

    def begin(self) -> None:
        """Take what the server says from now on."""
        self.stream.listen(self._heard)

    def _heard(self, element: Element) -> None:
        if element.uri == NS_MANAGEMENT:
            if element.name == "r":
                self._incoming.asked()
            elif element.name == "a":
                self.outgoing.acknowledged(element)
        elif element.uri == self.stream.namespace:
            if element.name == "iq":
                self._iq(element)
            elif element.name in ("message", "presence"):
                self._incoming.stanza(element)

    def _iq(self, iq: Element) -> None:
        if self.outgoing.is_ping(iq):
            self._incoming.answer()
        elif iq.getAttribute("type") in ("get", "set"):
            self._incoming.question(iq)
        else:
            self._answered(iq)
            self._incoming.answer()

    def ask(self, iq: Element, patience: float) -> Deferred[Element]:
        """See L{goiptwist.bridges.xmpp.interfaces.ILink.ask}."""
        if len(self._questions) >= QUESTIONS:
            raise TryLater("too many questions wait for an answer", after=1.0)
        name = iq.getAttribute("id") or uuid4().hex
        iq["id"] = name
        answered: Deferred[Element] = Deferred(lambda _: self._drop(name))
        timer = self._clock.callLater(patience, self._silent, name)
        self._questions[name] = _Question(iq.getAttribute("to", ""), answered, timer)
        self.outgoing.send(iq)
        return answered

    def _forget(self, name: str) -> _Question | None:
        question = self._questions.pop(name, None)
        if question is not None and question.timer.active():
            question.timer.cancel()
        return question

    def _drop(self, name: str) -> None:
        self._forget(name)

    def _silent(self, name: str) -> None:
        question = self._forget(name)
        if question is not None:
            sentence = f"{question.to or 'the server'} did not answer in time"
            question.answered.errback(Failure(TryLater(sentence)))

    def _answered(self, iq: Element) -> None:
        name = iq.getAttribute("id", "")
        question = self._questions.get(name)
        if question is None or not self._is_of(iq.getAttribute("from", ""), question.to):
            return
        self._forget(name)
        if iq.getAttribute("type") == "result":
            question.answered.callback(iq)
            return
        condition, text = "undefined-condition", ""
        for error in iq.elements(self.stream.namespace, "error"):
            condition, text = error_of(error)
        who = question.to or "the server"
        sentence = f"{who} says {condition}" + (f": {text}" if text else "")
        question.answered.errback(Failure(Refused(sentence)))

    def _is_of(self, said: str, asked: str) -> bool:
        """Whether it is the one we asked who answers, and not somebody else in his name."""
        own = self.entered.jid.partition("/")[0]
        ours = ("", own, self.entered.jid, self._access.domain)
        if asked in ours and said in ours:
            return True
        try:
            return JID(said) == JID(asked)
        except InvalidFormat:
            return False

    def leave(self) -> None:
        """Say goodbye: the server shall know what we have, and that we do not come back."""
        self._incoming.tell()
        self.stream.leave()

    def over(self, trouble: Trouble) -> Memory | None:
        """
        The stream is gone; everybody who waits hears of it.

        @return: what is needed to go on with the session, if it can go on.
        """
        self._incoming.over()
        left = self.outgoing.over(trouble)
        for name in list(self._questions):
            question = self._forget(name)
            if question is not None:
                sentence = f"the connection was lost before an answer: {trouble}"
                question.answered.errback(Failure(TryLater(sentence)))
        if not self.entered.previous:
            return None
        return Memory(
            self.entered.previous,
            self.entered.jid,
            self.entered.had,
            self.outgoing.confirmed,
            left,
            frozenset(self.outgoing.arrived),
        )
