"""A domain of our own, on which numbers and lines are contacts."""

from __future__ import annotations

from goiptwist.bridges.xmpp import stanzas
from goiptwist.errors import Refused
from goiptwist.testing.contract import outcome
from goiptwist.testing.stubs import sms
from tests.bridges.xmpp.chats import (
    CONTACT,
    NOW,
    NUMBER,
    component,
    condition,
    question,
    texts,
    to,
    words,
)


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
