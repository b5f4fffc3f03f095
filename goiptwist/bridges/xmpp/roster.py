"""
L{Roster}: who sees our presence (RFC 6121 sections 3 and 4), and what they see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, field
from twisted.words.protocols.jabber.jid import JID
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.disco import add_caps
from goiptwist.bridges.xmpp.doings import Shown
from goiptwist.bridges.xmpp.interfaces import ILink
from goiptwist.bridges.xmpp.notes import Notes
from goiptwist.bridges.xmpp.reading import bare_of
from goiptwist.bridges.xmpp.settings import XmppSettings

#: Addresses of ours that one person may watch.
WATCHED_AT_MOST = 1000


@define(eq=False)
class Roster:
    """
    An account's roster is its server's; a component keeps one of its own.

    @ivar shown: how an address of ours stands.
    @ivar nick_of: what it is called.
    """

    settings: XmppSettings
    link: ILink = field(repr=False)
    notes: Notes = field(repr=False)
    shown: Callable[[str], Shown]
    nick_of: Callable[[str], str]
    _told: dict[str, Shown] = field(factory=dict, init=False, repr=False)

    @property
    def _component(self) -> bool:
        return self.settings.mode == "component"

    async def heard(self, stanza: Element) -> None:
        """A presence from a person."""
        who, kind = bare_of(stanza), stanza.getAttribute("type", "")
        ours = _without_resource(stanza.getAttribute("to", "")) if self._component else ""
        if not who or kind not in ("subscribe", "unsubscribe", "probe"):
            return
        if kind == "subscribe" and self.settings.allows(who):
            await self._welcome(who, ours)
        elif kind == "probe" and self.settings.allows(who):
            self._show(stanza["from"], ours)
        else:
            self.link.send(stanzas.presence(who, "unsubscribed", ours))
            await self._watches(who, ours, watches=False)

    async def _welcome(self, who: str, ours: str) -> None:
        self.link.send(stanzas.presence(who, "subscribed", ours))
        fresh = await self._watches(who, ours, watches=True)
        if fresh:  # some programs show our name only if it goes both ways
            asks = stanzas.presence(who, "subscribe", ours)
            nick = asks.addElement((stanzas.NICK, "nick"), content=self.nick_of(ours))
            assert nick is not None
            self.link.send(asks)
        self._show(who, ours)

    async def _watches(self, who: str, ours: str, *, watches: bool) -> bool:
        """@return: whether that is new."""
        if not self._component:
            return watches
        roster = await self.notes.roster()
        watched = roster.get(who, [])
        if (ours in watched) is watches or (watches and len(watched) >= WATCHED_AT_MOST):
            return False
        roster[who] = [*watched, ours] if watches else [each for each in watched if each != ours]
        await self.notes.keep_roster({one: each for one, each in roster.items() if each})
        return True

    async def announce(self, *, only_changes: bool = False) -> None:
        """Show everybody how we stand."""
        if not self._component:
            if not only_changes or self._told.get("") != self.shown(""):
                self._show("", "")
            return
        roster = await self.notes.roster()
        if roster and not only_changes:  # what is noted down long ago is forgotten
            await self.notes.keep_roster(roster)
        for ours in dict.fromkeys(each for watched in roster.values() for each in watched):
            now = self.shown(ours)
            if only_changes and self._told.get(ours, now) == now:
                continue
            for who in self._watchers(roster, ours):
                self._show(who, ours)

    def _watchers(self, roster: dict[str, list[str]], ours: str) -> Iterator[str]:
        return (w for w, watched in roster.items() if ours in watched and self.settings.allows(w))

    def _show(self, who: str, ours: str) -> None:
        shown = self._told[ours] = self.shown(ours)
        place = f"{ours}/goiptwist" if ours else ""
        stanza = stanzas.presence(who, "" if shown.available else "unavailable", place)
        if shown.show:
            stanza.addElement("show", content=shown.show)
        if shown.status:
            stanza.addElement("status", content=stanzas.clean(shown.status))
        if shown.available:
            add_caps(stanza, ours, self.settings.mode)
            if ours:
                stanza.addElement((stanzas.NICK, "nick"), content=self.nick_of(ours))
        self.link.send(stanza)


def _without_resource(address: str) -> str:
    return str(JID(address).userhost())
