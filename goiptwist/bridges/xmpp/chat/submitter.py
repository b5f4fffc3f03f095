"""
L{ChatSubmitter}: submits texts of people to numbers, corrects them, and takes them back.
"""

from __future__ import annotations

from attrs import define, field

from goiptwist.bridges.xmpp.chat.chat_message import ChatMessage
from goiptwist.bridges.xmpp.chat.correlations import (
    Correlations,
    Correspondent,
    SubmittedStanza,
    client_id,
)
from goiptwist.bridges.xmpp.chat.error_replies import FAILURES, RejectedMessage
from goiptwist.bridges.xmpp.chat.reply_context import ReplyContext
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.errors import Conflict, GoipTwistError
from goiptwist.interfaces import IGateway
from goiptwist.model.messages import Message, Submission
from goiptwist.model.subscriptions import Subscription
from goiptwist.telephony.validation import accepted_text

ONLY_WAITING = "only what still waits can be changed"


@define(eq=False)
class ChatSubmitter:
    """@ivar section: the name of the bridge's section."""

    section: str
    settings: XmppSettings
    gateway: IGateway = field(repr=False)
    correlations: Correlations = field(repr=False)

    def origin(self, who: str) -> str:
        """Under which name a person submits; each has a quota of his own."""
        return f"bridge:{self.section}/{who}"

    async def submit(
        self, who: str, written: ChatMessage, to: Correspondent, text: str, context: ReplyContext
    ) -> None:
        """
        Submit a text; when this returns, it is on disk.

        @param who: bare, as the server has verified it.
        @raise GoipTwistError: what is wrong.
        """
        name = client_id(who, written.id)
        to = self._with_line(to)
        message = await self._submit(who, name, to, text, context)
        if written.id and await self.correlations.submitted(who, written.id) is None:
            submitted = SubmittedStanza(
                message_id=message.id,
                client_id=name,
                number=message.recipient,
                line=to.line,
                pool=to.pool,
            )
            await self.correlations.put_submitted(who, written.ids, submitted)
        await self.correlations.put_last_correspondent(who, to)

    async def correct(
        self, who: str, written: ChatMessage, text: str, context: ReplyContext
    ) -> None:
        """
        Send another text in place of one that has not left (XEP-0308).

        @raise GoipTwistError: it has left, or what is wrong with the new one.
        """
        old, name = await self._submitted(who, written.replaces), client_id(who, written.id)
        if name and old.client_id == name:
            return  # the same correction once more
        accepted_text(text)  # an error is reported before the first text is gone
        await self._withdraw(who, old, "it was not corrected")
        to = old.correspondent
        try:
            message = await self._submit(who, name, to, text, context)
        except GoipTwistError as error:
            reason = f"the first text was withdrawn, and the new one not taken: {error}"
            raise RejectedMessage("not-acceptable", "modify", reason) from None
        submitted = SubmittedStanza(
            message_id=message.id, client_id=name, number=to.number, line=to.line, pool=to.pool
        )
        # Later corrections name the first stanza again (XEP-0308 section 3).
        await self.correlations.put_submitted(who, (written.replaces, *written.ids), submitted)

    async def retract(self, who: str, written: ChatMessage) -> None:
        """
        Take back a text that has not left (XEP-0424).

        @raise RejectedMessage: it has left.
        """
        submitted = await self._submitted(who, written.retracts)
        await self._withdraw(who, submitted, "it was not taken back")

    async def _submit(
        self, who: str, name: str, to: Correspondent, text: str, context: ReplyContext
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
                context=context.to_text(),
                subscriptions=(self._subscription(context),),
            )
        )
        return message

    async def _submitted(self, who: str, stanza_id: str) -> SubmittedStanza:
        submitted = await self.correlations.submitted(who, stanza_id)
        if submitted is None:
            raise RejectedMessage(
                "item-not-found",
                "cancel",
                f"there is no SMS of yours that this is about; {ONLY_WAITING}",
            )
        return submitted

    async def _withdraw(self, who: str, submitted: SubmittedStanza, otherwise: str) -> None:
        try:
            await self.gateway.messages.withdraw(submitted.message_id, self.origin(who))
        except Conflict as conflict:
            reason = f"{otherwise}, {conflict}"
            raise RejectedMessage("not-acceptable", "cancel", reason) from None

    def _subscription(self, context: ReplyContext) -> Subscription:
        good = (self.settings.receipt,) if context.receipt else ()
        return Subscription(f"bridge:{self.section}", (*good, *FAILURES, "delayed"))

    def _with_line(self, to: Correspondent) -> Correspondent:
        """The settings say by which line, if nothing else does."""
        number = self.gateway.directory.normalized(to.number)
        if to.line or to.pool:
            return Correspondent(number, to.line, to.pool)
        return Correspondent(number, self.settings.line, self.settings.pool)
