"""
L{ComponentChat}: a domain of our own, on which each number is a contact.
"""

from __future__ import annotations

from twisted.words.protocols.jabber.jid import JID, InvalidFormat
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.addressing import (
    ComponentAddress,
    ComponentAddresses,
    bare,
    unescape,
)
from goiptwist.bridges.xmpp.chat.sms_stanza import SmsStanza
from goiptwist.bridges.xmpp.presence.line_status import (
    PresenceStatus,
    line_presence,
    overall_presence,
)
from goiptwist.bridges.xmpp.service import ChatService
from goiptwist.bridges.xmpp.stanzas import bare_sender
from goiptwist.model.messages import Message


class ComponentChat(ChatService):
    """C{mode = "component"}."""

    @property
    def in_rooms(self) -> str:  # type: ignore[override]
        """See L{ChatService}."""
        return f"{self.settings.jid}/goiptwist"

    def addresses(self) -> ComponentAddresses:
        """See L{ChatService}: as the lines are now."""
        lines = self.gateway.lines.statuses()
        pools = tuple(sorted({line.pool for line in lines}))
        ids = tuple(line.id for line in lines)
        return ComponentAddresses(self.settings.jid.lower(), ids, pools)

    async def alternatives(self, message: Message, recipient: str, thread: str) -> list[Element]:
        """See L{ChatService}: from the correspondent's own address, its line's, and ours."""
        now, addresses = self.gateway.clock.seconds(), self.addresses()
        ours = addresses.of_sender(message.sender)
        await self.correlations.put_spelling(ours.rpartition("@")[0], message.sender)
        if message.line:
            await self.correlations.put_last_line(bare(recipient), message.sender, message.line)
        senders = [_with_line(ours, message.line)]
        senders += [addresses.of_line(message.line)] if message.line else []
        senders.append(addresses.domain)
        sms = [
            self._sms_stanza(message, thread, sender, headed=number > 0)
            for number, sender in enumerate(senders)
        ]
        return [each.addressed_to(recipient, now) for each in sms]

    async def room_stanza(self, message: Message, room: str) -> Element:
        """See L{ChatService}."""
        sms = self._sms_stanza(message, "", self.in_rooms, headed=True)
        return sms.addressed_to(room, self.gateway.clock.seconds(), room=True)

    def _sms_stanza(self, message: Message, thread: str, ours: str, *, headed: bool) -> SmsStanza:
        return SmsStanza(
            message=message,
            name=self.gateway.directory.display_name(message.sender),
            thread=thread,
            ours=ours,
            host=self.settings.jid,
            headed=headed,
        )

    async def stanza_received(self, stanza: Element) -> None:
        """See L{ChatService}. What is written to an unknown address is answered here."""
        kind = stanza.getAttribute("type", "")
        if stanza.name == "message" and kind not in ("error", "groupchat"):
            try:
                self.address_of(stanza)
            except ValueError as error:
                if self.settings.allows(bare_sender(stanza)):
                    reply = stanzas.error_to(stanza, "item-not-found", "cancel", str(error))
                    self.connection.send(reply)
                return
        await super().stanza_received(stanza)

    def address_of(self, stanza: Element) -> ComponentAddress:
        """See L{ChatService}."""
        return self.addresses().parse(stanza.getAttribute("to", ""))

    def shown(self, ours: str) -> PresenceStatus:
        """See L{ChatService}."""
        if not self.settings.show_lines:
            return PresenceStatus(True, "", "")
        lines = self.gateway.lines.statuses()
        try:
            address = self.addresses().parse(ours)
        except ValueError:
            return PresenceStatus(False, "", "")
        if address.line:
            return next(line_presence(line) for line in lines if line.id == address.line)
        if address.pool:
            return overall_presence([line for line in lines if line.pool == address.pool])
        # A number is there as long as it can be written to.
        return (
            overall_presence(lines)
            if not (address.number or address.name)
            else PresenceStatus(True, "", "")
        )

    def nick_of(self, ours: str) -> str:
        """See L{ChatService}."""
        try:
            address = self.addresses().parse(ours)
        except ValueError:
            return self.settings.nick
        if address.line or address.pool:
            return f"Line {address.line}" if address.line else f"Pool {address.pool}"
        sender = address.number or unescape(address.name)
        return self.gateway.directory.display_name(sender) or sender or self.settings.nick


def _with_line(address: str, line: str) -> str:
    """The line as the resource, if it may be one: an answer then goes back by it."""
    try:
        fits = bool(line) and JID(f"{address}/{line}").resource == line
    except (InvalidFormat, UnicodeError, RuntimeError, IndexError):
        fits = False
    return f"{address}/{line}" if fits else address
