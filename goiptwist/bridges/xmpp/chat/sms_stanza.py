"""
An incoming SMS as the stanza that carries it.
"""

from __future__ import annotations

from attrs import field, frozen
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.chat.correlations import SMS
from goiptwist.model.messages import Message

#: Seconds after which the stanza says when the SMS came (XEP-0203): before that, now
#: is true enough.
LATE = 60.0


@frozen(kw_only=True)
class SmsStanza:
    """
    @ivar name: what the address book calls the sender, or empty.
    @ivar thread: its conversation; empty where there can be no answer.
    @ivar ours: the address it comes from; empty is our account.
    @ivar host: who says that it is late.
    @ivar headed: whether the text says from whom it is, as where the address
        it comes from does not.
    """

    message: Message
    name: str = field(default="", repr=False)
    thread: str = ""
    ours: str = ""
    host: str = ""
    headed: bool = True

    def addressed_to(self, jid: str, now: float, *, room: bool = False) -> Element:
        """The stanza. Its id is that of the SMS, so that a repeat is seen as one."""
        message = self.message
        kind = "groupchat" if room else "chat"
        stanza = stanzas.message(jid, kind, id=f"{SMS}{message.id}", from_=self.ours)
        text = stanzas.clean(message.text)
        body = f"{self.head}:\n{text}" if self.headed else text
        # An empty body would be shown by nobody.
        stanza.addElement("body", content=body if body.strip() else "(an empty SMS)")
        if self.thread:
            stanza.addElement("thread", content=self.thread)
        stanza.addElement((stanzas.SID, "origin-id"))["id"] = f"{SMS}{message.id}"
        if now - message.at > LATE:
            delay = stanza.addElement((stanzas.DELAY, "delay"))
            delay["stamp"] = stanzas.stamp(message.at)
            delay["from"] = self.host
        if not room:
            stanza.addElement((stanzas.RECEIPTS, "request"))
            stanza.addElement((stanzas.HINTS, "store"))
            if not self.headed:
                name = self.name or stanzas.one_line(message.sender)
                stanza.addElement((stanzas.NICK, "nick"), content=stanzas.one_line(name))
        return stanza

    @property
    def head(self) -> str:
        """From whom, and by which line."""
        sender = stanzas.one_line(self.message.sender) or "somebody who hides the number"
        name = stanzas.one_line(self.name)
        who = f"{name} ({sender})" if name else sender
        return f"{who} on {self.message.line}" if self.message.line else who
