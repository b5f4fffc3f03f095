"""
L{BotChat}: an account like everybody's. All SMS are in one chat, and say from whom
they are.
"""

from __future__ import annotations

from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.chat.sms_stanza import SmsStanza
from goiptwist.bridges.xmpp.service import ChatService
from goiptwist.model.messages import Message


class BotChat(ChatService):
    """C{mode = "client"}."""

    def _sms_stanza(self, message: Message, thread: str) -> SmsStanza:
        return SmsStanza(
            message=message,
            name=self.gateway.directory.display_name(message.sender),
            thread=thread,
            host=self.settings.jid.partition("/")[0],
        )

    async def alternatives(self, message: Message, recipient: str, thread: str) -> list[Element]:
        """See L{ChatService}: there is one address, and so one stanza."""
        sms = self._sms_stanza(message, thread)
        return [sms.addressed_to(recipient, self.gateway.clock.seconds())]

    async def room_stanza(self, message: Message, room: str) -> Element:
        """See L{ChatService}. No thread: in a room only an explicit form sends."""
        sms = self._sms_stanza(message, "")
        return sms.addressed_to(room, self.gateway.clock.seconds(), room=True)
