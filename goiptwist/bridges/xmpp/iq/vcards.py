"""
Business cards of our contacts: vcard-temp (XEP-0054) and vCard4 (XEP-0292).
"""

from __future__ import annotations

from attrs import field, frozen
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas


@frozen
class ContactCard:
    """
    @ivar name: as a person reads it.
    @ivar number: to be called; or empty.
    @ivar note: what else there is to say.
    """

    name: str = field(repr=False)
    number: str = field(default="", repr=False)
    note: str = ""

    def add_old(self, answer: Element) -> None:
        """XEP-0054 section 3."""
        card = answer.addElement((stanzas.VCARD_TEMP, "vCard"))
        card.addElement("FN", content=stanzas.one_line(self.name))
        card.addElement("NICKNAME", content=stanzas.one_line(self.name))
        if self.number:
            phone = card.addElement("TEL")
            phone.addElement("CELL")
            phone.addElement("NUMBER", content=self.number)
        if self.note:
            card.addElement("DESC", content=stanzas.clean(self.note))

    def add_new(self, answer: Element) -> None:
        """RFC 6351, as XEP-0292 section 3 asks for it."""
        card = answer.addElement((stanzas.VCARD4, "vcard"))
        card.addElement("fn").addElement("text", content=stanzas.one_line(self.name))
        if self.number:
            card.addElement("tel").addElement("uri", content=f"tel:{self.number}")
        if self.note:
            card.addElement("note").addElement("text", content=stanzas.clean(self.note))
