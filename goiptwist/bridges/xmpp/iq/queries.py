"""
L{IqQueries}: answers to IQs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import capabilities, stanzas
from goiptwist.bridges.xmpp.addressing import ComponentAddresses, unescape
from goiptwist.bridges.xmpp.chat.correlations import Correlations
from goiptwist.bridges.xmpp.iq.commands import AdHocCommands
from goiptwist.bridges.xmpp.iq.vcards import ContactCard
from goiptwist.bridges.xmpp.presence.line_status import line_presence
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.stanzas import bare_sender
from goiptwist.errors import Unacceptable
from goiptwist.interfaces import IGateway

_PROMPT = "The number:"

_Answers = Callable[["IqQueries", Element, Element], Awaitable[Element]]


@define(eq=False)
class IqQueries:
    """@ivar find_addresses: of a component, as its lines are now; C{None} for an account."""

    settings: XmppSettings
    gateway: IGateway = field(repr=False)
    correlations: Correlations = field(repr=False)
    commands: AdHocCommands = field(repr=False)
    find_addresses: Callable[[], ComponentAddresses | None]

    async def iq_received(self, iq: Element) -> Element | None:
        """See L{goiptwist.bridges.xmpp.interfaces.IStanzaReceiver}."""
        query = iq.firstChildElement()
        if query is None:
            raise StanzaError("bad-request", "modify", "there is nothing asked")
        ours = self.addresses is None and bare_sender(iq) in ("", self._own)
        if ours and query.uri == "jabber:iq:roster":
            return stanzas.result_of(iq)  # a roster push wants a yes (RFC 6121 section 2.1.6)
        answers = _ANSWERS.get((iq.getAttribute("type", ""), query.uri, query.name))
        if answers is None:
            return None
        return await answers(self, iq, query)

    @property
    def addresses(self) -> ComponentAddresses | None:
        """Our addresses; an account has only one."""
        return self.find_addresses()

    @property
    def _own(self) -> str:
        return self.settings.jid.partition("/")[0].lower()

    def _address(self, iq: Element) -> str:
        """Which address of ours is asked, without its resource; empty for an account."""
        return "" if self.addresses is None else iq.getAttribute("to", "").partition("/")[0]

    def _check(self, iq: Element) -> str:
        who = bare_sender(iq)
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
        result = answer.addElement((stanzas.DISCO_INFO, "query"))
        if node:
            result["node"] = node
        if self.commands.knows(node):
            self.commands.add_info(result, node)
        elif node in ("", capabilities.node_of(address, self.settings.mode)):
            capabilities.add_info(result, address, self.settings.mode)
        elif node == stanzas.COMMANDS:
            identity = result.addElement("identity")
            identity["category"], identity["type"] = "automation", "command-list"
        else:
            raise StanzaError("item-not-found", "cancel", "there is no such node")
        return answer

    async def _items(self, iq: Element, query: Element) -> Element:
        addresses = self.addresses
        address, node = self._address(iq), query.getAttribute("node", "")
        answer = stanzas.result_of(iq)
        result = answer.addElement((stanzas.DISCO_ITEMS, "query"))
        if node:
            result["node"] = node
        if node == stanzas.COMMANDS:
            self.commands.add_items(result, iq.getAttribute("to", "") or self.settings.jid)
        elif not node and addresses is not None and "@" not in address:
            self._check(iq)  # which lines there are is nobody else's affair
            for line in addresses.lines:
                _item(result, addresses.of_line(line), f"Line {line}")
            for pool in addresses.pools:
                _item(result, addresses.of_pool(pool), f"Pool {pool}")
        return answer

    async def _old_card(self, iq: Element, _: Element) -> Element:
        answer = stanzas.result_of(iq)
        (await self._card(iq)).add_old(answer)
        return answer

    async def _new_card(self, iq: Element, _: Element) -> Element:
        answer = stanzas.result_of(iq)
        (await self._card(iq)).add_new(answer)
        return answer

    async def _card(self, iq: Element) -> ContactCard:
        addresses = self.addresses
        if addresses is None:
            return ContactCard(self.settings.nick)
        address = iq.getAttribute("to", "")
        if "@" not in address:
            return ContactCard(self.settings.nick, note="SMS gateway")
        self._check(iq)
        try:
            found = addresses.parse(address)
        except ValueError as error:
            raise StanzaError("item-not-found", "cancel", str(error)) from None
        if found.number:
            name = self.gateway.directory.display_name(found.number) or found.number
            return ContactCard(name, found.number)
        if found.line:
            [line] = [each for each in self.gateway.lines.statuses() if each.id == found.line]
            return ContactCard(f"Line {line.id}", line.number, line_presence(line).status)
        if found.pool:
            return ContactCard(f"Pool {found.pool}")
        spelt = await self.correlations.spelling(found.name) or unescape(found.name)
        return ContactCard(self.gateway.directory.display_name(spelt) or spelt)

    async def _prompt(self, iq: Element, _: Element) -> Element:
        """XEP-0100 section 6.1: a person looks for the address of a number."""
        answer = stanzas.result_of(iq)
        query = answer.addElement((stanzas.GATEWAY, "query"))
        query.addElement("desc", content="Write to a telephone number.")
        query.addElement("prompt", content=_PROMPT)
        return answer

    async def _prompted(self, iq: Element, query: Element) -> Element:
        typed = stanzas.text_of(stanzas.child(query, "prompt", stanzas.GATEWAY)).strip()
        addresses = self.addresses
        if addresses is None:
            raise StanzaError("feature-not-implemented", "cancel", "an account has no contacts")
        try:
            number = self.gateway.directory.normalized(typed)
        except Unacceptable as error:
            raise StanzaError("item-not-found", "cancel", str(error)) from None
        answer = stanzas.result_of(iq)
        found = answer.addElement((stanzas.GATEWAY, "query"))
        found.addElement("jid", content=addresses.of_sender(number))
        return answer

    async def _command(self, iq: Element, query: Element) -> Element:
        return await self.commands.execute(iq, query, self._check(iq))


def _item(result: Element, jid: str, name: str) -> None:
    item = result.addElement("item")
    item["jid"], item["name"] = jid, name


_ANSWERS: dict[tuple[str, str, str], _Answers] = {
    ("get", stanzas.PING, "ping"): IqQueries._ping,
    ("get", stanzas.VERSION, "query"): IqQueries._version,
    ("get", stanzas.DISCO_INFO, "query"): IqQueries._info,
    ("get", stanzas.DISCO_ITEMS, "query"): IqQueries._items,
    ("get", stanzas.VCARD_TEMP, "vCard"): IqQueries._old_card,
    ("get", stanzas.VCARD4, "vcard"): IqQueries._new_card,
    ("get", stanzas.GATEWAY, "query"): IqQueries._prompt,
    ("set", stanzas.GATEWAY, "query"): IqQueries._prompted,
    ("set", stanzas.COMMANDS, "command"): IqQueries._command,
}
