"""
Answers each connection of one port, or turns it away.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory

from goiptwist.bridges.mail.intake.connection_limiter import source_of, unmapped
from goiptwist.bridges.mail.intake.server_context import ServerContext
from goiptwist.bridges.mail.intake.session import SmtpSession
from goiptwist.net.draining import Connections


class RejectedConnection(Protocol):
    """One word, and goodbye."""

    transport: Any

    def connectionMade(self) -> None:
        """Called by Twisted when somebody has connected."""
        self.transport.write(b"421 4.7.0 Too many connections; come again later\r\n")
        self.transport.loseConnection()


class SmtpFactory(ServerFactory):
    """
    All connections of one port.

    @ivar open: the conversations under way.
    """

    noisy = False  # the service says where it listens

    def __init__(
        self, house: ServerContext, conversation: type[SmtpSession], *, implicit: bool = False
    ) -> None:
        """
        @param conversation: the class for the language that is spoken here.
        @param implicit: whether TLS begins before the first word.
        """
        self.house, self.conversation, self.implicit = house, conversation, implicit
        self.open: Connections[SmtpSession] = Connections(house.clock)

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Called by Twisted for each connection."""
        house, peer = self.house, unmapped(str(getattr(addr, "host", "")))
        crowd = house.friends if house.trusts(peer) else house.strangers
        source = source_of(peer)
        if not crowd.admit(source):
            house.complaints.about("mail_crowded", peer, "one connection too many for mail")
            # A word would cost a handshake where TLS comes first.
            return None if self.implicit else RejectedConnection()
        house.counts["connections"] += 1

        def left(conversation: SmtpSession) -> None:
            crowd.left(source)
            self.open.went(conversation)

        conversation = self.conversation(house, peer, left, implicit=self.implicit)
        self.open.came(conversation)
        return conversation

    def close(self) -> Deferred[None]:
        """
        Part with everybody.

        @return: fires when nobody is left.
        """
        return self.open.part()
