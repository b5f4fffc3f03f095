"""Addresses of numbers, names, lines and pools, and back (XEP-0106)."""

from __future__ import annotations

import pytest
from hypothesis import given
from twisted.words.protocols.jabber.jid import JID

from goiptwist.bridges.xmpp.addressing import (
    ComponentAddress,
    ComponentAddresses,
    bare,
    escape,
    node_of,
    unescape,
)
from goiptwist.testing.contract import HOSTILE_TEXTS, any_text

ADDRESSES = ComponentAddresses("sms.example.org", ("goip1", "GoIP 2"), ("default",))


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("space cadet", r"space\20cadet"),
        ("at&t guy", r"at\26t\20guy"),
        ("d'artagnan", r"d\27artagnan"),
        ("/.fanboy", r"\2f.fanboy"),
        ("::foo::", r"\3a\3afoo\3a\3a"),
        ("<foo>", r"\3cfoo\3e"),
        ("user@host", r"user\40host"),
        (r"c:\net", r"c\3a\net"),
        (r"c:\5commas", r"c\3a\5c5commas"),
    ],
)
def test_the_examples_of_the_xep(text: str, node: str) -> None:
    """XEP-0106 section 5: others escape and read it in the same way."""
    assert escape(text) == node
    assert unescape(node) == text


def test_a_name_is_folded() -> None:
    """Addresses have no capitals; how the sender writes itself is kept elsewhere."""
    assert ADDRESSES.of_sender("T-Mobile H") == r"t-mobile\20h@sms.example.org"
    assert ADDRESSES.of_sender("+36301234567") == "+36301234567@sms.example.org"


@pytest.mark.parametrize("sender", HOSTILE_TEXTS)
def test_any_sender_has_an_address(sender: str) -> None:
    """Whatever a network calls a sender, the server takes a message from it."""
    address = JID(ADDRESSES.of_sender(sender))
    assert address.host == "sms.example.org"
    assert address.user
    assert address.resource is None


@given(any_text)
def test_an_address_is_always_the_same(sender: str) -> None:
    """One sender is one contact, and its address is one that servers leave as it is."""
    node = node_of(sender)
    assert node == node_of(sender)
    assert JID(f"{node}@x").user == node


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("sms.example.org", ComponentAddress()),
        ("sms.example.org/goiptwist", ComponentAddress()),
        ("+36301234567@sms.example.org", ComponentAddress(number="+36301234567")),
        (
            "+36301234567@sms.example.org/goip1",
            ComponentAddress(number="+36301234567", line="goip1"),
        ),
        ("+36301234567@sms.example.org/gone", ComponentAddress(number="+36301234567")),
        ("1777@sms.example.org", ComponentAddress(number="1777")),
        (r"line-goip\202@sms.example.org", ComponentAddress(line="GoIP 2")),
        ("pool-default@sms.example.org", ComponentAddress(pool="default")),
        (r"t-mobile\20h@sms.example.org", ComponentAddress(name=r"t-mobile\20h")),
    ],
)
def test_what_an_address_stands_for(address: str, place: ComponentAddress) -> None:
    """The same address always means the same, and a resource may name a line."""
    assert ADDRESSES.parse(address) == place


@pytest.mark.parametrize("line", ADDRESSES.lines)
def test_lines_have_addresses(line: str) -> None:
    """There and back."""
    assert ADDRESSES.parse(ADDRESSES.of_line(line)) == ComponentAddress(line=line)


def test_no_sender_passes_for_a_line() -> None:
    """Whoever calls himself Line-goip1 is not the line goip1."""
    assert ADDRESSES.parse(ADDRESSES.of_sender("Line-goip1")).line == ""


def test_a_line_that_there_is_not() -> None:
    """It is said, rather than sent by some other."""
    with pytest.raises(ValueError, match="there is no line 'goip9'"):
        ADDRESSES.parse("line-goip9@sms.example.org")


def test_bare() -> None:
    """Who may what is decided without resource and capitals."""
    assert bare("Ann@Example.org/Phone") == "ann@example.org"
    with pytest.raises(ValueError, match="no JID"):
        bare("a@b@c d")
