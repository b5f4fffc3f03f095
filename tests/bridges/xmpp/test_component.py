"""A domain of our own, on which numbers and lines are contacts."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.errors import Refused
from goiptwist.testing.contract import outcome
from goiptwist.testing.stubs import sms
from tests.bridges.xmpp.chats import (
    ANN,
    COMPONENT,
    NOW,
    NUMBER,
    bridge,
    chat,
    condition,
    parsed,
    status,
    words,
)
from tests.bridges.xmpp.test_bot import texts

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


async def test_an_sms_comes_from_its_number() -> None:
    """Each number is a conversation; its name is that of the address book (XEP-0172)."""
    made, link, _ = component()
    await made.deliver(sms(at=NOW))
    [stanza] = link.handed
    assert stanza["from"] == f"{CONTACT}/goip1"
    assert words(stanza) == "Pump 3 stopped"
    assert stanzas.text_of(stanzas.child(stanza, "nick", stanzas.NICK)) == "Kovács Béla"


async def test_a_name_keeps_its_spelling() -> None:
    """Addresses have small letters only; the nick and the card have not."""
    made, link, _ = component()
    await made.deliver(sms(sender="T-Mobile H"))
    [stanza] = link.handed
    assert stanza["from"] == r"t-mobile\20h@sms.example.org/goip1"
    assert stanzas.text_of(stanzas.child(stanza, "nick", stanzas.NICK)) == "T-Mobile H"
    answer = await made.iq_received(
        question(r"t-mobile\20h@sms.example.org", "<vCard xmlns='vcard-temp'/>")
    )
    assert "<FN>T-Mobile H</FN>" in answer.toXml()


async def test_a_name_cannot_be_answered() -> None:
    """There is no number behind it, and it is said."""
    made, link, gateway = component()
    await made.deliver(sms(sender="T-Mobile H"))
    await made.stanza_received(to(r"t-mobile\20h@sms.example.org", "stop"))
    assert gateway.submissions == []
    assert condition(link.sent[-1]) == "item-not-found"
    assert "T-Mobile H is a name without a number" in link.said()[-1]


async def test_an_alarm_is_only_shown() -> None:
    """It came by no line, and nobody can answer it."""
    made, link, _ = component()
    await made.deliver(sms(line="", sender="Alarm 1113", text="Burglary"))
    assert link.handed[0]["from"] == r"alarm\201113@sms.example.org"
    assert words(link.handed[0]) == "Burglary"


async def test_an_answer_goes_by_the_line_it_came_in_on() -> None:
    """Even where a program writes to the bare address."""
    made, _, gateway = component()
    await made.deliver(sms(line="goip2"))
    await made.stanza_received(to(CONTACT, "/help is no command here"))
    assert texts(gateway) == [(NUMBER, "goip2", "/help is no command here")]


async def test_a_resource_is_a_line() -> None:
    """A program that answers to the whole address says by which."""
    made, _, gateway = component()
    await made.deliver(sms(line="goip2"))
    await made.stanza_received(to(f"{CONTACT}/goip1", "yes"))
    assert texts(gateway) == [(NUMBER, "goip1", "yes")]


async def test_a_first_word_goes_as_the_settings_say() -> None:
    """To a number that never wrote."""
    made, _, gateway = component(line="goip2")
    await made.stanza_received(to("1777@sms.example.org", "on"))
    assert texts(gateway) == [("1777", "goip2", "on")]


async def test_a_line_is_a_contact_too() -> None:
    """What is written there with a number goes by it."""
    made, link, gateway = component()
    await made.stanza_received(to("line-goip2@sms.example.org", "@1777: on"))
    assert texts(gateway) == [("1777", "goip2", "on")]
    await made.stanza_received(to("line-goip2@sms.example.org", "hello", id="a2"))
    assert condition(link.sent[-1]) == "not-acceptable"
    await made.stanza_received(to("line-goip9@sms.example.org", "@1777: on", id="a3"))
    assert condition(link.sent[-1]) == "item-not-found"


async def test_a_pool_is_a_contact_too() -> None:
    """Any line of it."""
    made, _, gateway = component()
    await made.stanza_received(to("pool-default@sms.example.org", "@1777: on"))
    assert gateway.submissions[0].pool == "default"


async def test_the_domain_takes_commands() -> None:
    """As an account does; the answer comes from it."""
    made, link, _ = component()
    await made.stanza_received(to("sms.example.org", "/lines"))
    assert link.sent[-1]["from"] == "sms.example.org"
    assert "goip1: LOGIN" in link.said()[-1]


async def test_errors_come_from_where_it_was_written_to() -> None:
    """In the same conversation."""
    made, link, _ = component(allow=())
    await made.stanza_received(to(CONTACT, "on"))
    assert (link.sent[-1]["from"], condition(link.sent[-1])) == (CONTACT, "forbidden")


async def test_a_server_that_drops_strangers() -> None:
    """Then the line says it, and then we; each says from whom it is."""
    made, link, _ = component()
    link.bounces = [(CONTACT, "service-unavailable", "cancel")]
    await made.deliver(sms(at=NOW))
    assert [s["from"] for s in link.handed] == ["line-goip1@sms.example.org"]
    assert words(link.handed[0]) == "Kovács Béla (+36301234567) on goip1:\nPump 3 stopped"
    link.bounces.append(("line-", "service-unavailable", "cancel"))
    await made.deliver(sms(at=NOW))
    assert link.handed[-1]["from"] == "sms.example.org"
    link.bounces.append(("sms.", "service-unavailable", "cancel"))
    refused = await outcome(made, sms(at=NOW))
    assert isinstance(refused, Refused)
    assert "ann@example.org cannot be reached by chat: service-unavailable" in str(refused)


async def test_a_stranger_that_is_dropped_later() -> None:
    """Another server answers when ours has long taken it; nothing is lost by that."""
    made, link, gateway = component()
    gateway.kept["m1"] = sms(at=NOW)
    await made.deliver(gateway.kept["m1"])
    for _ in range(3):
        back = stanzas.error_to(link.handed[-1], "service-unavailable", "cancel", "roster only")
        back["from"] = "ann@example.org"
        await made.stanza_received(back)
    froms = [s["from"].partition("/")[0] for s in link.handed]
    assert froms == [CONTACT, "line-goip1@sms.example.org", "sms.example.org"]
    assert [message_id for message_id, _ in gateway.returned] == ["m1"]


async def test_the_answer_to_the_line_is_a_reply() -> None:
    """XEP-0461 works wherever the SMS came from."""
    made, link, gateway = component()
    link.bounces = [(CONTACT, "service-unavailable", "cancel")]
    gateway.kept["m1"] = sms(at=NOW)
    await made.deliver(gateway.kept["m1"])
    reply = "<reply xmlns='urn:xmpp:reply:0' id='sms-m1'/>"
    await made.stanza_received(to("line-goip1@sms.example.org", "I come", reply))
    assert texts(gateway) == [(NUMBER, "goip1", "I come")]


# Questions


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


# Commands with forms


def command(node: str, content: str = "", sender: str = ANN, **attributes: str) -> Element:
    """A step of a command."""
    more = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return question(
        "sms.example.org",
        f"<command xmlns='{stanzas.COMMANDS}' node='{node}'{more}>{content}</command>",
        "set",
        sender,
    )


async def test_a_form_sends() -> None:
    """XEP-0050: for programs that show commands as buttons; a repeat is one SMS."""
    made, _, gateway = component()
    form = (await made.iq_received(command("send"))).toXml()
    assert "status='executing'" in form
    assert "type='list-single'" in form
    filled = (
        "<x xmlns='jabber:x:data' type='submit'>"
        "<field var='to'><value>+36 30 123 4567</value></field>"
        "<field var='text'><value>one</value><value>two</value></field>"
        "<field var='line'><value>goip1</value></field></x>"
    )
    for _ in range(2):
        answer = await made.iq_received(command("send", filled, sessionid="cmd-q1"))
    assert "status='completed'" in answer.toXml()
    assert texts(gateway) == [(NUMBER, "goip1", "one\ntwo")] * 2
    assert {s.client_id for s in gateway.submissions} == {"ann@example.org cmd-q1"}


async def test_a_wrong_form_is_an_error() -> None:
    """With the reason."""
    made, _, gateway = component()
    filled = (
        "<x xmlns='jabber:x:data' type='submit'><field var='to'><value>Béla</value></field></x>"
    )
    with pytest.raises(StanzaError, match="item-not-found"):
        await made.iq_received(command("send", filled))
    assert gateway.submissions == []


async def test_a_form_is_cancelled() -> None:
    """XEP-0050 section 3.2."""
    made, _, _ = component()
    answer = await made.iq_received(command("send", action="cancel", sessionid="s"))
    assert "status='canceled'" in answer.toXml()


@pytest.mark.parametrize(
    ("node", "told"), [("lines", "goip1: LOGIN"), ("failures", "None of your SMS has failed")]
)
async def test_commands_that_tell(node: str, told: str) -> None:
    """In one step."""
    made, _, _ = component()
    assert told in (await made.iq_received(command(node))).toXml()


async def test_commands_are_for_those_who_may() -> None:
    """A form is a text as well."""
    made, _, _ = component()
    with pytest.raises(StanzaError, match="forbidden"):
        await made.iq_received(command("send", sender="eve@example.net/x"))


# Presence


async def test_whoever_is_allowed_may_watch() -> None:
    """Numbers, lines and the domain; it is remembered, and shown again after a restart."""
    made, link, gateway = component()
    for place in (CONTACT, "line-goip1@sms.example.org"):
        await made.stanza_received(presence("subscribe", place))
    kinds = [(s["from"], s.getAttribute("type", "")) for s in link.sent]
    assert (CONTACT, "subscribed") in kinds
    assert (CONTACT, "subscribe") in kinds
    again, other, stand_in = component()
    stand_in.notes.update(gateway.notes)
    await again.connected(other)
    shown = {
        s["from"]: stanzas.text_of(stanzas.child(s, "status"))
        for s in other.sent
        if s.name == "presence"
    }
    assert shown["line-goip1@sms.example.org/goiptwist"] == "LOGIN at Telekom, signal 20 of 31"
    assert f"{CONTACT}/goiptwist" in shown


async def test_others_may_not_watch() -> None:
    """When somebody is at home is told by that."""
    made, link, _ = component()
    await made.stanza_received(presence("subscribe", CONTACT, "eve@example.net"))
    await made.stanza_received(presence("probe", CONTACT, "eve@example.net/x"))
    assert {s["type"] for s in link.sent} == {"unsubscribed"}


@pytest.mark.parametrize(
    ("changes", "kind", "show", "told"),
    [
        ({}, "", "", "LOGIN at Telekom, signal 20 of 31"),
        ({"gsm": "LOGOUT"}, "", "xa", "LOGOUT"),
        ({"presence": "lost"}, "unavailable", "", "lost: the device is silent"),
        ({"stopped": "no credit"}, "", "dnd", "stopped: no credit"),
    ],
)
async def test_a_line_shows_how_it_is(changes: Any, kind: str, show: str, told: str) -> None:
    """LOGIN, operator and signal; what is wrong can be seen in the list."""
    made, link, gateway = component()
    await made.stanza_received(presence("subscribe", "line-goip1@sms.example.org"))
    gateway.statuses = [status("goip1", operator="", signal=3)]
    link.sent.clear()
    gateway.statuses = [status("goip1", **changes)]
    await made.chat.update_presence()
    shown = link.sent[-1] if link.sent else None
    if not changes:
        assert shown is None  # nothing has changed
        await made.stanza_received(presence("probe", "line-goip1@sms.example.org"))
        shown = link.sent[-1]
    assert shown is not None
    assert shown.getAttribute("type", "") == kind
    assert stanzas.text_of(stanzas.child(shown, "show")) == show
    assert told in stanzas.text_of(stanzas.child(shown, "status"))
