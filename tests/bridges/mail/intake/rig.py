"""
Both ends of the intake without a socket: a submission that remembers, a client
who says bytes and hears lines, and the stock server for comparison.
"""

from collections import Counter

from attrs import define, field
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, execute
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ITLSTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.mail import imap4, smtp
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.secrets import Secret
from goiptwist.accounts.users import User
from goiptwist.bridges.mail.intake.factory import SmtpFactory
from goiptwist.bridges.mail.intake.lmtp import LmtpSession
from goiptwist.bridges.mail.intake.server_context import ServerContext
from goiptwist.bridges.mail.intake.session import SmtpSession
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.bridges.mail.submission.interfaces import IMailSubmission
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply
from goiptwist.config.values import Network

TAKEN = SmtpReply(250, "2.0.0", "Queued")
STRANGER = SmtpReply(550, "5.7.1", "Only for users")

PASSWORD = "right horse ÄÖ"
USERS = (
    User(name="ops", password=Secret.from_setting(PASSWORD), may=("send",)),
    User(name="ascii", password=Secret.from_setting("right horse"), may=("send",)),
    User(
        name="elsewhere",
        password=Secret.from_setting(PASSWORD),
        networks=(Network.from_setting("203.0.113.0/24"),),
    ),
    User(name="reader", password=Secret.from_setting("only looks"), may=("read",)),
)

#: The loopback network and one other, so that most tests need no login.
TRUSTED = (Network.from_setting("192.0.2.0/24"), Network.from_setting("127.0.0.0/8"))


@implementer(IMailSubmission)
@define
class FakeSubmission:
    """
    Takes what comes from users and trusted networks.

    @ivar refused: what C{check_recipient} says to a recipient instead of yes.
    @ivar replies: what C{accept} says of a recipient instead of yes.
    @ivar trouble: what C{accept} raises.
    @ivar slow: whether C{check_recipient} and C{accept} wait for the test to go on.
    @ivar pending: what they wait for.
    @ivar taken: (client, sender, recipients, content) of each mail.
    @ivar requests: what the senders of C{taken} wanted to hear.
    @ivar committed: those of C{taken} that came to their end.
    """

    notifies_senders: bool = True
    refused: dict = field(factory=dict)
    replies: dict = field(factory=dict)
    trouble: BaseException | None = None
    slow: bool = False
    pending: list = field(factory=list)
    asked: list = field(factory=list)
    taken: list = field(factory=list)
    requests: list = field(factory=list)
    committed: list = field(factory=list)

    async def check_recipient(self, client, envelope_from, recipient):
        self.asked.append((client, envelope_from, recipient))
        await self._wait()
        if not client.known:
            raise STRANGER
        if recipient in self.refused:
            raise self.refused[recipient]

    async def accept(self, client, envelope_from, recipients, content, requests):
        self.requests.append(dict(requests))
        mail = (client, envelope_from, recipients, content)
        self.taken.append(mail)
        await self._wait()
        if self.trouble is not None:
            raise self.trouble
        self.committed.append(mail)
        return {recipient: self.replies.get(recipient, TAKEN) for recipient in recipients}

    async def _wait(self):
        if self.slow:
            waiting = Deferred()
            self.pending.append(waiting)
            await waiting

    def goes_on(self):
        """What has waited longest comes to its end."""
        self.pending.pop(0).callback(None)


@define
class FakeRejections:
    """Counts what goes wrong, and keeps what was said of it."""

    counts: Counter = field(factory=Counter)
    said: list = field(factory=list)

    def about(self, kind, host, why):
        self.counts[kind] += 1
        self.said.append((kind, host, why))


class Certificate:
    """Stands for a certificate where TLS is only played."""


def server_context(
    submission=None, *, certificate=None, users=USERS, clock=None, **keys
) -> ServerContext:
    """What all conversations share, with a clock of its own."""
    clock = clock or Clock()
    settings = MailIntakeSettings(**{"trusted": TRUSTED, **keys})
    return ServerContext(
        settings,
        "sms.example.org",
        clock,
        Authenticator(users, clock, execute),
        submission or FakeSubmission(),
        FakeRejections(),
        certificate,
    )


@implementer(ITLSTransport)
class Wire(StringTransport):
    """
    A connection that ends when it is told to, and only plays TLS.

    @ivar stubborn: the far side does not read, so it cannot be closed in good
        form.
    """

    stubborn = False
    tls = False
    aborted = False

    def startTLS(self, context):
        self.tls = True

    def loseConnection(self):
        super().loseConnection()
        if not self.stubborn:
            self.gone()

    def abortConnection(self):
        self.aborted = True
        self.gone()

    def gone(self):
        if self.connected:
            self.connected = False
            self.protocol.connectionLost(Failure(ConnectionDone()))


def address(host):
    return (IPv6Address if ":" in host else IPv4Address)("TCP", host, 1234)


class SmtpCaller:
    """One who speaks to a server that stands on the other end of a wire."""

    def __init__(self, server, peer="192.0.2.1"):
        self.wire = Wire(peerAddress=address(peer))
        self.server = self.wire.protocol = server
        server.makeConnection(self.wire)
        self._read = 0

    def sends(self, data):
        """@param data: bytes as they are; how the network cuts them is no matter."""
        if self.wire.connected:
            self.server.dataReceived(data)

    def says(self, *lines):
        """Each line with CRLF, all in one go."""
        self.sends(b"".join(line + b"\r\n" for line in lines))

    def heard(self):
        """The lines heard since it was last asked."""
        value = self.wire.value()
        fresh, self._read = value[self._read :], len(value)
        assert not fresh or fresh.endswith(b"\r\n")
        return fresh.decode("ascii").split("\r\n")[:-1]

    def codes(self):
        """The codes heard since it was last asked; of an answer of many lines, one."""
        return [int(line[:3]) for line in self.heard() if line[3:4] == " "]

    def ask(self, *lines):
        """@return: what is answered."""
        self.heard()
        self.says(*lines)
        return self.heard()

    @property
    def closed(self):
        return not self.wire.connected

    def hangs_up(self):
        """
        The connection has gone, whoever closed it.
        """
        self.wire.gone()


class IntakeCall(SmtpCaller):
    """A client of our intake."""

    def __init__(self, of=None, *, lmtp=False, peer="192.0.2.1", implicit=False, hello=True):
        self.context = of or server_context()
        self.submission = self.context.submission
        self.clock = self.context.clock
        protocol = LmtpSession if lmtp else SmtpSession
        self.factory = SmtpFactory(self.context, protocol, implicit=implicit)
        super().__init__(self.factory.buildProtocol(address(peer)), peer)
        if hello:
            self.says(b"LHLO me.example.org" if lmtp else b"EHLO me.example.org")
            self.heard()

    def is_over(self):
        """Nothing is left of the call."""
        assert self.closed
        assert self.clock.getDelayedCalls() == []
        assert not self.factory.open
        assert (self.context.trusted_connections.total, self.context.other_connections.total) == (
            0,
            0,
        )
        return True


@implementer(smtp.IMessage)
@define
class StockMessage:
    """What the stock server delivers."""

    lines: list = field(factory=list)

    def lineReceived(self, line):
        self.lines.append(line)

    def eomReceived(self):
        finished = Deferred()
        finished.callback(None)
        return finished

    def connectionLost(self):
        pass


@implementer(smtp.IMessageDelivery)
@define
class StockDelivery:
    """Takes everything; C{slow} lets each recipient wait."""

    slow: bool = False
    pending: list = field(factory=list)
    messages: list = field(factory=list)

    def receivedHeader(self, helo, origin, recipients):
        return b""

    def validateFrom(self, helo, origin):
        return origin

    def validateTo(self, user):
        if self.slow:
            waiting = Deferred()
            self.pending.append(waiting)
            return waiting
        return self.message

    def message(self):
        self.messages.append(StockMessage())
        return self.messages[-1]


@implementer(IRealm)
@define
class StockRealm:
    delivery: StockDelivery

    def requestAvatar(self, avatar, mind, *interfaces):
        return smtp.IMessageDelivery, self.delivery, lambda: None


class StockCall(SmtpCaller):
    """A client of the stock server, as its documentation sets it up."""

    def __init__(self, delivery=None):
        self.delivery = delivery or StockDelivery()
        checker = InMemoryUsernamePasswordDatabaseDontUse(ops=PASSWORD.encode())
        server = smtp.ESMTP(
            {b"PLAIN": imap4.PLAINCredentials, b"LOGIN": smtp.LOGINCredentials}, Certificate()
        )
        server.noisy = False
        server.delivery = self.delivery
        server.portal = Portal(StockRealm(self.delivery), [checker])
        self.clock = Clock()
        server.callLater = self.clock.callLater
        super().__init__(server)
        self.says(b"EHLO me.example.org")
        self.heard()
