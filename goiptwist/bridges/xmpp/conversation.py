"""
L{Conversation}: what becomes of what people write to us.
"""

from __future__ import annotations

from attrs import define, field
from twisted.logger import Logger
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.addressing import Place, unescape
from goiptwist.bridges.xmpp.context import Asked
from goiptwist.bridges.xmpp.desk import Desk
from goiptwist.bridges.xmpp.doings import lines_in_words, status_in_words
from goiptwist.bridges.xmpp.interfaces import ILink
from goiptwist.bridges.xmpp.notes import Correspondent, Notes
from goiptwist.bridges.xmpp.reading import Said, bare_of, said
from goiptwist.bridges.xmpp.rooms import Rooms
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.speech import HELP, Command, Plain, Text, Wrong, understood
from goiptwist.bridges.xmpp.troubles import Unwelcome, trouble_of
from goiptwist.errors import GoipTwistError
from goiptwist.interfaces import IGateway
from goiptwist.model.messages import State

#: How many failures /status and the command show.
FAILURES_SHOWN = 10
FAILED = (State.FAILED, State.EXPIRED, State.UNKNOWN)


@define(eq=False)
class Conversation:
    """Texts, commands, corrections; whatever is wrong is answered in words."""

    settings: XmppSettings
    gateway: IGateway = field(repr=False)
    link: ILink = field(repr=False)
    notes: Notes = field(repr=False)
    desk: Desk = field(repr=False)
    rooms: Rooms = field(repr=False)
    log = Logger()

    async def heard(self, stanza: Element, place: Place) -> None:
        """
        Somebody wrote to us alone. Returns once it is on disk, or answered.

        @param place: what he wrote to.
        """
        heard, who = said(stanza), bare_of(stanza)
        if heard is None or not who or who == self._own:
            return
        try:
            self._check(who)
            heard.check(self.gateway.clock.seconds(), self.settings.too_old * 60)
            await self._take(who, heard, place)
        except GoipTwistError as wrong:
            self._noted(heard, wrong)
            trouble = trouble_of(wrong)
            self.link.send(stanzas.error_to(stanza, trouble.condition, trouble.kind, trouble.words))

    async def heard_in_room(self, stanza: Element) -> None:
        """Somebody wrote to all in a room: only what is clearly for us counts."""
        room, nick = self.rooms.heard(stanza)
        heard = said(stanza)
        if room is None or not nick or heard is None:
            return
        meant = understood(heard.body)
        now = self.gateway.clock.seconds()
        late = heard.at is not None and now - heard.at > self.settings.too_old * 60
        if late or not isinstance(meant, Text | Command):
            return  # history, and what they say to one another
        who = room.occupants.get(nick, "")
        try:
            if not who:
                raise Unwelcome(
                    "forbidden", "auth", "this room hides who you are; write to me directly"
                )
            self._check(who)
            heard.check(now, self.settings.too_old * 60)
            asked = Asked(to=room.jid, id=heard.id, ours=self.rooms.ours, room=True, nick=nick)
            if isinstance(meant, Command):
                self._post(room.jid, await self._answer(meant.word, who))
            else:
                await self._text(who, heard, Correspondent(meant.number), meant.text, asked)
        except GoipTwistError as wrong:
            self._noted(heard, wrong)
            self._post(room.jid, f"{nick}: {wrong}")

    async def _take(self, who: str, heard: Said, place: Place) -> None:
        if heard.retracts:
            await self.desk.retract(who, heard)
            return
        asked = Asked(
            to=heard.sender,
            id=heard.id,
            ours=self._ours(heard),
            receipt=heard.receipt and bool(heard.id),
        )
        if place.name:
            name = await self.notes.spelling(place.name) or unescape(place.name)
            raise Unwelcome(
                "item-not-found",
                "cancel",
                f"{name[:40]} is a name without a number: nobody can answer it",
            )
        if place.number:
            line = place.line or await self.notes.came_by(who, place.number)
            await self._text(who, heard, Correspondent(place.number, line), heard.body, asked)
            return
        await self._plain(who, heard, place, asked)

    async def _plain(self, who: str, heard: Said, place: Place, asked: Asked) -> None:
        """Written to the gateway itself, or to a line: to whom shall it go?"""
        to = await self.notes.meant(who, heard.reply_to) if heard.reply_to else None
        meant = understood(heard.body) if to is None else Plain()
        if isinstance(meant, Wrong):
            raise Unwelcome("bad-request", "modify", meant.sentence)
        if isinstance(meant, Command):
            self._reply(heard, await self._answer(meant.word, who))
            return
        if isinstance(meant, Text):
            to = Correspondent(meant.number, place.line, place.pool)
            await self._text(who, heard, to, meant.text, asked)
            return
        if to is None and heard.replaces:
            await self.desk.correct(who, heard, heard.body, asked)
            return
        if to is None and heard.thread and not heard.reply_to:
            to = await self.notes.whose(heard.thread)
        if to is None and self.settings.plain == "last" and not heard.reply_to:
            to = await self.notes.last(who)
        if to is None:
            raise Unwelcome(
                "not-acceptable",
                "modify",
                "to whom? Answer an SMS with the reply function, or write "
                "@+36301234567: text; /help says more",
            )
        await self._text(who, heard, to, heard.body, asked)

    async def _text(
        self, who: str, heard: Said, to: Correspondent, text: str, asked: Asked
    ) -> None:
        if heard.replaces:
            await self.desk.correct(who, heard, text, asked)
        else:
            await self.desk.take(who, heard, to, text, asked)

    async def _answer(self, word: str, who: str) -> str:
        if word == "help":
            return HELP
        if not self.settings.show_lines:
            return "That is not shown here (show_lines in the settings)."
        lines = self.gateway.lines.statuses()
        if word == "lines":
            return lines_in_words(lines)
        failed = await self.gateway.messages.recent(self.desk.origin(who), FAILED, FAILURES_SHOWN)
        return status_in_words(lines, failed)

    def _check(self, who: str) -> None:
        if not self.settings.allows(who):
            raise Unwelcome("forbidden", "auth", f"{who} may not send SMS here")

    def _reply(self, heard: Said, words: str) -> None:
        answer = stanzas.message(heard.sender, "chat", from_=self._ours(heard))
        answer.addElement("body", content=stanzas.clean(words))
        self.link.send(answer)

    def _post(self, room: str, words: str) -> None:
        answer = stanzas.message(room, "groupchat", from_=self.rooms.ours)
        answer.addElement("body", content=stanzas.clean(words))
        self.link.send(answer)

    def _noted(self, heard: Said, wrong: GoipTwistError) -> None:
        self.log.info(
            "A chat message {stanza} became no SMS: {condition}",
            stanza=stanzas.one_line(heard.id)[:80],
            condition=trouble_of(wrong).condition,
        )

    def _ours(self, heard: Said) -> str:
        """Which address of ours answers; an account has only one, which the server knows."""
        return heard.to if self.settings.mode == "component" else ""

    @property
    def _own(self) -> str:
        """Our account without a resource, or our domain."""
        return self.settings.jid.partition("/")[0].lower()
