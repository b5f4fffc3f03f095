"""A server that is only text: what it says is given to the stream, what it hears is kept."""

from attrs import define, field
from twisted.internet.defer import ensureDeferred
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.negotiation import NegotiatedSession
from goiptwist.bridges.xmpp.connection.session import XmppSession
from goiptwist.bridges.xmpp.connection.stream import XmppStream
from tests.bridges.xmpp.connections import Ear

HEADER = (
    "<?xml version='1.0'?><stream:stream xmlns='{namespace}' id='s1' from='example.org' "
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
)


class Wire(StringTransport):
    """
    @ivar tls: how often TLS has begun.
    """

    tls = 0
    stream = None

    def setTcpNoDelay(self, enabled):
        pass

    def startTLS(self, options):
        self.tls += 1

    def abortConnection(self):
        self._end(ConnectionAborted())

    def loseConnection(self):
        self._end(ConnectionDone())

    def _end(self, why):
        if self.connected:
            self.connected = False
            self.stream.connectionLost(Failure(why))

    def said(self):
        """What was said since the last look."""
        text = self.value().decode()
        self.clear()
        return text


@define(eq=False)
class Standing:
    """A stream that is up, with both ends of it."""

    component: bool = False
    managed: bool = True
    clock: Clock = field(factory=Clock)
    wire: Wire = field(factory=Wire)
    ear: Ear = field(factory=Ear)
    negotiated: NegotiatedSession | None = None
    stream: XmppStream = field(init=False)
    session: XmppSession | None = None
    lost: list = field(factory=list)
    header: str = ""
    access: XmppCredentials | None = None

    def __attrs_post_init__(self):
        namespace = "jabber:component:accept" if self.component else "jabber:client"
        self.stream = XmppStream(self.clock, "the server", "example.org", namespace, lambda: "")
        self.wire.stream = self.stream
        self.stream.makeConnection(self.wire)
        self.stream.closed().addCallback(self.lost.append)
        self.header = HEADER.format(namespace=namespace)

    def log_in(self):
        """As if a login had just worked."""
        ensureDeferred(self.stream.begin())
        self.says(self.header)
        self.access = XmppCredentials(
            jid="sms.example.org" if self.component else "bot@example.org",
            password="secret",
            component=self.component,
        )
        jid = "sms.example.org" if self.component else "bot@example.org/goiptwist"
        entered = self.negotiated or NegotiatedSession(
            jid, self.managed, "previous" if self.managed else ""
        )
        self.session = XmppSession(self.clock, self.stream, self.access, entered, self.ear)
        self.session.begin()
        self.wire.said()
        return self

    def says(self, text):
        """The server says something."""
        self.stream.dataReceived(text.encode())

    @property
    def trouble(self):
        """Why it is over, in words."""
        return str(self.lost[0]) if self.lost else ""
