"""
What lies between the connection to a server and what is sent over it.

The connection (L{IXmppConnection}) knows servers, logins and acknowledgements; the
chat service (L{IStanzaReceiver}) knows SMS, addresses and stanzas.
"""

from __future__ import annotations

from twisted.words.xish.domish import Element
from zope.interface import Attribute, Interface


class IXmppConnection(Interface):
    """
    The way to a server; it comes back by itself whenever it is lost.

    A stanza of ours is an element without a namespace, C{(None, "message")}:
    the stream has one for accounts and another for components. Characters that
    XML forbids are left out of it.
    """

    jid: str = Attribute(
        "Who we are: the bound full JID of an account, or the domain of a component; "
        "empty as long as we are not logged in for the first time."
    )
    outage: str = Attribute("Why we are not connected, in words for a person; empty if we are.")

    async def send_confirmed(stanza: Element) -> None:
        """
        Send a stanza, and wait until the server has it (XEP-0198, or the
        barrier of a component).

        @param stanza: with an C{id}; it is not sent again by the connection.
        @raise Away: we are not connected.
        @raise TryLater: the connection was lost before the server said so; it may
            have the stanza. The same stanza may come again; if the
            server says later that it had it, that is done at once.
        @raise Refused: it is larger than what servers take.
        """

    def send(stanza: Element) -> None:
        """Send something that nobody misses, such as presence; dropped if not connected."""

    async def request(iq: Element, timeout: float = 30.0) -> Element:
        """
        Ask by an IQ.

        @param iq: of type get or set; gets an id if it has none.
        @param timeout: seconds.
        @return: the result.
        @raise Away: we are not connected.
        @raise TryLater: no answer came in time, or the connection was lost.
        @raise Refused: the answer is an error; says its condition and text.
        """


class IStanzaReceiver(Interface):
    """Takes what comes from the server."""

    async def connected(connection: IXmppConnection) -> None:
        """
        We are logged in, for the first time or again, and nothing of the old
        stream goes on: announce presence, join rooms.
        """

    async def stanza_received(stanza: Element) -> None:
        """
        A message or presence came; one after the other, in their order. The
        server is told that we have it (XEP-0198) once this is done; if it raises,
        the connection logs that and goes on. It may come again if the connection is
        lost before that.
        """

    async def iq_received(iq: Element) -> Element | None:
        """
        An IQ of type get or set came; others may come before this is done.

        @return: the result; C{None} answers service-unavailable.
        @raise StanzaError: twisted.words' own; becomes the error stanza.
        """
