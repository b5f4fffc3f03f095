"""
L{Desk}: takes texts of people to numbers, corrections, and what is taken back.
"""

from __future__ import annotations

from attrs import define, field

from goiptwist.bridges.xmpp.context import Asked
from goiptwist.bridges.xmpp.notes import Became, Correspondent, Notes, client_id
from goiptwist.bridges.xmpp.reading import Said
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.troubles import FAILURES, Unwelcome
from goiptwist.errors import Conflict, GoipTwistError
from goiptwist.interfaces import IGateway
from goiptwist.model.messages import Message, Submission
from goiptwist.model.subscriptions import Subscription
from goiptwist.telephony.validation import accepted_text

ONLY_WAITING = "only what still waits can be changed"


@define(eq=False)
class Desk:
    """@ivar bridge: the name of the section."""

    bridge: str
    settings: XmppSettings
    gateway: IGateway = field(repr=False)
    notes: Notes = field(repr=False)

    def origin(self, who: str) -> str:
        """Under which name a person submits; each has a quota of his own."""
        return f"bridge:{self.bridge}/{who}"

    async def take(self, who: str, said: Said, to: Correspondent, text: str, asked: Asked) -> None:
        """
        Submit a text; when this returns, it is on disk.

        @param who: bare, as the server has verified it.
        @raise GoipTwistError: what is wrong.
        """
        name = client_id(who, said.id)
        to = self._by(to)
        message = await self._submit(who, name, to, text, asked)
        if said.id and await self.notes.became(who, said.id) is None:
            became = Became(
                message_id=message.id, by=name, number=message.recipient, line=to.line, pool=to.pool
            )
            await self.notes.now_is(who, said.ids, became)
        await self.notes.talked(who, to)

    async def correct(self, who: str, said: Said, text: str, asked: Asked) -> None:
        """
        Send another text in place of one that has not left (XEP-0308).

        @raise GoipTwistError: it has left, or what is wrong with the new one.
        """
        old, name = await self._known(who, said.replaces), client_id(who, said.id)
        if name and old.by == name:
            return  # the same correction once more
        accepted_text(text)  # whatever is wrong is said before the first one is gone
        await self._withdraw(who, old, "it was not corrected")
        to = old.correspondent
        try:
            message = await self._submit(who, name, to, text, asked)
        except GoipTwistError as wrong:
            said_so = f"the first text was withdrawn, and the new one not taken: {wrong}"
            raise Unwelcome("not-acceptable", "modify", said_so) from None
        became = Became(
            message_id=message.id, by=name, number=to.number, line=to.line, pool=to.pool
        )
        # Later corrections name the first stanza again (XEP-0308 section 3).
        await self.notes.now_is(who, (said.replaces, *said.ids), became)

    async def retract(self, who: str, said: Said) -> None:
        """
        Take back a text that has not left (XEP-0424).

        @raise Unwelcome: it has left.
        """
        await self._withdraw(who, await self._known(who, said.retracts), "it was not taken back")

    async def _submit(
        self, who: str, name: str, to: Correspondent, text: str, asked: Asked
    ) -> Message:
        """@param name: what makes the same stanza again the same SMS."""
        [message] = await self.gateway.messages.submit(
            Submission(
                origin=self.origin(who),
                recipients=(to.number,),
                text=text,
                line=to.line,
                pool=to.pool,
                client_id=name,
                context=asked.to_text(),
                tell=(self._wish(asked),),
            )
        )
        return message

    async def _known(self, who: str, stanza_id: str) -> Became:
        became = await self.notes.became(who, stanza_id)
        if became is None:
            raise Unwelcome(
                "item-not-found",
                "cancel",
                f"there is no SMS of yours that this is about; {ONLY_WAITING}",
            )
        return became

    async def _withdraw(self, who: str, became: Became, otherwise: str) -> None:
        try:
            await self.gateway.messages.withdraw(became.message_id, self.origin(who))
        except Conflict as gone:
            words = f"{otherwise}, {gone}"
            raise Unwelcome("not-acceptable", "cancel", words) from None

    def _wish(self, asked: Asked) -> Subscription:
        good = (self.settings.receipt,) if asked.receipt else ()
        return Subscription(f"bridge:{self.bridge}", (*good, *FAILURES, "delayed"))

    def _by(self, to: Correspondent) -> Correspondent:
        """The settings say by which line, if nothing else does."""
        number = self.gateway.directory.normalized(to.number)
        if to.line or to.pool:
            return Correspondent(number, to.line, to.pool)
        return Correspondent(number, self.settings.line, self.settings.pool)
