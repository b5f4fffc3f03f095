"""
L{Roster}: who sees our presence (RFC 6121 sections 3 and 4), and what they see.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from attrs import define, field
from twisted.words.protocols.jabber.jid import JID
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.capabilities import add_caps
from goiptwist.bridges.xmpp.interfaces import IXmppConnection
from goiptwist.bridges.xmpp.presence.line_status import PresenceStatus
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.stanzas import bare_sender
from goiptwist.interfaces import IGateway

#: Addresses of ours that one person may watch.
WATCHED_AT_MOST = 1000

_KEY = "roster"


@define(eq=False)
class Roster:
    """
    An account's roster is its server's; a component keeps one of its own.

    @ivar shown: how an address of ours stands.
    @ivar nick_of: what it is called.
    """

    settings: XmppSettings
    connection: IXmppConnection = field(repr=False)
    gateway: IGateway = field(repr=False)
    shown: Callable[[str], PresenceStatus]
    nick_of: Callable[[str], str]
    _announced: dict[str, PresenceStatus] = field(factory=dict, init=False, repr=False)

    @property
    def _component(self) -> bool:
        return self.settings.mode == "component"

    async def presence_received(self, stanza: Element) -> None:
        """A presence from a person."""
        who, kind = bare_sender(stanza), stanza.getAttribute("type", "")
        ours = _without_resource(stanza.getAttribute("to", "")) if self._component else ""
        if not who or kind not in ("subscribe", "unsubscribe", "probe"):
            return
        if kind == "subscribe" and self.settings.allows(who):
            await self._subscribe(who, ours)
        elif kind == "probe" and self.settings.allows(who):
            self._show(stanza["from"], ours)
        else:
            self.connection.send(stanzas.presence(who, "unsubscribed", ours))
            await self._watches(who, ours, watches=False)

    async def _subscribe(self, who: str, ours: str) -> None:
        self.connection.send(stanzas.presence(who, "subscribed", ours))
        fresh = await self._watches(who, ours, watches=True)
        if fresh:  # some programs show our name only if it goes both ways
            asks = stanzas.presence(who, "subscribe", ours)
            nick = asks.addElement((stanzas.NICK, "nick"), content=self.nick_of(ours))
            assert nick is not None
            self.connection.send(asks)
        self._show(who, ours)

    async def _watches(self, who: str, ours: str, *, watches: bool) -> bool:
        """@return: whether that is new."""
        if not self._component:
            return watches
        roster = await self._watched()
        watched = roster.get(who, [])
        if (ours in watched) is watches or (watches and len(watched) >= WATCHED_AT_MOST):
            return False
        roster[who] = [*watched, ours] if watches else [each for each in watched if each != ours]
        await self._put_watched({one: each for one, each in roster.items() if each})
        return True

    async def announce(self, *, only_changes: bool = False) -> None:
        """Show everybody how we stand."""
        if not self._component:
            if not only_changes or self._announced.get("") != self.shown(""):
                self._show("", "")
            return
        roster = await self._watched()
        if roster and not only_changes:  # what is noted down long ago is forgotten
            await self._put_watched(roster)
        for ours in dict.fromkeys(each for watched in roster.values() for each in watched):
            now = self.shown(ours)
            if only_changes and self._announced.get(ours, now) == now:
                continue
            for who in self._watchers(roster, ours):
                self._show(who, ours)

    async def _watched(self) -> dict[str, list[str]]:
        """Who has subscribed, and to which of our addresses."""
        text = await self.gateway.memory.get(_KEY)
        return dict(json.loads(text)) if text else {}

    async def _put_watched(self, roster: dict[str, list[str]]) -> None:
        await self.gateway.memory.put(_KEY, json.dumps(roster, ensure_ascii=False))

    def _watchers(self, roster: dict[str, list[str]], ours: str) -> Iterator[str]:
        return (w for w, watched in roster.items() if ours in watched and self.settings.allows(w))

    def _show(self, who: str, ours: str) -> None:
        shown = self._announced[ours] = self.shown(ours)
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
        self.connection.send(stanza)


def _without_resource(address: str) -> str:
    return str(JID(address).userhost())
