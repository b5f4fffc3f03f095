"""
L{Queries}: answers to IQs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import disco, stanzas
from goiptwist.bridges.xmpp.addressing import Addresses, unescape
from goiptwist.bridges.xmpp.commands import Commands
from goiptwist.bridges.xmpp.doings import of_line
from goiptwist.bridges.xmpp.notes import Notes
from goiptwist.bridges.xmpp.reading import bare_of
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.vcards import Card
from goiptwist.errors import Unacceptable
from goiptwist.interfaces import IGateway

_PROMPT = "The number:"

_Answers = Callable[["Queries", Element, Element], Awaitable[Element]]


@define(eq=False)
class Queries:
    """@ivar addresses: of a component; C{None} for an account."""

    settings: XmppSettings
    gateway: IGateway = field(repr=False)
    notes: Notes = field(repr=False)
    commands: Commands = field(repr=False)
    addresses: Addresses | None

    async def asked(self, iq: Element) -> Element | None:
        """See L{goiptwist.bridges.xmpp.interfaces.ITalk}."""
        query = iq.firstChildElement()
        if query is None:
            raise StanzaError("bad-request", "modify", "there is nothing asked")
        ours = self.addresses is None and bare_of(iq) in ("", self._own)
        if ours and query.uri == "jabber:iq:roster":
            return stanzas.result_of(iq)  # a roster push wants a yes (RFC 6121 section 2.1.6)
        answers = _ANSWERS.get((iq.getAttribute("type", ""), query.uri, query.name))
        if answers is None:
            return None
        return await answers(self, iq, query)

    @property
    def _own(self) -> str:
        return self.settings.jid.partition("/")[0].lower()

    def _address(self, iq: Element) -> str:
        """Which address of ours is asked, without its resource; empty for an account."""
        return "" if self.addresses is None else iq.getAttribute("to", "").partition("/")[0]

    def _check(self, iq: Element) -> str:
        who = bare_of(iq)
        if not self.settings.allows(who):
            raise StanzaError("forbidden", "auth", f"{who} may not ask that here")
        return who

    async def _ping(self, iq: Element, _: Element) -> Element:
        return stanzas.result_of(iq)

    async def _version(self, iq: Element, _: Element) -> Element:
        answer = stanzas.result_of(iq)
        # No number: it would only tell which holes to try.
        answer.addElement((stanzas.VERSION, "query")).addElement("name", content="goiptwist")
        return answer

    async def _info(self, iq: Element, query: Element) -> Element:
        address, node = self._address(iq), query.getAttribute("node", "")
        answer = stanzas.result_of(iq)
        told = answer.addElement((stanzas.DISCO_INFO, "query"))
        if node:
            told["node"] = node
        if self.commands.knows(node):
            self.commands.add_info(told, node)
        elif node in ("", f"{disco.NODE}#{disco.self_at(address, self.settings.mode).version}"):
            disco.add_info(told, address, self.settings.mode)
        elif node == stanzas.COMMANDS:
            identity = told.addElement("identity")
            identity["category"], identity["type"] = "automation", "command-list"
        else:
            raise StanzaError("item-not-found", "cancel", "there is no such node")
        return answer

    async def _items(self, iq: Element, query: Element) -> Element:
        address, node = self._address(iq), query.getAttribute("node", "")
        answer = stanzas.result_of(iq)
        told = answer.addElement((stanzas.DISCO_ITEMS, "query"))
        if node:
            told["node"] = node
        if node == stanzas.COMMANDS:
            self.commands.add_items(told, iq.getAttribute("to", "") or self.settings.jid)
        elif not node and self.addresses is not None and "@" not in address:
            self._check(iq)  # which lines there are is nobody else's affair
            for line in self.addresses.lines:
                _item(told, self.addresses.of_line(line), f"Line {line}")
            for pool in self.addresses.pools:
                _item(told, self.addresses.of_pool(pool), f"Pool {pool}")
        return answer

    async def _old_card(self, iq: Element, _: Element) -> Element:
        answer = stanzas.result_of(iq)
        (await self._card(iq)).add_old(answer)
        return answer

    async def _new_card(self, iq: Element, _: Element) -> Element:
        answer = stanzas.result_of(iq)
        (await self._card(iq)).add_new(answer)
        return answer

    async def _card(self, iq: Element) -> Card:
        if self.addresses is None:
            return Card(self.settings.nick)
        address = iq.getAttribute("to", "")
        if "@" not in address:
            return Card(self.settings.nick, note="SMS gateway")
        self._check(iq)
        try:
            place = self.addresses.place(address)
        except ValueError as wrong:
            raise StanzaError("item-not-found", "cancel", str(wrong)) from None
        if place.number:
            return Card(
                self.gateway.directory.display_name(place.number) or place.number, place.number
            )
        if place.line:
            [line] = [each for each in self.gateway.lines.statuses() if each.id == place.line]
            return Card(f"Line {line.id}", line.number, of_line(line).status)
        if place.pool:
            return Card(f"Pool {place.pool}")
        spelt = await self.notes.spelling(place.name) or unescape(place.name)
        return Card(self.gateway.directory.display_name(spelt) or spelt)

    async def _prompt(self, iq: Element, _: Element) -> Element:
        """XEP-0100 section 6.1: a person looks for the address of a number."""
        answer = stanzas.result_of(iq)
        query = answer.addElement((stanzas.GATEWAY, "query"))
        query.addElement("desc", content="Write to a telephone number.")
        query.addElement("prompt", content=_PROMPT)
        return answer

    async def _prompted(self, iq: Element, query: Element) -> Element:
        typed = stanzas.text_of(stanzas.child(query, "prompt", stanzas.GATEWAY)).strip()
        if self.addresses is None:
            raise StanzaError("feature-not-implemented", "cancel", "an account has no contacts")
        try:
            number = self.gateway.directory.normalized(typed)
        except Unacceptable as wrong:
            raise StanzaError("item-not-found", "cancel", str(wrong)) from None
        answer = stanzas.result_of(iq)
        found = answer.addElement((stanzas.GATEWAY, "query"))
        found.addElement("jid", content=self.addresses.of_sender(number))
        return answer

    async def _command(self, iq: Element, query: Element) -> Element:
        return await self.commands.executed(iq, query, self._check(iq))


def _item(told: Element, jid: str, name: str) -> None:
    item = told.addElement("item")
    item["jid"], item["name"] = jid, name


_ANSWERS: dict[tuple[str, str, str], _Answers] = {
    ("get", stanzas.PING, "ping"): Queries._ping,
    ("get", stanzas.VERSION, "query"): Queries._version,
    ("get", stanzas.DISCO_INFO, "query"): Queries._info,
    ("get", stanzas.DISCO_ITEMS, "query"): Queries._items,
    ("get", stanzas.VCARD_TEMP, "vCard"): Queries._old_card,
    ("get", stanzas.VCARD4, "vcard"): Queries._new_card,
    ("get", stanzas.GATEWAY, "query"): Queries._prompt,
    ("set", stanzas.GATEWAY, "query"): Queries._prompted,
    ("set", stanzas.COMMANDS, "command"): Queries._command,
}
