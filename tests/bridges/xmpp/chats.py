"""A link that goes nowhere, and a bridge at the end of it."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.task import Clock
from twisted.words.xish.domish import Element, elementStream
from zope.interface import implementer

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.bridge import XmppBridge
from goiptwist.bridges.xmpp.interfaces import IXmppConnection
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.config.values import Password
from goiptwist.errors import Refused
from goiptwist.model.status import LineStatus
from goiptwist.testing.stubs import StandInGateway

PASSWORD = "s3cret-of-the-bot"
NOW = 1_795_000_000.0
ANN = "ann@example.org/phone"
NUMBER = "+36301234567"
BOT = {"jid": "bot@example.org", "to": ("ann@example.org",), "allow": ("ann@example.org",)}
COMPONENT = {**BOT, "mode": "component", "jid": "sms.example.org"}


@implementer(IXmppConnection)
@define(eq=False)
class NoLink:
    """
    Keeps what is said.

    @ivar troubles: raised by hand_over, the first one first.
    @ivar bounces: (from, condition, type): what comes back for a message from
        an address of ours that begins so, before the server has it.
    @ivar services: what disco tells of a domain.
    """

    receiver: Any
    jid: str = "bot@example.org/goiptwist"
    outage: str = ""
    handed: list[Element] = field(factory=list)
    sent: list[Element] = field(factory=list)
    troubles: list[Exception] = field(factory=list)
    bounces: list[tuple[str, str, str]] = field(factory=list)
    room_domains: tuple[str, ...] = ("rooms.example.org",)

    async def send_confirmed(self, stanza: Element) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        for ours, condition, kind in self.bounces:
            if stanza.getAttribute("from", "").startswith(ours):
                await self.receiver.stanza_received(error(stanza, condition, kind))
                return
        parsed(stanza)
        self.handed.append(stanza)
        if stanza["type"] == "groupchat":
            shown = parsed(stanza)
            shown["from"] = f"{stanza['to']}/SMS"
            named = shown.addElement((stanzas.SID, "stanza-id"))
            named["id"], named["by"] = f"room-{stanza['id']}", stanza["to"]
            await self.receiver.stanza_received(shown)

    def send(self, stanza: Element) -> None:
        parsed(stanza)
        self.sent.append(stanza)

    async def request(self, iq: Element, timeout: float = 30.0) -> Element:
        self.sent.append(iq)
        if iq["to"] not in self.room_domains:
            raise Refused("service-unavailable")
        answer = stanzas.result_of(iq)
        query = answer.addElement((stanzas.DISCO_INFO, "query"))
        query.addElement("feature")["var"] = stanzas.MUC
        return answer

    def startService(self) -> None:
        """It is there already."""

    async def stopService(self) -> None:
        """Nothing is to be closed."""

    def said(self) -> list[str]:
        """The bodies of the messages that were sent, or the words of errors."""
        return [words(stanza) for stanza in self.sent if stanza.name == "message"]


def words(stanza: Element) -> str:
    """What a person sees of a message."""
    wrong = stanzas.child(stanza, "error")
    if wrong is None:
        return stanzas.text_of(stanzas.child(stanza, "body"))
    return stanzas.text_of(stanzas.child(wrong, "text", stanzas.STANZAS))


def condition(stanza: Element) -> str:
    """The condition of an error stanza."""
    assert stanza["type"] == "error"
    wrong = stanzas.child(stanza, "error")
    assert wrong is not None
    return str(next(wrong.elements()).name)


def parsed(stanza: Element | str, uri: str = "jabber:client") -> Element:
    """A stanza as it comes out at the other end; it must be good XML."""
    if isinstance(stanza, Element):
        stanza = stanza.toXml(defaultUri=uri)
    found: list[Element] = []
    stream = elementStream()
    stream.DocumentStartEvent = lambda root: None
    stream.ElementEvent = found.append
    stream.DocumentEndEvent = lambda: None
    stream.parse(f"<stream xmlns='{uri}'>{stanza}</stream>".encode())
    [one] = found
    return one


def error(stanza: Element, condition: str, kind: str) -> Element:
    """How a server sends a stanza back."""
    return parsed(stanzas.error_to(stanza, condition, kind, "so it is"))


def status(line: str, **more: Any) -> LineStatus:
    """A line that works."""
    wanted = {"pool": "default", "presence": "present", "gsm": "LOGIN", "signal": 20}
    return LineStatus(id=line, **{**wanted, "operator": "Telekom", **more})


def bridge(**changes: Any) -> tuple[XmppBridge, NoLink, StandInGateway]:
    """A bridge, as the settings want it."""
    clock = Clock()
    clock.advance(NOW)
    gateway = StandInGateway(clock, clock, names={NUMBER: "Kovács Béla"})
    gateway.statuses = [status("goip1"), status("goip2", presence="lost")]
    settings = XmppSettings(password=Password(PASSWORD), **{**BOT, **changes})
    made = XmppBridge("chat", settings, gateway, lambda r, s, talk, n: NoLink(talk))
    return made, made.connection, gateway


def chat(body: str, *more: str, sender: str = ANN, to: str = "bot@example.org", **attributes: str):
    """A message of a person's; C{more} is XML."""
    wanted = {"from": sender, "to": to, "type": "chat", "id": "a1", **attributes}
    stanza = parsed(f"<message>{''.join(more)}</message>")
    for name, value in wanted.items():
        stanza[name] = value
    if body:
        stanza.addElement("body", content=body)
    return stanza
