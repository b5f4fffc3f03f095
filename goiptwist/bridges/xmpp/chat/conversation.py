"""
L{ChatConversation}: what becomes of what people write to us.
"""

from __future__ import annotations

from attrs import define, field
from twisted.logger import Logger
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.addressing import ComponentAddress, unescape
from goiptwist.bridges.xmpp.chat.chat_message import ChatMessage, has_words, parse_message
from goiptwist.bridges.xmpp.chat.commands_text import (
    HELP,
    ChatCommand,
    InvalidCommand,
    PlainText,
    TextToNumber,
    parse_command,
)
from goiptwist.bridges.xmpp.chat.correlations import Correlations, Correspondent
from goiptwist.bridges.xmpp.chat.error_replies import RejectedMessage, error_reply
from goiptwist.bridges.xmpp.chat.reply_context import ReplyContext
from goiptwist.bridges.xmpp.chat.submitter import ChatSubmitter
from goiptwist.bridges.xmpp.interfaces import IXmppConnection
from goiptwist.bridges.xmpp.presence.line_status import lines_text, status_text
from goiptwist.bridges.xmpp.presence.rooms import ChatRooms
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.stanzas import bare_sender
from goiptwist.errors import GoipTwistError
from goiptwist.interfaces import IGateway
from goiptwist.model.messages import State

#: How many failures /status and the command show.
FAILURES_SHOWN = 10
FAILED = (State.FAILED, State.EXPIRED, State.UNKNOWN)


@define(eq=False)
class ChatConversation:
    """Texts, commands, corrections; an error is answered in words."""

    settings: XmppSettings
    gateway: IGateway = field(repr=False)
    connection: IXmppConnection = field(repr=False)
    correlations: Correlations = field(repr=False)
    submitter: ChatSubmitter = field(repr=False)
    rooms: ChatRooms = field(repr=False)
    log = Logger()

    async def message_received(self, stanza: Element, address: ComponentAddress) -> None:
        """
        Somebody wrote to us alone. Returns once it is on disk, or answered.

        @param address: what he wrote to.
        """
        who = bare_sender(stanza)
        if not who or who == self._own or not has_words(stanza):
            return
        try:
            self._check(who)  # what a stranger says is not even read
            written = parse_message(stanza)
            if written is None:
                return
            written.check(self.gateway.clock.seconds(), self.settings.too_old * 60)
            await self._accept(who, written, address)
        except GoipTwistError as error:
            self._log_rejection(stanza.getAttribute("id", ""), error)
            reply = error_reply(error)
            self.connection.send(stanzas.error_to(stanza, reply.condition, reply.kind, reply.text))

    async def room_message_received(self, stanza: Element) -> None:
        """Somebody wrote to all in a room: only what is clearly for us counts."""
        room, nick = self.rooms.message_received(stanza)
        if room is None or not nick:
            return
        try:
            written = parse_message(stanza)
        except RejectedMessage as error:
            self._log_rejection(stanza.getAttribute("id", ""), error)
            return
        if written is None:
            return
        parsed = parse_command(written.body)
        now = self.gateway.clock.seconds()
        late = written.at is not None and now - written.at > self.settings.too_old * 60
        if late or not isinstance(parsed, TextToNumber | ChatCommand):
            return  # history, and what they say to one another
        who = room.occupants.get(nick, "")
        try:
            if not who:
                raise RejectedMessage(
                    "forbidden", "auth", "this room hides who you are; write to me directly"
                )
            self._check(who)
            written.check(now, self.settings.too_old * 60)
            context = ReplyContext(
                to=room.jid, id=written.id, ours=self.rooms.ours, room=True, nick=nick
            )
            if isinstance(parsed, ChatCommand):
                self._post(room.jid, await self._run(parsed.word, who))
            else:
                to = Correspondent(parsed.number)
                await self._submit(who, written, to, parsed.text, context)
        except GoipTwistError as error:
            self._log_rejection(written.id, error)
            self._post(room.jid, f"{nick}: {error}")

    async def _accept(self, who: str, written: ChatMessage, address: ComponentAddress) -> None:
        if written.retracts:
            await self.submitter.retract(who, written)
            return
        context = ReplyContext(
            to=written.sender,
            id=written.id,
            ours=self._ours(written),
            receipt=written.receipt and bool(written.id),
        )
        if address.name:
            name = await self.correlations.spelling(address.name) or unescape(address.name)
            raise RejectedMessage(
                "item-not-found",
                "cancel",
                f"{name[:40]} is a name without a number: nobody can answer it",
            )
        if address.number:
            line = address.line or await self.correlations.last_line(who, address.number)
            to = Correspondent(address.number, line)
            await self._submit(who, written, to, written.body, context)
            return
        await self._accept_unaddressed(who, written, address, context)

    async def _accept_unaddressed(
        self, who: str, written: ChatMessage, address: ComponentAddress, context: ReplyContext
    ) -> None:
        """Written to the gateway itself, or to a line: the text says to whom it goes."""
        to = None
        if written.reply_to:
            to = await self.correlations.by_stanza(who, written.reply_to)
        parsed = parse_command(written.body) if to is None else PlainText()
        if isinstance(parsed, InvalidCommand):
            raise RejectedMessage("bad-request", "modify", parsed.sentence)
        if isinstance(parsed, ChatCommand):
            self._reply(written, await self._run(parsed.word, who))
            return
        if isinstance(parsed, TextToNumber):
            to = Correspondent(parsed.number, address.line, address.pool)
            await self._submit(who, written, to, parsed.text, context)
            return
        if to is None and written.replaces:
            await self.submitter.correct(who, written, written.body, context)
            return
        if to is None and not written.reply_to:
            to = await self._by_conversation(who, written)
        if to is None:
            raise RejectedMessage(
                "not-acceptable",
                "modify",
                "to whom? Answer an SMS with the reply function, or write "
                "@+36301234567: text; /help says more",
            )
        await self._submit(who, written, to, written.body, context)

    async def _by_conversation(self, who: str, written: ChatMessage) -> Correspondent | None:
        """To whom a text goes that answers no stanza: by its thread, or as the last one did."""
        to = await self.correlations.by_thread(written.thread) if written.thread else None
        if to is None and self.settings.plain == "last":
            to = await self.correlations.last_correspondent(who)
        return to

    async def _submit(
        self, who: str, written: ChatMessage, to: Correspondent, text: str, context: ReplyContext
    ) -> None:
        if written.replaces:
            await self.submitter.correct(who, written, text, context)
        else:
            await self.submitter.submit(who, written, to, text, context)

    async def _run(self, word: str, who: str) -> str:
        """@return: the answer to a command."""
        if word == "help":
            return HELP
        if not self.settings.show_lines:
            return "That is not shown here (show_lines in the settings)."
        lines = self.gateway.lines.statuses()
        if word == "lines":
            return lines_text(lines)
        origin = self.submitter.origin(who)
        failed = await self.gateway.messages.recent(origin, FAILED, FAILURES_SHOWN)
        return status_text(lines, failed)

    def _check(self, who: str) -> None:
        if not self.settings.allows(who):
            raise RejectedMessage("forbidden", "auth", f"{who} may not send SMS here")

    def _reply(self, written: ChatMessage, text: str) -> None:
        reply = stanzas.message(written.sender, "chat", from_=self._ours(written))
        reply.addElement("body", content=stanzas.clean(text))
        self.connection.send(reply)

    def _post(self, room: str, text: str) -> None:
        stanza = stanzas.message(room, "groupchat", from_=self.rooms.ours)
        stanza.addElement("body", content=stanzas.clean(text))
        self.connection.send(stanza)

    def _log_rejection(self, stanza_id: str, error: GoipTwistError) -> None:
        self.log.info(
            "A chat message {stanza} became no SMS: {condition}",
            stanza=stanzas.one_line(stanza_id[:80]),
            condition=error_reply(error).condition,
        )

    def _ours(self, written: ChatMessage) -> str:
        """Which address of ours answers; an account has only one, which the server knows."""
        return written.to if self.settings.mode == "component" else ""

    @property
    def _own(self) -> str:
        """Our account without a resource, or our domain."""
        return self.settings.jid.partition("/")[0].lower()
