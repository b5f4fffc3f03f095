"""Presence: who may watch, and what they see."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.bridges.xmpp import stanzas
from tests.bridges.xmpp.chats import (
    ANN,
    CONTACT,
    bridge,
    component,
    presence,
    status,
)


async def test_allowed_people_may_watch() -> None:
    """Without anybody's help; others may not."""
    made, link, _ = bridge()
    for who in (ANN, "eve@example.net"):
        asks = stanzas.presence("bot@example.org", "subscribe")
        asks["from"] = who
        await made.stanza_received(asks)
    kinds = [(s["to"], s.getAttribute("type", "")) for s in link.sent]
    assert ("ann@example.org", "subscribed") in kinds
    assert ("eve@example.net", "unsubscribed") in kinds
    assert ("eve@example.net", "subscribed") not in kinds


async def test_presence_says_how_the_lines_stand() -> None:
    """And again when that changes, not otherwise."""
    made, link, gateway = bridge()
    await made.connected(link)
    await made.chat.update_presence()
    gateway.statuses = gateway.statuses[1:]
    await made.chat.update_presence()
    shown = [stanzas.text_of(stanzas.child(s, "status")) for s in link.sent if s.name == "presence"]
    assert shown == ["1 of 2 lines work", "0 of 1 lines work"]


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
