"""
L{XmppBridge}: SMS as chat messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.words.xish.domish import Element
from zope.interface import implementer

from goiptwist.bridges.xmpp.bot import Bot
from goiptwist.bridges.xmpp.component import Component
from goiptwist.bridges.xmpp.context import Asked
from goiptwist.bridges.xmpp.interfaces import ILink, ITalk
from goiptwist.bridges.xmpp.link.access import Access
from goiptwist.bridges.xmpp.link.link import Link, check
from goiptwist.bridges.xmpp.rooms import LOOK
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.talk import Talk
from goiptwist.bridges.xmpp.telling import stanzas_of
from goiptwist.config.values import HostPort
from goiptwist.delivery.retry import BRIDGE_AT_ONCE
from goiptwist.errors import Away, GoipTwistError, Refused, TryLater
from goiptwist.interfaces import IBridge, IChecksItself, IConversational, IGateway, IReportsOutage
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.model.notifications import Notification

#: Messages of which it is remembered who has them already, while another
#: recipient is put off. Past that the oldest is forgotten, and goes to all again.
REMEMBERED = 1000
#: Seconds between two looks at the lines.
LINES_LOOK = 15.0


def access_of(settings: XmppSettings) -> Access:
    """Where to log in, as what."""
    component = settings.mode == "component"
    return Access(
        jid=settings.jid,
        password=settings.password.clear,
        component=component,
        server=settings.server or (HostPort("127.0.0.1", 5347) if component else None),
        ca=settings.ca,
        clear=settings.clear,
    )


def linked(reactor: Any, settings: XmppSettings, talk: ITalk, section: str) -> Link:
    """The way to the server of the settings."""
    return Link(reactor, access_of(settings), talk, section)


@implementer(IBridge, IChecksItself, IReportsOutage, IConversational, ITalk)
@define(eq=False, repr=False, slots=False)
class XmppBridge(Service):
    """
    Delivery is at least once, with the same stanza id. Who has a message is
    remembered in this process while another recipient is put off.

    @ivar section: the name of the section.
    @ivar link_of: makes the link; tests have one of their own.
    @ivar at_once: how many messages may be under way. What a component has sent
        when its server stops may have arrived or not, and comes again: so that
        is one message. The server is near, and says soon that it has it.
    """

    section: str
    settings: XmppSettings
    gateway: IGateway
    link_of: Callable[[Any, XmppSettings, ITalk, str], Any] = linked
    link: Any = field(init=False)
    talk: Talk = field(init=False)
    at_once: int = field(init=False)
    _had: dict[str, dict[str, Refused | None]] = field(factory=dict, init=False)
    _looks: list[LoopingCall] = field(factory=list, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.link = self.link_of(self.gateway.reactor, self.settings, self, self.section)
        component = self.settings.mode == "component"
        self.at_once = 1 if component else BRIDGE_AT_ONCE
        kind = Component if component else Bot
        self.talk = kind(self.section, self.settings, self.gateway, self.link)

    @property
    def outage(self) -> str:
        """See L{IReportsOutage}."""
        return str(self.link.trouble)

    # What the gateway wants

    async def deliver(self, message: Message) -> Delivered:
        """
        @raise TryLater: not all have it.
        @raise Refused: nobody will ever take it.
        """
        had = self._had.pop(message.id, {})
        put_off: TryLater | None = None
        for to in self.settings.to:
            if to in had:
                continue
            try:
                if self.link.trouble:
                    raise Away(self.link.trouble)
                await self.talk.deliver(message, to)
                had[to] = None
            except Refused as refusal:
                had[to] = refusal
                self._warn(message.id, refusal)
            except TryLater as later:
                put_off = put_off or later
        if put_off is not None:
            self._remember(message.id, had)
            raise put_off
        refusals = [str(refusal) for refusal in had.values() if refusal is not None]
        if len(refusals) == len(had):
            raise Refused("; ".join(refusals))
        taken = [to for to, refusal in had.items() if refusal is None]
        return Delivered(detail="; ".join([f"handed over to {', '.join(taken)}", *refusals]))

    async def notify(self, notification: Notification) -> Delivered:
        """See L{IConversational}: a receipt, or an error in the same conversation."""
        try:
            asked = Asked.from_text(notification.message.context)
        except ValueError as wrong:
            raise Refused(f"nobody can be told by chat: {wrong}") from None
        if self.link.trouble:
            raise Away(self.link.trouble)
        for stanza in stanzas_of(notification, asked, f"bridge:{self.section}/"):
            if asked.room:
                await self.talk.rooms.say(asked.to, stanza)
            else:
                await self.link.hand_over(stanza)
        return Delivered(detail=f"told {asked.to.partition('/')[0]}")

    async def check(self) -> str:
        """
        Log in, and leave.

        @return: what was found, in one sentence.
        @raise GoipTwistError: what is wrong.
        """
        found = await check(self.gateway.reactor, access_of(self.settings))
        return f"{found}; SMS go to {', '.join(self.settings.to)}"

    # What the link tells

    async def connected(self, link: ILink) -> None:
        """See L{ITalk}."""
        await self.talk.connected(link)

    async def heard(self, stanza: Element) -> None:
        """See L{ITalk}."""
        await self.talk.heard(stanza)

    async def asked(self, iq: Element) -> Element | None:
        """See L{ITalk}."""
        return await self.talk.asked(iq)

    # Coming and going

    def startService(self) -> None:
        """Connect, and look after presence and rooms."""
        super().startService()
        self.link.startService()
        for look, seconds in ((self.talk.look, LINES_LOOK), (self._look_at_rooms, LOOK)):
            call = LoopingCall(self._looking, look)
            call.clock = self.gateway.clock
            call.start(seconds, now=False)
            self._looks.append(call)

    def stopService(self) -> Deferred[Any]:
        """Say goodbye."""
        super().stopService()
        while self._looks:
            self._looks.pop().stop()
        return maybeDeferred(self.link.stopService)

    async def _look_at_rooms(self) -> None:
        if not self.link.trouble:
            await self.talk.rooms.look()

    def _looking(self, look: Callable[[], Any]) -> Deferred[Any]:
        looked: Deferred[Any] = Deferred.fromCoroutine(look())
        # A look that broke must not be the last one.
        looked.addErrback(lambda failure: self.log.failure("A look broke", failure=failure))
        return looked

    def _remember(self, message_id: str, had: dict[str, Refused | None]) -> None:
        if had:
            self._had[message_id] = had
        while len(self._had) > REMEMBERED:
            del self._had[next(iter(self._had))]

    def _warn(self, message_id: str, trouble: GoipTwistError) -> None:
        self.log.warn(
            "Bridge {bridge} did not hand over {message_id}: {reason}",
            bridge=self.section,
            message_id=message_id,
            reason=str(trouble),
        )
