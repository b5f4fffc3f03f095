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

from goiptwist.bridges.xmpp.bot import BotChat
from goiptwist.bridges.xmpp.chat.reply_context import ReplyContext
from goiptwist.bridges.xmpp.chat.status_stanzas import StatusStanzas
from goiptwist.bridges.xmpp.component import ComponentChat
from goiptwist.bridges.xmpp.connection.client import XmppClient, check
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.interfaces import IStanzaReceiver, IXmppConnection
from goiptwist.bridges.xmpp.presence.rooms import ROOM_CHECK_INTERVAL
from goiptwist.bridges.xmpp.service import ChatService
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.config.values import HostPort
from goiptwist.delivery.retry import BRIDGE_AT_ONCE
from goiptwist.errors import Away, Refused, TryLater
from goiptwist.interfaces import (
    IChecksItself,
    IConversational,
    IDeliversEach,
    IGateway,
    IReportsOutage,
)
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.model.notifications import Notification

#: Seconds between two looks at the lines.
LINES_CHECK_INTERVAL = 15.0


def credentials_of(settings: XmppSettings) -> XmppCredentials:
    """Where to log in, as what."""
    component = settings.mode == "component"
    return XmppCredentials(
        jid=settings.jid,
        password=settings.password.clear,
        component=component,
        server=settings.server or (HostPort("127.0.0.1", 5347) if component else None),
        ca=settings.ca,
        clear=settings.clear,
    )


def make_client(
    reactor: Any, settings: XmppSettings, receiver: IStanzaReceiver, section: str
) -> XmppClient:
    """The way to the server of the settings."""
    return XmppClient(reactor, credentials_of(settings), receiver, section)


@implementer(IDeliversEach, IChecksItself, IReportsOutage, IConversational, IStanzaReceiver)
@define(eq=False, repr=False, slots=False)
class XmppBridge(Service):
    """
    Delivery is at least once, with the same stanza id.

    @ivar section: the name of the section.
    @ivar make_connection: makes the connection; tests have one of their own.
    @ivar at_once: how many deliveries may be under way. What a component has sent
        when its server stops may have arrived or not, and comes again: so that
        is one message. The server is near, and says soon that it has it.
    """

    section: str
    settings: XmppSettings
    gateway: IGateway
    make_connection: Callable[[Any, XmppSettings, IStanzaReceiver, str], Any] = make_client
    connection: Any = field(init=False)
    chat: ChatService = field(init=False)
    at_once: int = field(init=False)
    _checks: list[LoopingCall] = field(factory=list, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        reactor, settings = self.gateway.reactor, self.settings
        self.connection = self.make_connection(reactor, settings, self, self.section)
        component = settings.mode == "component"
        self.at_once = 1 if component else BRIDGE_AT_ONCE
        kind = ComponentChat if component else BotChat
        self.chat = kind(self.section, settings, self.gateway, self.connection)

    @property
    def outage(self) -> str:
        """See L{IReportsOutage}."""
        return str(self.connection.outage)

    # What the gateway asks of us

    async def deliver_to(self, message: Message, recipient: str) -> Delivered:
        """
        See L{IDeliversEach}.

        @raise TryLater: not now.
        @raise Refused: it will never be taken there.
        """
        if self.connection.outage:
            raise Away(self.connection.outage)
        await self.chat.deliver_to(message, recipient)
        return Delivered(detail=f"delivered to {recipient}")

    async def deliver(self, message: Message) -> Delivered:
        """
        To all of C{to}, for a row that names no recipient. If it is put off for one,
        it comes again to all, with the same stanza id.

        @raise TryLater: not all have it.
        @raise Refused: nobody will ever take it.
        """
        delivered: list[str] = []
        refusals: list[str] = []
        put_off: TryLater | None = None
        for recipient in self.settings.recipients:
            try:
                await self.deliver_to(message, recipient)
                delivered.append(recipient)
            except Refused as refusal:
                refusals.append(str(refusal))
                self._log_refusal(message.id, refusal)
            except TryLater as later:
                put_off = put_off or later
        if put_off is not None:
            raise put_off
        if not delivered:
            raise Refused("; ".join(refusals))
        return Delivered(detail="; ".join([f"delivered to {', '.join(delivered)}", *refusals]))

    async def notify(self, notification: Notification) -> Delivered:
        """See L{IConversational}: a receipt, or an error in the same conversation."""
        try:
            context = ReplyContext.from_text(notification.message.context)
        except ValueError as error:
            raise Refused(f"nobody can be told by chat: {error}") from None
        if self.connection.outage:
            raise Away(self.connection.outage)
        status = StatusStanzas(notification, context, f"bridge:{self.section}/")
        for stanza in status.elements():
            if context.room:
                await self.chat.rooms.post(context.to, stanza)
            else:
                await self.connection.send_confirmed(stanza)
        return Delivered(detail=f"told {context.to.partition('/')[0]}")

    async def check(self) -> str:
        """
        Log in, and leave.

        @return: what was found, in one sentence.
        @raise GoipTwistError: what is wrong.
        """
        found = await check(self.gateway.reactor, credentials_of(self.settings))
        return f"{found}; SMS go to {', '.join(self.settings.to)}"

    # What the connection brings

    async def connected(self, connection: IXmppConnection) -> None:
        """See L{IStanzaReceiver}."""
        await self.chat.connected(connection)

    async def stanza_received(self, stanza: Element) -> None:
        """See L{IStanzaReceiver}."""
        await self.chat.stanza_received(stanza)

    async def iq_received(self, iq: Element) -> Element | None:
        """See L{IStanzaReceiver}."""
        return await self.chat.iq_received(iq)

    # Coming and going

    def startService(self) -> None:
        """Connect, and look after presence and rooms."""
        super().startService()
        self.connection.startService()
        for check_now, seconds in (
            (self.chat.update_presence, LINES_CHECK_INTERVAL),
            (self.chat.check_rooms, ROOM_CHECK_INTERVAL),
        ):
            call = LoopingCall(self._check_safely, check_now)
            call.clock = self.gateway.clock
            call.start(seconds, now=False)
            self._checks.append(call)

    def stopService(self) -> Deferred[Any]:
        """Say goodbye."""
        super().stopService()
        while self._checks:
            self._checks.pop().stop()
        return maybeDeferred(self.connection.stopService)

    def _check_safely(self, check_now: Callable[[], Any]) -> Deferred[Any]:
        checked: Deferred[Any] = Deferred.fromCoroutine(check_now())
        # A check that broke must not be the last one.
        checked.addErrback(lambda failure: self.log.failure("A check broke", failure=failure))
        return checked

    def _log_refusal(self, message_id: str, refusal: Refused) -> None:
        self.log.warn(
            "{destination} did not deliver {message_id}: {reason}",
            destination=f"bridge:{self.section}",
            message_id=message_id,
            reason=str(refusal),
        )
