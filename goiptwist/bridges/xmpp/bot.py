"""
L{Bot}: an account like everybody's. All SMS are in one chat, and say from whom
they are.
"""

from __future__ import annotations

from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.letters import Letter
from goiptwist.bridges.xmpp.talk import Talk
from goiptwist.model.messages import Message


class Bot(Talk):
    """C{mode = "client"}."""

    def _letter(self, message: Message, thread: str) -> Letter:
        return Letter(
            message=message,
            name=self.gateway.directory.display_name(message.sender),
            thread=thread,
            host=self.settings.jid.partition("/")[0],
        )

    async def ways(self, message: Message, to: str, thread: str) -> list[Element]:
        """See L{Talk}: there is one address, and so one way."""
        return [self._letter(message, thread).to(to, self.gateway.clock.seconds())]

    async def to_room(self, message: Message, to: str, thread: str) -> Element:
        """See L{Talk}. No thread: in a room only an explicit form sends."""
        return self._letter(message, "").to(to, self.gateway.clock.seconds(), room=True)
