"""SMS in one chat with an account: what people see."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from goiptwist.bridges.xmpp import stanzas
from goiptwist.errors import Refused, TryLater
from goiptwist.interfaces import IDeliversEach
from goiptwist.testing.contract import outcome
from goiptwist.testing.stubs import sms
from tests.bridges.xmpp.chats import (
    NOW,
    bridge,
    with_sms,
    words,
)


async def test_an_sms_says_from_whom_and_by_which_line() -> None:
    """All are in one chat, so each says its name, number and line."""
    _, link, _ = await with_sms()
    [stanza] = link.handed
    assert stanza["to"] == "ann@example.org"
    assert stanza["type"] == "chat"
    assert words(stanza) == "Kovács Béla (+36301234567) on goip1:\nPump 3 stopped"


async def test_its_ids_are_those_of_the_sms() -> None:
    """XEP-0359: a retry is the same to every program."""
    _, link, _ = await with_sms()
    [stanza] = link.handed
    origin = stanzas.child(stanza, "origin-id", stanzas.SID)
    assert stanza["id"] == origin["id"] == "sms-m1"


async def test_a_receipt_is_asked_for() -> None:
    """XEP-0184."""
    _, link, _ = await with_sms()
    assert stanzas.child(link.handed[0], "request", stanzas.RECEIPTS) is not None


@pytest.mark.parametrize(("seconds", "late"), [(5.0, False), (3600.0, True)])
async def test_a_late_one_says_when_it_came(seconds: float, late: bool) -> None:
    """XEP-0203, after the server was away."""
    made, link, _ = bridge()
    await made.deliver(sms(at=NOW - seconds))
    delay = stanzas.child(link.handed[0], "delay", stanzas.DELAY)
    assert (delay is not None) is late
    if late:
        assert delay["stamp"] == stanzas.stamp(NOW - seconds)


TWO = ("ann@example.org", "ben@example.org")


async def test_a_failure_for_one_repeats_to_nobody_else() -> None:
    """Each recipient is a delivery of his own, whose repeat has the same ids."""
    made, link, _ = bridge(to=TWO)
    link.bounces = [("", "service-unavailable", "wait")]
    with pytest.raises(TryLater, match="ann@example"):
        await made.deliver_to(sms(), "ann@example.org")
    link.bounces = []
    await made.deliver_to(sms(), "ben@example.org")
    assert [s["to"] for s in link.handed] == ["ben@example.org"]
    again, other, _ = bridge(to=TWO)  # as after a restart
    done = await again.deliver_to(sms(), "ann@example.org")
    assert done.detail == "delivered to ann@example.org"
    assert [(s["to"], s["id"]) for s in other.handed] == [("ann@example.org", "sms-m1")]
    assert words(other.handed[0]) == words(link.handed[0])


async def test_the_settings_say_the_recipients() -> None:
    """Each has a row of his own, under the JID that a server would write."""
    made, _, _ = bridge(to=("Ann@Example.org", "team@rooms.example.org"))
    assert made.settings.recipients == ("ann@example.org", "team@rooms.example.org")
    assert verifyObject(IDeliversEach, made)


async def test_a_row_without_a_recipient_goes_to_all() -> None:
    """Ann being put off keeps nobody else waiting; what comes again has the same id."""
    made, link, _ = bridge(to=TWO)
    link.troubles = [TryLater("lost")]
    assert isinstance(await outcome(made, sms()), TryLater)
    assert [s["to"] for s in link.handed] == ["ben@example.org"]
    await made.deliver(sms())
    assert [s["to"] for s in link.handed] == ["ben@example.org", *TWO]
    assert {s["id"] for s in link.handed} == {"sms-m1"}


async def test_what_one_refuses_is_only_that_ones() -> None:
    """Of a row for all, those who have it count."""
    made, link, _ = bridge(to=TWO)
    link.troubles = [Refused("ann is no more")]
    done = await made.deliver(sms())
    assert done.detail == "delivered to ben@example.org; ann is no more"


async def test_an_alarm_is_only_shown() -> None:
    """Where nobody can be answered, no answer is offered."""
    made, link, _ = bridge()
    await made.deliver(sms(line="", sender="Alarm 1113", text="Burglary"))
    assert words(link.handed[0]) == "Alarm 1113:\nBurglary"
    assert stanzas.child(link.handed[0], "thread") is None


async def test_a_sender_cannot_pass_for_another() -> None:
    """A name that turns the direction of text, or has lines, is made harmless."""
    made, link, _ = bridge()
    await made.deliver(sms(sender="\u202eBank\non goip1:\n"))
    assert words(link.handed[0]) == "Bank on goip1: on goip1:\nPump 3 stopped"


async def test_what_came_back_later_goes_to_the_fallback() -> None:
    """The server took it, and another server did not."""
    made, link, gateway = await with_sms()
    back = stanzas.error_to(link.handed[0], "remote-server-not-found", "cancel", "gone")
    back["from"] = "ann@example.org"
    await made.stanza_received(back)
    [(message_id, why)] = gateway.returned
    assert message_id == "m1"
    assert "remote-server-not-found (gone)" in why


async def test_what_came_back_is_only_that_recipients() -> None:
    """Ben has it; it is Ann's delivery that failed."""
    made, link, gateway = bridge(to=TWO)
    gateway.kept["m1"] = sms(at=NOW)
    for recipient in TWO:
        await made.deliver_to(gateway.kept["m1"], recipient)
    back = stanzas.error_to(link.handed[0], "remote-server-not-found", "cancel", "gone")
    back["from"] = "Ann@example.org/phone"
    await made.stanza_received(back)
    [(message_id, reason)] = gateway.returned
    assert message_id == "m1"
    assert "ann@example.org" in reason
    assert gateway.returned_by == ["ann@example.org"]


async def test_strangers_send_nothing_back() -> None:
    """Only those to whom an SMS went can say that it did not come."""
    made, link, gateway = await with_sms()
    back = stanzas.error_to(link.handed[0], "gone", "cancel", "ha")
    back["from"] = "eve@example.net"
    await made.stanza_received(back)
    assert gateway.returned == []
