"""What tests of the connection need: links to the real servers, and who listens behind them."""

from contextlib import asynccontextmanager

from attrs import define, evolve, field
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.words.xish.domish import Element
from zope.interface import implementer

from goiptwist.bridges.xmpp.connection.client import XmppClient
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.interfaces import IStanzaReceiver
from goiptwist.config.values import HostPort


@implementer(IStanzaReceiver)
@define(eq=False)
class Ear:
    """
    Keeps what it hears.

    @ivar answer: what to say to a question.
    @ivar stanzas: messages and presence that were heard.
    @ivar available: announce ourselves when connected, as an account must to get messages.
    """

    available: bool = False
    answer: object = None
    stanzas: list = field(factory=list)
    questions: list = field(factory=list)
    connections: int = 0

    async def connected(self, link):
        self.connections += 1
        if self.available:
            link.send(Element((None, "presence")))

    async def stanza_received(self, stanza):
        self.stanzas.append(stanza)

    async def iq_received(self, iq):
        self.questions.append(iq)
        return await self.answer(iq) if self.answer else None

    def bodies(self):
        """The texts of the messages."""
        messages = [stanza for stanza in self.stanzas if stanza.name == "message"]
        return [str(message.body) for message in messages if message.body is not None]


def account(there, jid="bot@all.test", **changes):
    """How an account of the tests gets to a server of the tests."""
    access = XmppCredentials(
        jid=jid,
        password=there.password,
        server=HostPort("127.0.0.1", there.port),
        ca=there.ca,
    )
    return evolve(access, **changes)


def component(there, **changes):
    """How the component of the tests gets to a server of the tests."""
    access = XmppCredentials(
        component=True,
        jid=there.domain,
        password=there.secret,
        server=HostPort("127.0.0.1", there.component_port),
    )
    return evolve(access, **changes)


@asynccontextmanager
async def linked(access, ear=None, *, wait=True):
    """A link from its start to its stop."""
    link = XmppClient(reactor, access, ear or Ear(), "test")
    link.startService()
    try:
        if wait:
            await until(lambda: not link.outage, lambda: f"connected: {link.outage}")
        yield link
    finally:
        await link.stopService()


async def until(look, what, timeout=30.0):
    """
    @param look: is asked until its answer is true, while the reactor runs.
    @return: that answer.
    """
    for _ in range(round(timeout / 0.01)):
        seen = look()
        if seen:
            return seen
        await deferLater(reactor, 0.01)
    raise AssertionError(f"never: {what() if callable(what) else what}")


def message(to, text, name, **attributes):
    """A stanza with a text."""
    stanza = Element((None, "message"), attribs={"to": to, "id": name, "type": "chat"})
    stanza.attributes.update(attributes)
    stanza.addElement("body", content=text)
    return stanza
