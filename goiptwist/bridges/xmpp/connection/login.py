# mypy: disallow-untyped-calls=False
# (twisted.words is not annotated)
"""
From a connection to a login: as an account (RFC 6120), or as a component
(XEP-0114). We drive the order, so it is written down as an order.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64

from attrs import frozen
from twisted.words.protocols.jabber.xmlstream import NS_XMPP_TLS, hashPassword
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp.connection import tls
from goiptwist.bridges.xmpp.connection.acknowledgements import joined
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.failures import (
    ConnectionFailure,
    from_login_error,
    protocol_violation,
)
from goiptwist.bridges.xmpp.connection.scram import (
    PREFERRED,
    BadServer,
    ChannelBinding,
    SaslMechanism,
    choose,
)
from goiptwist.bridges.xmpp.connection.stream import XmppStream, error_in

NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
#: XEP-0440.
NS_BINDING = "urn:xmpp:sasl-cb:0"
NS_STREAMS = "http://etherx.jabber.org/streams"

#: Challenges that a login has at most; SCRAM has two.
CHALLENGES = 3


@frozen
class LoginResult:
    """
    @ivar features: what the server offers to those who are logged in.
    @ivar found: what was seen of the login and the server, in words.
    """

    features: Element
    found: str


async def login_component(stream: XmppStream, credentials: XmppCredentials) -> str:
    """
    Shake hands (XEP-0114 section 3).

    @return: what was found, in words.
    @raise ConnectionFailure: it did not work.
    """
    header = await stream.begin()
    shake = Element((stream.namespace, "handshake"))
    shake.addContent(hashPassword(header.getAttribute("id", ""), credentials.password))
    stream.send(shake)
    answer = await stream.next()
    if answer.name != "handshake":
        raise protocol_violation(stream.server, f"answers the secret with <{answer.name}/>")
    return f"{stream.server} has taken the secret of {credentials.domain}"


async def login_account(
    stream: XmppStream,
    credentials: XmppCredentials,
    options: tls.VerifyingTlsOptions,
    *,
    direct: bool,
) -> LoginResult:
    """
    TLS, if it is not there yet, and SASL.

    @raise ConnectionFailure: it did not work.
    """
    features = await _features(stream)
    if not direct:
        if _child(features, NS_XMPP_TLS, "starttls") is None:
            sentence = f"{stream.server} offers no STARTTLS, and we do not go on without TLS"
            raise ConnectionFailure(sentence, slow=True)
        stream.send(Element((NS_XMPP_TLS, "starttls")))
        answer = await stream.next()
        if (answer.uri, answer.name) != (NS_XMPP_TLS, "proceed"):
            raise ConnectionFailure(f"{stream.server} cannot begin TLS at the moment", slow=False)
        stream.startTLS(options)
        features = await _features(stream)
    mechanism = _mechanism(stream, credentials, features)
    await _authenticate(stream, credentials, mechanism)
    features = await _features(stream)
    protection = tls.protection_text(stream.transport)
    found = f"logged in at {stream.server} with {mechanism.name}, {protection}, verified"
    return LoginResult(features, found)


async def _features(stream: XmppStream) -> Element:
    header = await stream.begin()
    major = header.getAttribute("version", "0").partition(".")[0]
    if not (major.isdecimal() and int(major[:3]) >= 1):
        raise protocol_violation(stream.server, "speaks an XMPP older than 1.0")
    features = await stream.next()
    if (features.uri, features.name) != (NS_STREAMS, "features"):
        raise protocol_violation(
            stream.server, f"says <{features.name}/> instead of what it offers"
        )
    return features


def _child(element: Element, uri: str, name: str) -> Element | None:
    for child in element.elements(uri, name):
        found: Element = child
        return found
    return None


def _mechanism(
    stream: XmppStream, credentials: XmppCredentials, features: Element
) -> SaslMechanism:
    offer = _child(features, NS_SASL, "mechanisms")
    offered = [str(one) for one in offer.elements(NS_SASL, "mechanism")] if offer else []
    bound = _binding(stream, features)
    chosen = choose(offered, credentials.user, credentials.password, bound)
    if chosen is None and set(offered) & set(PREFERRED) - {"PLAIN"}:
        sentence = f"the password for {stream.server} has characters that no server takes"
        raise ConnectionFailure(sentence, slow=True)
    if chosen is None:
        sentence = f"{stream.server} offers no login that we know, but {joined(offered)}"
        raise ConnectionFailure(sentence, slow=True)
    return chosen


def _binding(stream: XmppStream, features: Element) -> ChannelBinding | None:
    binding = _child(features, NS_BINDING, "sasl-channel-binding")
    kinds = [one.getAttribute("type", "") for one in binding.elements()] if binding else []
    return tls.binding_of(stream.transport, kinds)


async def _authenticate(
    stream: XmppStream, credentials: XmppCredentials, mechanism: SaslMechanism
) -> None:
    try:
        await _exchange(stream, credentials, mechanism)
    except BadServer as error:
        raise protocol_violation(stream.server, str(error)) from None


async def _exchange(
    stream: XmppStream, credentials: XmppCredentials, mechanism: SaslMechanism
) -> None:
    _send(stream, "auth", mechanism.first(), mechanism=mechanism.name)
    for _ in range(CHALLENGES):
        answer = await stream.next()
        if answer.uri != NS_SASL or answer.name not in ("challenge", "success", "failure"):
            raise BadServer(f"answers a login with <{answer.name}/>")
        if answer.name == "failure":
            condition, text = error_in(answer)
            raise from_login_error(stream.server, credentials.jid, condition, text)
        if answer.name == "success":
            mechanism.verify(_decoded(answer))
            return
        _send(stream, "response", mechanism.answer(_decoded(answer)))
    raise BadServer("does not end the login")


def _send(stream: XmppStream, name: str, content: bytes, **attributes: str) -> None:
    element = Element((NS_SASL, name), attribs=attributes)
    element.addContent(b64encode(content).decode())
    stream.send(element)


def _decoded(element: Element) -> bytes:
    text = str(element)
    if text in ("", "="):  # RFC 6120 section 6.4.2: nothing, and an empty something
        return b""
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise BadServer("sends a challenge that is not base64") from None
