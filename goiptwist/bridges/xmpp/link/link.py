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

from goiptwist.bridges.xmpp.interfaces import ILink, ITalk
from goiptwist.bridges.xmpp.link.access import Access
from goiptwist.bridges.xmpp.link.connecting import Connecting, look
from goiptwist.bridges.xmpp.link.entrance import Memory
from goiptwist.bridges.xmpp.link.session import Session
from goiptwist.bridges.xmpp.link.troubles import Trouble
from goiptwist.errors import Away, Refused

#: Seconds before the first, second, ... try where a server is away; the last
#: is repeated. It may be back soon, and people wait.
SOON = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
#: The same where somebody has to change something: servers lock out who comes
#: with a wrong password again and again.
LATER = (60.0, 300.0, 900.0)
#: Seconds that a connection must hold before the next loss counts as the first.
STEADY = 60.0


@implementer(ILink)
@define(eq=False, repr=False, slots=False)
class Link(Service):
    """
    See L{ILink}. It is a service: it connects when it starts, and says goodbye
    when it stops.

    @ivar section: the name of the bridge's section, for the log.
    @ivar jid: see L{ILink}.
    @ivar trouble: see L{ILink}.
    @ivar found: what the last login has found, in words.
    """

    _reactor: Any
    _access: Access
    _talk: ITalk
    section: str = ""
    jid: str = field(default="", init=False)
    trouble: str = field(default="not connected yet", init=False)
    found: str = field(default="", init=False)
    _session: Session | None = field(default=None, init=False)
    _memory: Memory | None = field(default=None, init=False)
    _connecting: Connecting = field(init=False)
    _run: Deferred[None] | None = field(default=None, init=False)
    _stopping: bool = field(default=False, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        """Nothing is done before L{startService}."""
        self._connecting = Connecting(self._reactor, self._access)

    # What the conversation asks of us

    async def hand_over(self, stanza: Element) -> None:
        """See L{ILink}."""
        await self._there().outgoing.hand_over(stanza)

    def send(self, stanza: Element) -> None:
        """See L{ILink}."""
        if self._session is not None:
            self._session.outgoing.send(stanza)

    async def ask(self, iq: Element, patience: float = 30.0) -> Element:
        """See L{ILink}."""
        return await self._there().ask(iq, patience)

    def _there(self) -> Session:
        if self._session is None:
            raise Away(self.trouble or "the link is being stopped")
        return self._session

    # Coming and going

    def startService(self) -> None:
        """Connect, and stay connected."""
        super().startService()
        self._stopping = False
        self._run = Deferred.fromCoroutine(self._stay())
        self._run.addErrback(self._broke)

    def _broke(self, failure: Any) -> None:
        if failure.check(CancelledError) is None:
            self.log.failure("The link of {bridge} broke", failure=failure, bridge=self.section)
            self.trouble = "the link broke, see the log"

    def stopService(self) -> Deferred[None]:
        """Say goodbye. Fires when the connection is closed."""
        super().stopService()
        self._stopping = True
        return Deferred.fromCoroutine(self._part())

    async def _part(self) -> None:
        stream = self._connecting.stream
        if self._session is not None:
            self._session.leave()
        elif self._run is not None:
            self._run.cancel()
        if stream is not None:
            await stream.over()

    async def _stay(self) -> None:
        tries = 0
        while not self._stopping:
            began = self._reactor.seconds()
            trouble = await self._once()
            if self._stopping:
                break
            if self._reactor.seconds() - began >= STEADY and not trouble.slow:
                tries = 0
            self._tell(trouble)
            paces = LATER if trouble.slow else SOON
            await deferLater(self._reactor, paces[min(tries, len(paces) - 1)])
            tries += 1

    async def _once(self) -> Trouble:
        """@return: why there is no connection, or no more."""
        try:
            stream, entered = await self._connecting.reach(self._memory)
        except Trouble as why:
            return why
        self._memory = None
        session = Session(self._reactor, stream, self._access, entered, self._talk)
        self._session, self.jid = session, entered.jid
        self._connected()
        if not entered.resumed:
            Deferred.fromCoroutine(self._talk.connected(self)).addErrback(self._misled)
        session.begin()
        trouble = await stream.over()
        self._session = None
        self.trouble = str(trouble)
        self._memory = session.over(trouble)
        return trouble

    def _connected(self) -> None:
        self.found, self.trouble = self._connecting.found, ""
        self._told = ""
        self.log.info("Bridge {bridge}: {found}", bridge=self.section, found=self.found)

    def _misled(self, failure: Any) -> None:
        self.log.failure(
            "Bridge {bridge} broke when it was connected", failure=failure, bridge=self.section
        )

    _told: str = field(default="", init=False)

    def _tell(self, trouble: Trouble) -> None:
        self.trouble = str(trouble)
        if self.trouble != self._told:
            self.log.warn("Bridge {bridge}: {reason}", bridge=self.section, reason=self.trouble)
        self._told = self.trouble


async def check(reactor: Any, access: Access) -> str:
    """
    Whether the settings are right: log in once, and leave. For C{--check-config}.

    @return: one sentence about what was found.
    @raise Away: the server is not reached, so that nobody can tell.
    @raise Refused: what is wrong.
    """
    try:
        return await look(reactor, access)
    except Trouble as trouble:
        if trouble.slow:
            raise Refused(str(trouble)) from None
        raise Away(str(trouble)) from None
