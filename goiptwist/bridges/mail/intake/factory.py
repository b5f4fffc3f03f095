"""
Accepts each connection of one port, or rejects it.
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
    """One reply, and the connection is closed."""

    transport: Any

    def connectionMade(self) -> None:
        """Called by Twisted when somebody has connected."""
        self.transport.write(b"421 4.7.0 Too many connections; come again later\r\n")
        self.transport.loseConnection()


class SmtpFactory(ServerFactory):
    """
    All connections of one port.

    @ivar open: the sessions under way.
    """

    noisy = False  # the service says where it listens

    def __init__(
        self, context: ServerContext, session: type[SmtpSession], *, implicit: bool = False
    ) -> None:
        """
        @param session: the class for the protocol that is spoken here.
        @param implicit: whether TLS begins before the first reply.
        """
        self.context, self.session, self.implicit = context, session, implicit
        self.open: Connections[SmtpSession] = Connections(context.clock)

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Called by Twisted for each connection."""
        context, peer = self.context, unmapped(str(getattr(addr, "host", "")))
        limiter = context.trusted_connections if context.trusts(peer) else context.other_connections
        source = source_of(peer)
        if not limiter.acquire(source):
            context.rejections.about("mail_crowded", peer, "one connection too many for mail")
            # A reply would cost a handshake where TLS comes first.
            return None if self.implicit else RejectedConnection()
        context.counts["connections"] += 1

        def left(session: SmtpSession) -> None:
            limiter.release(source)
            self.open.went(session)

        session = self.session(context, peer, left, implicit=self.implicit)
        self.open.came(session)
        return session

    def close(self) -> Deferred[None]:
        """
        Part with everybody.

        @return: fires when nobody is left.
        """
        return self.open.part()
