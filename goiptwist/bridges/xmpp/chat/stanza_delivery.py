"""
L{StanzaDelivery}: delivers SMS to people, and knows when one is sent back.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field, frozen
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.interfaces import IXmppConnection
from goiptwist.bridges.xmpp.stanzas import bare_sender
from goiptwist.errors import Refused, TryLater


@frozen
class BouncedStanza:
    """
    Why a stanza came back.

    @ivar permanent: it is no use to try again.
    """

    reason: str
    permanent: bool


@define(eq=False)
class StanzaDelivery:
    """
    Messages on their way to people.

    An error stanza that comes before the server has confirmed the message
    decides about the delivery; one that comes later is left to the caller of
    L{bounced}.
    """

    connection: IXmppConnection = field(repr=False)
    _under_way: dict[tuple[str, str], BouncedStanza | None] = field(factory=dict, repr=False)

    async def deliver(self, alternatives: Iterable[Element]) -> None:
        """
        @param alternatives: the same message from one address of ours after
            another: some servers drop what comes from strangers.
        @raise Refused: each of them came back.
        @raise TryLater: not now.
        """
        bounce: BouncedStanza | None = None
        for stanza in alternatives:
            bounce = await self._try(stanza)
            if bounce is None:
                return
            if not bounce.permanent:
                raise TryLater(bounce.reason)
        if bounce is not None:
            raise Refused(bounce.reason)

    async def _try(self, stanza: Element) -> BouncedStanza | None:
        key = (stanza["id"], stanza["to"].lower())
        self._under_way[key] = None
        try:
            await self.connection.send_confirmed(stanza)
            return self._under_way[key]
        finally:
            self._under_way.pop(key, None)

    def bounced(self, stanza: Element) -> bool:
        """@return: whether an error is of a message that is still on its way."""
        key = (stanza.getAttribute("id", ""), bare_sender(stanza).lower())
        if key not in self._under_way:
            return False
        self._under_way[key] = parse_bounce(stanza)
        return True


def parse_bounce(stanza: Element) -> BouncedStanza:
    """What an error stanza says (RFC 6120 section 8.3)."""
    error, who = stanzas.child(stanza, "error"), bare_sender(stanza)
    if error is None:
        return BouncedStanza(f"{who} answers with an error that says nothing", permanent=True)
    conditions = [e.name for e in error.elements() if e.uri == stanzas.STANZAS and e.name != "text"]
    condition = conditions[0] if conditions else "undefined-condition"
    text = stanzas.one_line(stanzas.text_of(stanzas.child(error, "text", stanzas.STANZAS)))[:200]
    reason = f"{who} cannot be reached by chat: {condition}{f' ({text})' if text else ''}"
    return BouncedStanza(reason, permanent=error.getAttribute("type") != "wait")
