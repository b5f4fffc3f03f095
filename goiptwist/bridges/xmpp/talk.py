"""
L{Talk}: what an account and a component do alike with what they hear.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field
from twisted.logger import Logger
from twisted.words.xish.domish import Element
from zope.interface import implementer

from goiptwist.bridges.xmpp.addressing import Addresses, Place
from goiptwist.bridges.xmpp.commands import Commands
from goiptwist.bridges.xmpp.conversation import Conversation
from goiptwist.bridges.xmpp.desk import Desk
from goiptwist.bridges.xmpp.doings import Shown, of_all
from goiptwist.bridges.xmpp.interfaces import ILink, ITalk
from goiptwist.bridges.xmpp.notes import SMS, Correspondent, Notes, answerable
from goiptwist.bridges.xmpp.post import Post, bounce_of
from goiptwist.bridges.xmpp.queries import Queries
from goiptwist.bridges.xmpp.reading import bare_of
from goiptwist.bridges.xmpp.rooms import Rooms
from goiptwist.bridges.xmpp.roster import Roster
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.errors import GoipTwistError
from goiptwist.interfaces import IGateway
from goiptwist.model.messages import Message


@implementer(ITalk)
@define(eq=False, repr=False, slots=False)
class Talk:
    """
    The rooms of the house, all introduced to one another.

    @ivar section: the name of the bridge's section.
    """

    section: str
    settings: XmppSettings
    gateway: IGateway
    link: ILink
    notes: Notes = field(init=False)
    desk: Desk = field(init=False)
    post: Post = field(init=False)
    rooms: Rooms = field(init=False)
    conversation: Conversation = field(init=False)
    queries: Queries = field(init=False)
    roster: Roster = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        settings, gateway, link = self.settings, self.gateway, self.link
        self.notes = Notes(self.section, gateway)
        self.desk = Desk(self.section, settings, gateway, self.notes)
        self.post = Post(link)
        self.rooms = Rooms(link, gateway.clock, settings.nick, self.in_rooms)
        self.conversation = Conversation(settings, gateway, link, self.notes, self.desk, self.rooms)
        commands = Commands(settings, gateway, self.desk)
        self.queries = Queries(settings, gateway, self.notes, commands, self.addresses)
        self.roster = Roster(settings, link, self.notes, self.shown, self.nick_of)

    # What differs

    #: Whom we come as into rooms; empty is our account.
    in_rooms = ""

    @property
    def addresses(self) -> Addresses | None:
        """Our addresses; an account has only one."""
        return None

    async def ways(self, message: Message, to: str, thread: str) -> list[Element]:
        """The stanza that carries an SMS, from each of our addresses in turn."""
        raise NotImplementedError

    async def to_room(self, message: Message, to: str, thread: str) -> Element:
        """The stanza for a room."""
        raise NotImplementedError

    def place(self, stanza: Element) -> Place:
        """
        What somebody writes to.

        @raise GoipTwistError: there is no such place.
        """
        return Place()

    def shown(self, ours: str) -> Shown:
        """How one of our addresses stands."""
        if not self.settings.show_lines:
            return Shown(True, "", "")
        return of_all(self.gateway.lines.statuses())

    def nick_of(self, ours: str) -> str:
        """What one of our addresses is called."""
        return self.settings.nick

    # What is the same

    async def deliver(self, message: Message, to: str) -> None:
        """
        Hand an SMS over to one JID or room.

        @raise TryLater: not now.
        @raise Refused: it will never be taken there.
        """
        thread = ""
        if answerable(message):
            correspondent = Correspondent(message.sender, message.line)
            thread = await self.notes.began(correspondent)
            if self.settings.plain == "last":
                await self.notes.talked(to, correspondent)
        if await self.rooms.is_room(to):
            shown_as = await self.rooms.say(to, await self.to_room(message, to, thread))
            if shown_as:
                await self.notes.posted(to, shown_as, message.id)
            return
        await self.post.hand_over(await self.ways(message, to, thread))

    async def connected(self, link: ILink) -> None:
        """See L{ITalk}."""
        self.rooms.forget()
        await self.roster.announce()
        for to in self.settings.to:
            try:
                if await self.rooms.is_room(to):
                    self.rooms.join(to)
            except GoipTwistError as trouble:
                self.log.warn(
                    "Bridge {bridge} cannot join {room} now: {why}",
                    bridge=self.section,
                    room=to,
                    why=str(trouble),
                )

    async def heard(self, stanza: Element) -> None:
        """See L{ITalk}."""
        kind = stanza.getAttribute("type", "")
        if stanza.name == "presence":
            if not self.rooms.present(stanza):
                await self.roster.heard(stanza)
        elif stanza.name != "message" or kind == "headline":
            return
        elif kind == "error":
            await self._came_back(stanza)
        elif kind == "groupchat":
            await self.conversation.heard_in_room(stanza)
        elif bare_of(stanza) not in self.rooms.by_jid:  # not what is whispered in a room
            await self.conversation.heard(stanza, self.place(stanza))

    async def asked(self, iq: Element) -> Element | None:
        """See L{ITalk}."""
        return await self.queries.asked(iq)

    async def look(self) -> None:
        """What has to be looked after from time to time."""
        if not self.link.trouble:
            await self.roster.announce(only_changes=True)

    async def _came_back(self, stanza: Element) -> None:
        """
        An error. Where it is of an SMS that was taken long ago, the next of
        our addresses is tried, and after the last the fallback gets it.
        """
        if self.rooms.came_back(stanza) or self.post.came_back(stanza):
            return
        who, stanza_id = bare_of(stanza).lower(), stanza.getAttribute("id", "")
        if not stanza_id.startswith(SMS) or who not in map(str.lower, self.settings.to):
            return
        message = await self.gateway.messages.get(stanza_id.removeprefix(SMS))
        if message is None:
            return
        ways = self._after(stanza, await self.ways(message, who, ""))
        try:
            if not ways:
                await self.gateway.bounces.bounced(message.id, bounce_of(stanza).words)
            else:
                await self.post.hand_over(ways)
        except GoipTwistError as trouble:
            await self.gateway.bounces.bounced(message.id, str(trouble))

    def _after(self, stanza: Element, ways: Sequence[Element]) -> Sequence[Element]:
        ours = [way.getAttribute("from", "").partition("/")[0] for way in ways]
        came_from = stanza.getAttribute("to", "").partition("/")[0]
        return ways[ours.index(came_from) + 1 :] if came_from in ours else ()
