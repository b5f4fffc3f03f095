"""
Elements of XMPP: what is read out of them, and what they are made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from twisted.words.protocols.jabber.xmlstream import toResponse
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.addressing import bare

ADDRESS = "http://jabber.org/protocol/address"  # XEP-0033
CARBONS = "urn:xmpp:carbons:2"  # XEP-0280
CORRECT = "urn:xmpp:message-correct:0"  # XEP-0308
DELAY = "urn:xmpp:delay"  # XEP-0203
EME = "urn:xmpp:eme:0"  # XEP-0380
FALLBACK = "urn:xmpp:fallback:0"  # XEP-0428
HINTS = "urn:xmpp:hints"  # XEP-0334
NICK = "http://jabber.org/protocol/nick"  # XEP-0172
OOB = "jabber:x:oob"  # XEP-0066
RECEIPTS = "urn:xmpp:receipts"  # XEP-0184
REPLY = "urn:xmpp:reply:0"  # XEP-0461
RETRACT = "urn:xmpp:message-retract:1"  # XEP-0424
SID = "urn:xmpp:sid:0"  # XEP-0359
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"  # RFC 6120 section 8.3
MUC = "http://jabber.org/protocol/muc"  # XEP-0045
MUC_USER = MUC + "#user"
DISCO_INFO = "http://jabber.org/protocol/disco#info"  # XEP-0030
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"
CAPS = "http://jabber.org/protocol/caps"  # XEP-0115
COMMANDS = "http://jabber.org/protocol/commands"  # XEP-0050
FORMS = "jabber:x:data"  # XEP-0004
GATEWAY = "jabber:iq:gateway"  # XEP-0100
PING = "urn:xmpp:ping"  # XEP-0199
VCARD_TEMP = "vcard-temp"  # XEP-0054
VCARD4 = "urn:ietf:params:xml:ns:vcard-4.0"  # XEP-0292
VERSION = "jabber:iq:version"  # XEP-0092

#: What XML 1.0 (section 2.2, Char) cannot hold, and the noncharacters of
#: Unicode, at which some servers close the stream.
_NO_XML = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(
        f"{chr(plane * 65536 + 0xFFFE)}{chr(plane * 65536 + 0xFFFF)}" for plane in range(1, 17)
    )
    + "]"
)
#: What turns the direction of text, or hides: not in a name of ours.
_TURNS = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def clean(text: str) -> str:
    """Text as a stanza can hold it; what it cannot hold is seen as U+FFFD."""
    return _NO_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """A name or a number that cannot pass for more than it is."""
    return " ".join(_TURNS.sub("", clean(text)).split())


def children(stanza: Element, name: str, uri: str | None = None) -> Iterator[Element]:
    """@param uri: C{None} is the namespace of the stanza itself."""
    for child in stanza.elements():
        if child.name == name and (
            child.uri == uri if uri is not None else child.uri in (stanza.uri, None)
        ):
            yield child


def child(stanza: Element, name: str, uri: str | None = None) -> Element | None:
    """@return: the first of L{children}."""
    return next(children(stanza, name, uri), None)


def text_of(element: Element | None) -> str:
    """All text right inside an element."""
    if element is None:
        return ""
    return "".join(part for part in element.children if isinstance(part, str))


def message(to: str, kind: str = "chat", **attributes: str) -> Element:
    """An empty message."""
    stanza = Element((None, "message"))
    stanza["to"], stanza["type"] = to, kind
    for name, value in attributes.items():
        if value:
            stanza[name.rstrip("_")] = value
    return stanza


def iq(kind: str, to: str, ours: str = "") -> Element:
    """An empty IQ."""
    stanza = Element((None, "iq"))
    stanza["type"], stanza["to"] = kind, to
    if ours:
        stanza["from"] = ours
    return stanza


def result_of(question: Element) -> Element:
    """The answer to an IQ, still empty."""
    answer: Element = toResponse(question, "result")
    return answer


def presence(to: str = "", kind: str = "", ours: str = "") -> Element:
    """A presence."""
    stanza = Element((None, "presence"))
    for name, value in (("to", to), ("type", kind), ("from", ours)):
        if value:
            stanza[name] = value
    return stanza


def stamp(at: float) -> str:
    """A time as XEP-0082 wants it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamped(element: Element | None) -> float | None:
    """@return: seconds since the epoch; C{None} where there is no time to read."""
    text = element.getAttribute("stamp", "") if element is not None else ""
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def error_to(stanza: Element, condition: str, kind: str, text: str) -> Element:
    """
    An error as the answer to a stanza (RFC 6120 section 8.3).

    @param kind: C{auth}, C{cancel}, C{modify} or C{wait}.
    """
    answer = Element((None, stanza.name))
    for theirs, ours in (("from", "to"), ("to", "from"), ("id", "id")):
        if stanza.getAttribute(theirs):
            answer[ours] = stanza[theirs]
    answer["type"] = "error"
    add_error(answer, condition, kind, text)
    return answer


def add_error(answer: Element, condition: str, kind: str, text: str) -> None:
    """Say what went wrong, to programs and to people."""
    error = answer.addElement("error")
    error["type"] = kind
    error.addElement((STANZAS, condition))
    element = error.addElement((STANZAS, "text"), content=clean(text))
    element[("http://www.w3.org/XML/1998/namespace", "lang")] = "en"


def bare_sender(stanza: Element) -> str:
    """@return: who sent it, without the resource; empty if that is nobody."""
    try:
        return bare(stanza.getAttribute("from", ""))
    except ValueError:
        return ""
