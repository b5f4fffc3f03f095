"""
L{Post}: hands SMS over, and knows when one is sent back.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field, frozen
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.interfaces import ILink
from goiptwist.bridges.xmpp.reading import bare_of
from goiptwist.errors import Refused, TryLater


@frozen
class Bounce:
    """
    Why a stanza came back.

    @ivar lasting: it is no use to try again.
    """

    words: str
    lasting: bool


@define(eq=False)
class Post:
    """
    Messages on their way to people.

    An error that comes before the server says that it has taken the stanza
    decides about the delivery; one that comes later is told to C{heard}'s
    caller.
    """

    link: ILink = field(repr=False)
    _under_way: dict[tuple[str, str], Bounce | None] = field(factory=dict, repr=False)

    async def hand_over(self, ways: Iterable[Element]) -> None:
        """
        @param ways: the same message from one address of ours after another:
            some servers drop what comes from strangers.
        @raise Refused: it came back on each of them.
        @raise TryLater: not now.
        """
        bounce: Bounce | None = None
        for stanza in ways:
            bounce = await self._try(stanza)
            if bounce is None:
                return
            if not bounce.lasting:
                raise TryLater(bounce.words)
        if bounce is not None:
            raise Refused(bounce.words)

    async def _try(self, stanza: Element) -> Bounce | None:
        key = (stanza["id"], stanza["to"].lower())
        self._under_way[key] = None
        try:
            await self.link.hand_over(stanza)
            return self._under_way[key]
        finally:
            self._under_way.pop(key, None)

    def came_back(self, stanza: Element) -> bool:
        """@return: whether it is of a message that is still on its way."""
        key = (stanza.getAttribute("id", ""), bare_of(stanza).lower())
        if key not in self._under_way:
            return False
        self._under_way[key] = bounce_of(stanza)
        return True


def bounce_of(stanza: Element) -> Bounce:
    """What an error stanza says (RFC 6120 section 8.3)."""
    error = stanzas.child(stanza, "error")
    if error is None:
        return Bounce(f"{bare_of(stanza)} answers with an error that says nothing", lasting=True)
    conditions = [e.name for e in error.elements() if e.uri == stanzas.STANZAS and e.name != "text"]
    condition = conditions[0] if conditions else "undefined-condition"
    text = stanzas.one_line(stanzas.text_of(stanzas.child(error, "text", stanzas.STANZAS)))[:200]
    words = (
        f"{bare_of(stanza)} cannot be reached by chat: {condition}{f' ({text})' if text else ''}"
    )
    return Bounce(words, lasting=error.getAttribute("type") != "wait")
