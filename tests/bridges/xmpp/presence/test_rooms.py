"""Rooms: who is heard there, and what is posted."""

from __future__ import annotations

import pytest

from goiptwist.bridges.xmpp import stanzas
from goiptwist.testing.stubs import sms
from tests.bridges.xmpp.chats import (
    NOW,
    NUMBER,
    REPLY,
    ROOM,
    bridge,
    chat,
    in_room,
    news,
    occupant,
    parsed,
    spoken,
    texts,
    words,
)


async def test_a_room_is_joined_without_its_past() -> None:
    """Whether a JID is a room, its service says."""
    made, link, _ = bridge(to=(ROOM, "ann@example.org"))
    await made.connected(link)
    joins = [s for s in link.sent if s.name == "presence" and s.getAttribute("to")]
    assert [s["to"] for s in joins] == [f"{ROOM}/SMS"]
    history = stanzas.child(stanzas.child(joins[0], "x", stanzas.MUC), "history", stanzas.MUC)
    assert history["maxstanzas"] == "0"


async def test_a_room_gets_the_sms() -> None:
    """As everybody's message, once the room has shown it."""
    made, link, _ = await in_room()
    await made.deliver(sms(at=NOW))
    [stanza] = link.handed
    assert (stanza["type"], stanza["to"]) == ("groupchat", ROOM)


async def test_a_room_in_capitals() -> None:
    """Servers write JIDs in small letters, so the room answers under those."""
    made, link, _ = bridge(to=("Team@Rooms.example.org",))
    await made.connected(link)
    await made.stanza_received(parsed(occupant("SMS", "", "110")))
    [recipient] = made.settings.recipients
    done = await made.deliver_to(sms(), recipient)
    assert done.detail == f"delivered to {ROOM}"
    assert [s["to"] for s in link.handed] == [ROOM]


async def test_in_a_room_only_an_explicit_form_sends() -> None:
    """People talk to one another there."""
    made, link, gateway = await in_room(plain="last")
    gateway.kept["m1"] = sms(at=NOW)
    await made.deliver(gateway.kept["m1"])
    await made.stanza_received(spoken("who goes there?"))
    await made.stanza_received(spoken("I", "ann", REPLY.format("room-sms-m1"), id="a2"))
    assert gateway.submissions == []
    await made.stanza_received(spoken(f"@{NUMBER}: I come", id="a3"))
    assert texts(gateway) == [(NUMBER, "", "I come")]
    assert link.sent == []


@pytest.mark.parametrize(
    ("nick", "told"), [("eve", "may not send SMS here"), ("ghost", "hides who you are")]
)
async def test_in_a_room_it_must_be_seen_who_speaks(nick: str, told: str) -> None:
    """A nick is no name."""
    made, link, gateway = await in_room()
    await made.stanza_received(spoken("@1777: on", nick))
    assert gateway.submissions == []
    assert told in link.said()[-1]


async def test_the_past_of_a_room_is_no_text() -> None:
    """It comes again at each join of a careless room."""
    made, link, gateway = await in_room()
    delay = f"<delay xmlns='urn:xmpp:delay' stamp='{stanzas.stamp(NOW - 3600)}'/>"
    await made.stanza_received(spoken("@1777: on", "ann", delay))
    await made.stanza_received(spoken("@1777: on", "SMS"))  # we ourselves
    assert (gateway.submissions, link.sent) == ([], [])


async def test_a_failure_is_told_to_the_room() -> None:
    """In words, to whom it concerns."""
    made, link, gateway = await in_room()
    await made.stanza_received(spoken("@1777: on"))
    await made.notify(news(gateway, "failed", "error 38"))
    assert words(link.handed[-1]) == "ann: the SMS was not sent: error 38"


async def test_what_is_whispered_in_a_room_is_not_for_us() -> None:
    """Its address is the room's, and says nothing of who it is."""
    made, link, gateway = await in_room(allow=("rooms.example.org",))
    await made.stanza_received(chat("@1777: on", sender=f"{ROOM}/eve"))
    assert (gateway.submissions, link.sent) == ([], [])


async def test_who_is_put_out_comes_again() -> None:
    """After a while, and not at once: it had a reason."""
    made, link, gateway = await in_room()
    gone = occupant("SMS", "", "110", "307").replace("<presence ", "<presence type='unavailable' ")
    await made.stanza_received(parsed(gone))
    assert link.sent == []
    gateway.clock.advance(21)
    assert [s["to"] for s in link.sent] == [f"{ROOM}/SMS"]
