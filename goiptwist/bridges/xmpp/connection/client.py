"""The way to a server: it comes back by itself whenever it is lost."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.words.xish.domish import Element
from zope.interface import implementer

from goiptwist.bridges.xmpp.connection.attempt import ConnectionAttempt, probe
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure
from goiptwist.bridges.xmpp.connection.negotiation import ResumableSession
from goiptwist.bridges.xmpp.connection.session import XmppSession
from goiptwist.bridges.xmpp.interfaces import IStanzaReceiver, IXmppConnection
from goiptwist.errors import Away, Refused

#: Seconds before the first, second, ... try where a server is away; the last
#: is repeated. It may be back soon, and people wait.
RETRY_DELAYS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
#: The same where somebody has to change something: servers lock out who comes
#: with a wrong password again and again.
SLOW_RETRY_DELAYS = (60.0, 300.0, 900.0)
#: Seconds that a connection must hold before the next loss counts as the first.
STABLE_AFTER = 60.0


@implementer(IXmppConnection)
@define(eq=False, repr=False, slots=False)
class XmppClient(Service):
    """
    See L{IXmppConnection}. It is a service: it connects when it starts, and says goodbye
    when it stops.

    @ivar section: the name of the bridge's section, for the log.
    @ivar jid: see L{IXmppConnection}.
    @ivar outage: see L{IXmppConnection}.
    @ivar found: what the last login has found, in words.
    """

    _reactor: Any
    _credentials: XmppCredentials
    _receiver: IStanzaReceiver
    section: str = ""
    jid: str = field(default="", init=False)
    outage: str = field(default="not connected yet", init=False)
    found: str = field(default="", init=False)
    _session: XmppSession | None = field(default=None, init=False)
    _resumable: ResumableSession | None = field(default=None, init=False)
    _attempt: ConnectionAttempt = field(init=False)
    _run: Deferred[None] | None = field(default=None, init=False)
    _stopping: bool = field(default=False, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        """Nothing is done before L{startService}."""
        self._attempt = ConnectionAttempt(self._reactor, self._credentials)

    # What the chat service asks of us

    async def send_confirmed(self, stanza: Element) -> None:
        """See L{IXmppConnection}."""
        await self._live_session().outgoing.send_confirmed(stanza)

    def send(self, stanza: Element) -> None:
        """See L{IXmppConnection}."""
        if self._session is not None:
            self._session.outgoing.send(stanza)

    async def request(self, iq: Element, timeout: float = 30.0) -> Element:
        """See L{IXmppConnection}."""
        return await self._live_session().request(iq, timeout)

    def _live_session(self) -> XmppSession:
        if self._session is None:
            raise Away(self.outage or "the connection is being closed")
        return self._session

    # Coming and going

    @property
    def _destination(self) -> str:
        return f"bridge:{self.section}"

    def startService(self) -> None:
        """Connect, and stay connected."""
        super().startService()
        self._stopping = False
        self._run = Deferred.fromCoroutine(self._stay_connected())
        self._run.addErrback(self._broke)

    def _broke(self, failure: Any) -> None:
        if failure.check(CancelledError) is None:
            self.log.failure(
                "The connection of {destination} broke",
                failure=failure,
                destination=self._destination,
            )
            self.outage = "the connection broke, see the log"

    def stopService(self) -> Deferred[None]:
        """Say goodbye. Fires when the connection is closed."""
        super().stopService()
        self._stopping = True
        return Deferred.fromCoroutine(self._disconnect())

    async def _disconnect(self) -> None:
        stream = self._attempt.stream
        if self._session is not None:
            self._session.close()
        elif self._run is not None:
            self._run.cancel()
        if stream is not None:
            await stream.closed()

    async def _stay_connected(self) -> None:
        tries = 0
        while not self._stopping:
            began = self._reactor.seconds()
            failure = await self._connect_once()
            if self._stopping:
                break
            if self._reactor.seconds() - began >= STABLE_AFTER and not failure.slow:
                tries = 0
            self._report(failure)
            paces = SLOW_RETRY_DELAYS if failure.slow else RETRY_DELAYS
            await deferLater(self._reactor, paces[min(tries, len(paces) - 1)])
            tries += 1

    async def _connect_once(self) -> ConnectionFailure:
        """@return: why there is no connection, or no more."""
        try:
            stream, negotiated = await self._attempt.connect(self._resumable)
        except ConnectionFailure as error:
            return error
        self._resumable = None
        session = XmppSession(self._reactor, stream, self._credentials, negotiated, self._receiver)
        self._session, self.jid = session, negotiated.jid
        self._connected()
        if not negotiated.resumed:
            Deferred.fromCoroutine(self._receiver.connected(self)).addErrback(
                self._connected_failed
            )
        session.begin()
        failure = await stream.closed()
        self._session = None
        self.outage = str(failure)
        self._resumable = session.closed(failure)
        return failure

    def _connected(self) -> None:
        self.found, self.outage = self._attempt.found, ""
        self._reported = ""
        self.log.info("{destination}: {found}", destination=self._destination, found=self.found)

    def _connected_failed(self, failure: Any) -> None:
        self.log.failure(
            "{destination} broke when it was connected",
            failure=failure,
            destination=self._destination,
        )

    _reported: str = field(default="", init=False)

    def _report(self, failure: ConnectionFailure) -> None:
        self.outage = str(failure)
        if self.outage != self._reported:
            self.log.warn(
                "{destination}: {reason}", destination=self._destination, reason=self.outage
            )
        self._reported = self.outage


async def check(reactor: Any, credentials: XmppCredentials) -> str:
    """
    Whether the settings are right: log in once, and leave. For C{--check-config}.

    @return: one sentence about what was found.
    @raise Away: the server is not reached, so that nobody can tell.
    @raise Refused: what is wrong.
    """
    try:
        return await probe(reactor, credentials)
    except ConnectionFailure as failure:
        if failure.slow:
            raise Refused(str(failure)) from None
        raise Away(str(failure)) from None
