"""
L{ChatService}: what an account and a component do alike with what comes in, and with SMS.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field
from twisted.logger import Logger
from twisted.words.xish.domish import Element
from zope.interface import implementer

from goiptwist.bridges.xmpp.addressing import ComponentAddress, ComponentAddresses
from goiptwist.bridges.xmpp.chat.conversation import ChatConversation
from goiptwist.bridges.xmpp.chat.correlations import (
    SMS,
    Correlations,
    Correspondent,
    answerable,
)
from goiptwist.bridges.xmpp.chat.stanza_delivery import StanzaDelivery, parse_bounce
from goiptwist.bridges.xmpp.chat.submitter import ChatSubmitter
from goiptwist.bridges.xmpp.interfaces import IStanzaReceiver, IXmppConnection
from goiptwist.bridges.xmpp.iq.commands import AdHocCommands
from goiptwist.bridges.xmpp.iq.queries import IqQueries
from goiptwist.bridges.xmpp.presence.line_status import PresenceStatus, overall_presence
from goiptwist.bridges.xmpp.presence.rooms import ChatRooms
from goiptwist.bridges.xmpp.presence.roster import Roster
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.stanzas import bare_sender
from goiptwist.errors import GoipTwistError
from goiptwist.interfaces import IGateway
from goiptwist.model.messages import Message


@implementer(IStanzaReceiver)
@define(eq=False, repr=False, slots=False)
class ChatService:
    """
    Makes the parts of the limb, and gives each stanza to the one that it is for.

    @ivar section: the name of the bridge's section.
    """

    section: str
    settings: XmppSettings
    gateway: IGateway
    connection: IXmppConnection
    correlations: Correlations = field(init=False)
    submitter: ChatSubmitter = field(init=False)
    delivery: StanzaDelivery = field(init=False)
    rooms: ChatRooms = field(init=False)
    conversation: ChatConversation = field(init=False)
    queries: IqQueries = field(init=False)
    roster: Roster = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        settings, gateway, connection = self.settings, self.gateway, self.connection
        correlations = self.correlations = Correlations(gateway)
        submitter = ChatSubmitter(self.section, settings, gateway, correlations)
        self.submitter = submitter
        self.delivery = StanzaDelivery(connection)
        self.rooms = ChatRooms(connection, gateway.clock, settings.nick, self.in_rooms)
        self.conversation = ChatConversation(
            settings, gateway, connection, correlations, submitter, self.rooms
        )
        commands = AdHocCommands(settings, gateway, submitter)
        self.queries = IqQueries(settings, gateway, correlations, commands, self.addresses)
        self.roster = Roster(settings, connection, gateway, self.shown, self.nick_of)

    # What differs

    #: Whom we come as into rooms; empty is our account.
    in_rooms = ""

    def addresses(self) -> ComponentAddresses | None:
        """Our addresses; an account has only one."""
        return None

    async def alternatives(self, message: Message, recipient: str, thread: str) -> list[Element]:
        """The stanza that carries an SMS, from each of our addresses in turn."""
        raise NotImplementedError

    async def room_stanza(self, message: Message, room: str) -> Element:
        """The stanza for a room."""
        raise NotImplementedError

    def address_of(self, stanza: Element) -> ComponentAddress:
        """
        What somebody writes to.

        @raise ValueError: there is no such address.
        """
        return ComponentAddress()

    def shown(self, ours: str) -> PresenceStatus:
        """How one of our addresses stands."""
        if not self.settings.show_lines:
            return PresenceStatus(True, "", "")
        return overall_presence(self.gateway.lines.statuses())

    def nick_of(self, ours: str) -> str:
        """What one of our addresses is called."""
        return self.settings.nick

    # What is the same

    async def deliver_to(self, message: Message, recipient: str) -> None:
        """
        Deliver an SMS to one JID or room.

        @raise TryLater: not now.
        @raise Refused: it will never be taken there.
        """
        thread = ""
        if answerable(message):
            correspondent = Correspondent(message.sender, message.line)
            thread = await self.correlations.start_thread(correspondent)
            if self.settings.plain == "last":
                await self.correlations.put_last_correspondent(recipient, correspondent)
        if await self.rooms.is_room(recipient):
            stanza = await self.room_stanza(message, recipient)
            room_id = await self.rooms.post(recipient, stanza)
            if room_id:
                await self.correlations.put_room_id(recipient, room_id, message.id)
            return
        await self.delivery.deliver(await self.alternatives(message, recipient, thread))

    async def connected(self, connection: IXmppConnection) -> None:
        """See L{IStanzaReceiver}."""
        self.rooms.forget()
        await self.roster.announce()
        for recipient in self.settings.recipients:
            try:
                if await self.rooms.is_room(recipient):
                    self.rooms.join(recipient)
            except GoipTwistError as error:
                self.log.warn(
                    "{destination} cannot join {room} now: {reason}",
                    destination=f"bridge:{self.section}",
                    room=recipient,
                    reason=str(error),
                )

    async def stanza_received(self, stanza: Element) -> None:
        """See L{IStanzaReceiver}."""
        kind = stanza.getAttribute("type", "")
        if stanza.name == "presence":
            if not self.rooms.presence_received(stanza):
                await self.roster.presence_received(stanza)
        elif stanza.name != "message" or kind == "headline":
            return
        elif kind == "error":
            await self._error_received(stanza)
        elif kind == "groupchat":
            await self.conversation.room_message_received(stanza)
        elif bare_sender(stanza) not in self.rooms.by_jid:  # not what is whispered in a room
            await self.conversation.message_received(stanza, self.address_of(stanza))

    async def iq_received(self, iq: Element) -> Element | None:
        """See L{IStanzaReceiver}."""
        return await self.queries.iq_received(iq)

    async def update_presence(self) -> None:
        """Show what has changed since the last time."""
        if not self.connection.outage:
            await self.roster.announce(only_changes=True)

    async def check_rooms(self) -> None:
        """Enter again the rooms that have forgotten us."""
        if not self.connection.outage:
            await self.rooms.check()

    async def _error_received(self, stanza: Element) -> None:
        """
        Where an error is of an SMS that this recipient's server took long ago, the
        next of our addresses is tried, and after the last one the SMS has bounced
        for this recipient. The deliveries to others stay as they are.
        """
        if self.rooms.bounced(stanza) or self.delivery.bounced(stanza):
            return
        recipient, stanza_id = self._recipient_of(stanza), stanza.getAttribute("id", "")
        if not stanza_id.startswith(SMS) or not recipient:
            return
        message = await self.gateway.messages.get(stanza_id.removeprefix(SMS))
        if message is None:
            return
        left = _behind(stanza, await self.alternatives(message, recipient, ""))
        reason = parse_bounce(stanza).reason
        if left:
            try:
                await self.delivery.deliver(left)
            except GoipTwistError as error:
                reason = str(error)
            else:
                return
        await self.gateway.bounces.bounced(message.id, reason, recipient)

    def _recipient_of(self, stanza: Element) -> str:
        """@return: which of the recipients has sent a stanza; empty if it is none of them."""
        who = bare_sender(stanza).lower()
        return next((each for each in self.settings.recipients if each.lower() == who), "")


def _behind(stanza: Element, alternatives: Sequence[Element]) -> Sequence[Element]:
    """Those behind the one that an error is about."""
    ours = [each.getAttribute("from", "").partition("/")[0] for each in alternatives]
    came_from = stanza.getAttribute("to", "").partition("/")[0]
    return alternatives[ours.index(came_from) + 1 :] if came_from in ours else ()
