"""A connection that goes nowhere, and a bridge at the end of it."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field
from twisted.internet.task import Clock
from twisted.words.xish.domish import Element, elementStream
from zope.interface import implementer

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.bridge import XmppBridge
from goiptwist.bridges.xmpp.interfaces import IXmppConnection
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.config.values import Password
from goiptwist.errors import Refused
from goiptwist.model.notifications import Notification
from goiptwist.model.status import LineStatus
from goiptwist.testing.stubs import StandInGateway, sms

PASSWORD = "s3cret-of-the-bot"
NOW = 1_795_000_000.0
ANN = "ann@example.org/phone"
NUMBER = "+36301234567"
BOT = {"jid": "bot@example.org", "to": ("ann@example.org",), "allow": ("ann@example.org",)}
COMPONENT = {**BOT, "mode": "component", "jid": "sms.example.org"}


@implementer(IXmppConnection)
@define(eq=False)
class RecordingConnection:
    """
    Keeps what is said.

    @ivar troubles: raised by send_confirmed, the first one first.
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


def bridge(**changes: Any) -> tuple[XmppBridge, RecordingConnection, StandInGateway]:
    """A bridge, as the settings want it."""
    clock = Clock()
    clock.advance(NOW)
    gateway = StandInGateway(clock, clock, names={NUMBER: "Kovács Béla"})
    gateway.statuses = [status("goip1"), status("goip2", presence="lost")]
    settings = XmppSettings(password=Password(PASSWORD), **{**BOT, **changes})
    made = XmppBridge("chat", settings, gateway, lambda r, s, talk, n: RecordingConnection(talk))
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


REPLY = "<reply xmlns='urn:xmpp:reply:0' id='{}'/>"
REQUEST = "<request xmlns='urn:xmpp:receipts'/>"
REPLACE = "<replace xmlns='urn:xmpp:message-correct:0' id='{}'/>"
RETRACT = "<retract xmlns='urn:xmpp:message-retract:1' id='{}'/>"
ROOM = "team@rooms.example.org"


def texts(gateway: StandInGateway) -> list[tuple[str, str, str]]:
    """Number, line and text of what was submitted."""
    return [(s.recipients[0], s.line, s.text) for s in gateway.submissions]


async def with_sms(**changes: Any) -> tuple[Any, RecordingConnection, StandInGateway]:
    """A bridge that has just handed the SMS m1 to Ann."""
    made, link, gateway = bridge(**changes)
    gateway.kept["m1"] = sms(at=NOW)
    await made.deliver(gateway.kept["m1"])
    return made, link, gateway


def news(gateway: StandInGateway, what: str, reason: str = "", after: float = 5.0) -> Notification:
    """What became of the last text."""
    submission = gateway.submissions[-1]
    message = evolve(list(gateway.kept.values())[-1], context=submission.context, at=NOW)
    return Notification(id="n1", status=what, at=NOW + after, reason=reason, message=message)


CONTACT = f"{NUMBER}@sms.example.org"
DISCO = "<query xmlns='http://jabber.org/protocol/disco#{}'/>"


def component(**changes: Any) -> Any:
    """A bridge that is a component."""
    return bridge(**{**COMPONENT, **changes})


def to(place: str, body: str, *more: str, **attributes: str) -> Element:
    """What Ann writes to an address of ours."""
    return chat(body, *more, to=place, **attributes)


def question(place: str, content: str, kind: str = "get", sender: str = ANN) -> Element:
    """An IQ."""
    iq = parsed(f"<iq type='{kind}' id='q1'>{content}</iq>")
    iq["from"], iq["to"] = sender, place
    return iq


def presence(kind: str, place: str, sender: str = ANN) -> Element:
    """A presence of a person's."""
    made = stanzas.presence(place, kind)
    made["from"] = sender
    return made


def occupant(nick: str, jid: str = "", *codes: str) -> str:
    """A presence of a room."""
    real = f" jid='{jid}'" if jid else ""
    marks = "".join(f"<status code='{code}'/>" for code in codes)
    return (
        f"<presence from='{ROOM}/{nick}'><x xmlns='http://jabber.org/protocol/muc#user'>"
        f"<item affiliation='member' role='participant'{real}/>{marks}</x></presence>"
    )


async def in_room(**changes: Any) -> tuple[Any, RecordingConnection, StandInGateway]:
    """A bridge that is in a room with Ann, Eve, and somebody hidden."""
    made, link, gateway = bridge(to=(ROOM,), **changes)
    await made.connected(link)
    for one in (
        occupant("ann", ANN),
        occupant("eve", "eve@example.net/x"),
        occupant("ghost"),
        occupant("SMS", "", "110"),
    ):
        await made.stanza_received(parsed(one))
    link.sent.clear()
    return made, link, gateway


def spoken(body: str, nick: str = "ann", *more: str, **attributes: str) -> Any:
    """What somebody says in the room."""
    return chat(body, *more, sender=f"{ROOM}/{nick}", type="groupchat", **attributes)
