"""
L{Component}: a domain of our own, on which each number is a contact.
"""

from __future__ import annotations

from twisted.words.protocols.jabber.jid import JID, InvalidFormat
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.addressing import Addresses, Place, bare, unescape
from goiptwist.bridges.xmpp.doings import Shown, of_all, of_line
from goiptwist.bridges.xmpp.letters import Letter
from goiptwist.bridges.xmpp.reading import bare_of
from goiptwist.bridges.xmpp.talk import Talk
from goiptwist.model.messages import Message


class Component(Talk):
    """C{mode = "component"}."""

    @property
    def in_rooms(self) -> str:  # type: ignore[override]
        """See L{Talk}."""
        return f"{self.settings.jid}/goiptwist"

    @property
    def addresses(self) -> Addresses:
        """See L{Talk}: as the lines are now."""
        lines = self.gateway.lines.statuses()
        pools = tuple(sorted({line.pool for line in lines}))
        return Addresses(self.settings.jid.lower(), tuple(line.id for line in lines), pools)

    async def ways(self, message: Message, to: str, thread: str) -> list[Element]:
        """See L{Talk}: the correspondent's own address, its line's, and ours."""
        now, addresses = self.gateway.clock.seconds(), self.addresses
        ours = addresses.of_sender(message.sender)
        await self.notes.is_spelt(ours.rpartition("@")[0], message.sender)
        if message.line:
            await self.notes.comes_by(bare(to), message.sender, message.line)
        places = [_with_line(ours, message.line)]
        places += [addresses.of_line(message.line)] if message.line else []
        places.append(addresses.domain)
        letters = [
            self._letter(message, thread, place, headed=number > 0)
            for number, place in enumerate(places)
        ]
        return [letter.to(to, now) for letter in letters]

    async def to_room(self, message: Message, to: str, thread: str) -> Element:
        """See L{Talk}."""
        letter = self._letter(message, "", self.in_rooms, headed=True)
        return letter.to(to, self.gateway.clock.seconds(), room=True)

    def _letter(self, message: Message, thread: str, ours: str, *, headed: bool) -> Letter:
        return Letter(
            message=message,
            name=self.gateway.directory.display_name(message.sender),
            thread=thread,
            ours=ours,
            host=self.settings.jid,
            headed=headed,
        )

    async def heard(self, stanza: Element) -> None:
        """See L{Talk}. What is written to an address that there is not is answered here."""
        if stanza.name == "message" and stanza.getAttribute("type", "") not in (
            "error",
            "groupchat",
        ):
            try:
                self.addresses.place(stanza.getAttribute("to", ""))
            except ValueError as wrong:
                if self.settings.allows(bare_of(stanza)):
                    self.link.send(stanzas.error_to(stanza, "item-not-found", "cancel", str(wrong)))
                return
        await super().heard(stanza)

    def place(self, stanza: Element) -> Place:
        """See L{Talk}."""
        return self.addresses.place(stanza.getAttribute("to", ""))

    def shown(self, ours: str) -> Shown:
        """See L{Talk}."""
        if not self.settings.show_lines:
            return Shown(True, "", "")
        lines = self.gateway.lines.statuses()
        try:
            place = self.addresses.place(ours)
        except ValueError:
            return Shown(False, "", "")
        if place.line:
            return next(of_line(line) for line in lines if line.id == place.line)
        if place.pool:
            return of_all([line for line in lines if line.pool == place.pool])
        # A number is there as long as it can be written to.
        return of_all(lines) if not (place.number or place.name) else Shown(True, "", "")

    def nick_of(self, ours: str) -> str:
        """See L{Talk}."""
        try:
            place = self.addresses.place(ours)
        except ValueError:
            return self.settings.nick
        if place.line or place.pool:
            return f"Line {place.line}" if place.line else f"Pool {place.pool}"
        sender = place.number or unescape(place.name)
        return self.gateway.directory.display_name(sender) or sender or self.settings.nick


def _with_line(address: str, line: str) -> str:
    """The line as the resource, if it may be one: an answer then goes back by it."""
    try:
        fits = bool(line) and JID(f"{address}/{line}").resource == line
    except (InvalidFormat, UnicodeError, RuntimeError, IndexError):
        fits = False
    return f"{address}/{line}" if fits else address
