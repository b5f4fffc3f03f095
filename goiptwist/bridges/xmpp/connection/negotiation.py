# mypy: disallow-untyped-calls=False
# (twisted.words is not annotated)
"""
From a login to a session: go on with the old one (XEP-0198 section 5), or bind
a resource (RFC 6120 section 7) and ask for acknowledgements.
"""

from __future__ import annotations

from uuid import uuid4

from attrs import define, field, frozen
from twisted.words.protocols.jabber.client import NS_XMPP_BIND, NS_XMPP_SESSION
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.connection.acknowledgements import ReceivedStanzas
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure, protocol_violation
from goiptwist.bridges.xmpp.connection.stream import XmppStream

NS_MANAGEMENT = "urn:xmpp:sm:3"

#: The id of a stanza and its address: an SMS to several people has one id.
StanzaKey = tuple[str, str]
#: Of what nobody misses.
UNCONFIRMED: StanzaKey = ("", "")

#: Keys that are remembered over several losses: some may never be asked about again.
MAX_REMEMBERED = 5000


@define
class ResumableSession:
    """
    What is needed to go on with a session whose connection was lost.

    @ivar resumption_id: what the server calls it.
    @ivar jid: who we were.
    @ivar received: what came in.
    @ivar acknowledged: how many stanzas the server had acknowledged.
    @ivar unacknowledged: the keys of those that it had not, in order;
        L{UNCONFIRMED} for what nobody misses.
    @ivar delivered: keys of what it had before that, though nobody has heard of it yet.
    """

    resumption_id: str
    jid: str
    received: ReceivedStanzas
    acknowledged: int
    unacknowledged: list[StanzaKey] = field(factory=list)
    delivered: frozenset[StanzaKey] = frozenset()


@frozen
class NegotiatedSession:
    """
    @ivar jid: who we are.
    @ivar managed: whether the server acknowledges (XEP-0198).
    @ivar resumption_id: what to ask for in order to go on after a loss; or empty.
    @ivar received: what came in so far.
    @ivar sent: how many stanzas the server has had.
    @ivar resumed: the old session goes on.
    @ivar delivered: keys of what it had when the connection was lost, though we did not know.
    """

    jid: str
    managed: bool = False
    resumption_id: str = ""
    received: ReceivedStanzas = field(factory=ReceivedStanzas)
    sent: int = 0
    resumed: bool = False
    delivered: frozenset[StanzaKey] = frozenset()


async def negotiate(
    stream: XmppStream,
    credentials: XmppCredentials,
    features: Element,
    resumable: ResumableSession | None,
) -> NegotiatedSession:
    """
    @param features: what the server offers.
    @param resumable: of the session that was lost, or C{None}.
    @raise ConnectionFailure: it did not work.
    """
    managed = any(features.elements(NS_MANAGEMENT, "sm"))
    delivered: frozenset[StanzaKey] = frozenset()
    if managed and resumable is not None and resumable.resumption_id:
        # What is still being done comes again, and must not count twice.
        resumable.received.forget()
        resume = Element((NS_MANAGEMENT, "resume"))
        resume["previd"], resume["h"] = resumable.resumption_id, str(resumable.received.count)
        stream.send(resume)
        answer = await stream.next()
        newly, count = _delivered_before(stream, resumable, answer)
        delivered = (
            newly if len(resumable.delivered) > MAX_REMEMBERED else newly | resumable.delivered
        )
        if answer.name == "resumed":
            return NegotiatedSession(
                resumable.jid,
                True,
                resumable.resumption_id,
                resumable.received,
                count,
                resumed=True,
                delivered=delivered,
            )
    jid = await _bound(stream, credentials, features)
    if not managed:
        return NegotiatedSession(jid)
    enable = Element((NS_MANAGEMENT, "enable"))
    enable["resume"] = "true"
    stream.send(enable)
    answer = await stream.next()
    if (answer.uri, answer.name) != (NS_MANAGEMENT, "enabled"):
        return NegotiatedSession(jid)
    again = answer.getAttribute("resume", "") in ("true", "1")
    return NegotiatedSession(
        jid, True, answer.getAttribute("id", "") if again else "", delivered=delivered
    )


def _delivered_before(
    stream: XmppStream, resumable: ResumableSession, answer: Element
) -> tuple[frozenset[StanzaKey], int]:
    """What the server says it had; it may say so even if it cannot go on."""
    if answer.uri != NS_MANAGEMENT or answer.name not in ("resumed", "failed"):
        raise protocol_violation(stream.server, f"answers a resumption with <{answer.name}/>")
    count = counted(answer)
    if count is None:
        if answer.name == "resumed":
            raise protocol_violation(stream.server, "resumes a session and does not say where")
        return frozenset(), 0
    newly = (count - resumable.acknowledged) % 2**32
    if newly > len(resumable.unacknowledged):
        return frozenset(), count
    return frozenset(resumable.unacknowledged[:newly]) - {UNCONFIRMED}, count


def key_of(stanza: Element) -> StanzaKey:
    """@return: by what a stanza is known that comes again."""
    name = stanza.getAttribute("id", "")
    return (name, stanza.getAttribute("to", "")) if name else UNCONFIRMED


def counted(element: Element) -> int | None:
    """@return: the C{h} of an element, or C{None} if it is no number."""
    text = element.getAttribute("h", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    return int(text)


async def _bound(stream: XmppStream, credentials: XmppCredentials, features: Element) -> str:
    if not any(features.elements(NS_XMPP_BIND, "bind")):
        raise protocol_violation(stream.server, "offers no resource")
    iq, bind = _request(stream, NS_XMPP_BIND, "bind")
    bind.addElement("resource", content=credentials.resource)
    answer = await _answer(stream, iq)
    jid = ""
    for one in answer.elements(NS_XMPP_BIND, "bind"):
        jid = "".join(str(each) for each in one.elements(NS_XMPP_BIND, "jid"))
    if not jid:
        raise protocol_violation(stream.server, "does not say who we are")
    # Of RFC 3921; a server of today has it no more, or says that it is optional.
    for session in features.elements(NS_XMPP_SESSION, "session"):
        if not any(child.name == "optional" for child in session.elements()):
            iq, _ = _request(stream, NS_XMPP_SESSION, "session")
            await _answer(stream, iq)
    return jid


def _request(stream: XmppStream, uri: str, name: str) -> tuple[Element, Element]:
    iq = Element((stream.namespace, "iq"))
    iq["type"], iq["id"] = "set", uuid4().hex
    return iq, iq.addElement((uri, name))


async def _answer(stream: XmppStream, iq: Element) -> Element:
    stream.send(iq)
    answer = await stream.next()
    if answer.name != "iq" or answer.getAttribute("id") != iq["id"]:
        raise protocol_violation(stream.server, f"answers an order with <{answer.name}/>")
    if answer.getAttribute("type") == "result":
        return answer
    condition, text = "", ""
    for error in answer.elements(stream.namespace, "error"):
        condition, text = error_of(error)
    raise ConnectionFailure(
        f"{stream.server} refuses a resource: {condition} {text}".strip(), slow=True
    )


def error_of(error: Element) -> tuple[str, str]:
    """@return: the condition and text of the error of a stanza (RFC 6120 section 8.3.2)."""
    condition, text = "undefined-condition", ""
    for child in error.elements("urn:ietf:params:xml:ns:xmpp-stanzas"):
        if child.name == "text":
            text = str(child)
        else:
            condition = child.name
    return condition, text
