"""
What became of an SMS, as the stanzas that tell its writer.
"""

from __future__ import annotations

from attrs import define, field
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.chat.error_replies import failure_reply
from goiptwist.bridges.xmpp.chat.reply_context import ReplyContext
from goiptwist.model.notifications import Notification

#: Seconds after which the writer may have gone away. An error stanza is dropped
#: by the server then (RFC 6121 section 8.5); a message is kept.
WRITER_AWAY_AFTER = 60.0


@define(eq=False)
class StatusStanzas:
    """
    @ivar context: who asked for the SMS, and how.
    @ivar own_origin: how the origins of this bridge begin; a writer who
        withdraws his own SMS knows that already.
    """

    notification: Notification
    context: ReplyContext = field(repr=False)
    own_origin: str

    def elements(self) -> list[Element]:
        """@return: the stanzas; none where there is nothing to tell."""
        notification, context = self.notification, self.context
        withdrawn = f"withdrawn by {self.own_origin}"
        if notification.status == "cancelled" and withdrawn in notification.message.reason:
            return []
        failure = failure_reply(notification)
        if context.room:
            text = failure.text if failure else self._delay_text()
            return [self._message(f"{context.nick}: {text}", "groupchat")] if text else []
        if failure is not None:
            error = stanzas.message(context.to, "error", id=context.id, from_=context.ours)
            stanzas.add_error(error, failure.condition, failure.kind, failure.text)
            late = notification.at - notification.message.at > WRITER_AWAY_AFTER
            return [error, self._message(failure.text, "chat")] if late else [error]
        if notification.status == "delayed":
            return [self._message(self._delay_text(), "chat")]
        return [self._receipt()] if context.receipt else []

    def _receipt(self) -> Element:
        receipt = self._empty("chat")
        receipt.addElement((stanzas.RECEIPTS, "received"))["id"] = self.context.id
        # Without a body it is only kept for a phone that is off if we say so.
        receipt.addElement((stanzas.HINTS, "store"))
        return receipt

    def _delay_text(self) -> str:
        if self.notification.status != "delayed":
            return ""
        reason = f": {self.notification.reason}" if self.notification.reason else ""
        return f"the SMS still waits for a line{reason}"

    def _message(self, text: str, kind: str) -> Element:
        stanza = self._empty(kind)
        stanza.addElement("body", content=stanzas.clean(text))
        if kind == "chat" and self.context.id:
            reply = stanza.addElement((stanzas.REPLY, "reply"))
            reply["id"], reply["to"] = self.context.id, self.context.to
        return stanza

    def _empty(self, kind: str) -> Element:
        name = f"status-{self.notification.id}"
        return stanzas.message(self.context.to, kind, id=name, from_=self.context.ours)
