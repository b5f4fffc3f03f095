"""Answers to IQs."""

from __future__ import annotations

import pytest
from twisted.words.protocols.jabber.error import StanzaError

from goiptwist.bridges.xmpp import stanzas
from tests.bridges.xmpp.chats import (
    ANN,
    CONTACT,
    DISCO,
    NUMBER,
    component,
    presence,
    question,
)


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("sms.example.org", "gateway/sms"),
        (CONTACT, "client/phone"),
        ("line-goip1@sms.example.org", "gateway/sms"),
    ],
)
async def test_disco(place: str, kind: str) -> None:
    """XEP-0030: programs look up what they may do with us."""
    made, _, _ = component()
    answer = await made.iq_received(question(place, DISCO.format("info")))
    query = stanzas.child(answer, "query", stanzas.DISCO_INFO)
    identity = stanzas.child(query, "identity", stanzas.DISCO_INFO)
    features = [f["var"] for f in stanzas.children(query, "feature", stanzas.DISCO_INFO)]
    assert f"{identity['category']}/{identity['type']}" == kind
    assert {stanzas.RECEIPTS, stanzas.PING, stanzas.CORRECT} <= set(features)


async def test_the_fingerprint_is_that_of_the_answer() -> None:
    """XEP-0115 section 5.4: programs throw a wrong one away."""
    from base64 import b64encode
    from hashlib import sha1

    made, link, _ = component()
    await made.stanza_received(presence("probe", CONTACT))
    caps = stanzas.child(link.sent[-1], "c", stanzas.CAPS)
    answer = await made.iq_received(question(CONTACT, DISCO.format("info")))
    query = stanzas.child(answer, "query", stanzas.DISCO_INFO)
    identity = stanzas.child(query, "identity", stanzas.DISCO_INFO)
    whole = f"{identity['category']}/{identity['type']}//{identity['name']}<"
    features = [f["var"] for f in stanzas.children(query, "feature", stanzas.DISCO_INFO)]
    whole += "".join(f"{feature}<" for feature in sorted(features))
    assert caps["ver"] == b64encode(sha1(whole.encode()).digest()).decode()


async def test_lines_and_pools_are_items() -> None:
    """Whoever looks around finds them; strangers do not."""
    made, _, _ = component()
    answer = await made.iq_received(question("sms.example.org", DISCO.format("items")))
    query = stanzas.child(answer, "query", stanzas.DISCO_ITEMS)
    jids = [i["jid"] for i in stanzas.children(query, "item", stanzas.DISCO_ITEMS)]
    assert jids == [
        f"{node}@sms.example.org" for node in ("line-goip1", "line-goip2", "pool-default")
    ]
    stranger = question("sms.example.org", DISCO.format("items"), sender="eve@example.net/x")
    with pytest.raises(StanzaError, match="forbidden"):
        await made.iq_received(stranger)


async def test_the_prompt_of_a_gateway() -> None:
    """XEP-0100 section 6.1: a number becomes the address of a contact."""
    made, _, _ = component()
    answer = await made.iq_received(
        question("sms.example.org", "<query xmlns='jabber:iq:gateway'/>")
    )
    assert "<prompt>The number:" in answer.toXml()
    typed = "<query xmlns='jabber:iq:gateway'><prompt>{}</prompt></query>"
    filled = question("sms.example.org", typed.format("+36 30 123-4567"), "set")
    assert f"<jid>{CONTACT}</jid>" in (await made.iq_received(filled)).toXml()
    with pytest.raises(StanzaError, match="item-not-found"):
        await made.iq_received(question("sms.example.org", typed.format("Béla"), "set"))


async def test_business_cards() -> None:
    """vcard-temp and vCard4 have the name of the address book."""
    made, _, _ = component()
    old = await made.iq_received(question(CONTACT, "<vCard xmlns='vcard-temp'/>"))
    new = await made.iq_received(question(CONTACT, f"<vcard xmlns='{stanzas.VCARD4}'/>"))
    assert f"<NUMBER>{NUMBER}</NUMBER>" in old.toXml()
    assert "<FN>Kovács Béla</FN>" in old.toXml()
    assert f"<uri>tel:{NUMBER}</uri>" in new.toXml()


@pytest.mark.parametrize(
    "content", ["<vCard xmlns='vcard-temp'/>", f"<vcard xmlns='{stanzas.VCARD4}'/>"]
)
async def test_the_address_book_is_nobody_elses_affair(content: str) -> None:
    """A stranger could ask for every number."""
    made, _, _ = component()
    with pytest.raises(StanzaError, match="forbidden"):
        await made.iq_received(question(CONTACT, content, sender="eve@example.net/x"))


async def test_ping() -> None:
    """XEP-0199, of anybody."""
    made, _, _ = component()
    answer = await made.iq_received(question("sms.example.org", "<ping xmlns='urn:xmpp:ping'/>"))
    assert (answer["type"], answer["to"]) == ("result", ANN)
    assert await made.iq_received(question("sms.example.org", "<query xmlns='urn:none'/>")) is None
