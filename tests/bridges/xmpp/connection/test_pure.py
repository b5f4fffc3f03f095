"""What needs neither a clock nor a stream."""

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.bridges.xmpp.connection.acknowledgements import (
    WRAP,
    Overclaimed,
    ReceivedStanzas,
    SentStanzas,
)
from goiptwist.bridges.xmpp.connection.characters import sayable
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.config.values import HostPort


@given(st.text())
def test_what_is_sayable_can_be_read(text):
    """Any XML parser takes what is left of any text."""
    quoted = sayable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    ElementTree.fromstring(f"<body>{quoted}</body>")


@pytest.mark.parametrize("kept", ["a\tb\nc\rd", "Árvíz", "\u202eabc", "😀", "\ud7ff\ue000\ufffd"])
def test_what_may_be_said_stays(kept):
    """Nothing is taken away that XML allows."""
    assert sayable(kept) == kept


@given(st.integers(0, WRAP - 1), st.lists(st.integers(0, 5), max_size=20))
def test_each_stanza_is_confirmed_once(start, steps):
    """Wherever the counter stands, all are confirmed, in order."""
    sent, expected, told, count = SentStanzas(start), [], [], start
    for step in steps:
        for _ in range(step):
            sent.add(len(expected))
            expected.append(len(expected))
        confirmed = len(sent) // 2
        count = (count + confirmed) % WRAP
        told += sent.confirm(count)
    told += sent.confirm((count + len(sent)) % WRAP)
    assert told == expected
    assert sent.confirm(sent.count) == []


@pytest.mark.parametrize("claim", [2, 2**32 - 1, 2**32, -1])
def test_more_than_was_sent(claim):
    """A server that claims that cannot be trusted to have the others."""
    sent = SentStanzas()
    sent.add("one")
    with pytest.raises(Overclaimed):
        sent.confirm(claim)


def test_had_in_order():
    """A stanza that is done counts when all before it are done."""
    had = ReceivedStanzas()
    one, two, three = had.add(), had.add(), had.add()
    had.done(three)
    assert (had.count, had.open) == (0, 3)
    had.done(one)
    assert had.count == 1
    had.done(two)
    assert (had.count, had.open) == (3, 0)


def test_what_comes_again_does_not_count_twice():
    """A session that goes on brings again what was not confirmed."""
    had = ReceivedStanzas()
    one, two = had.add(), had.add()
    had.done(one)
    had.forget()
    again = had.add()
    had.done(two)  # the old one is done at last
    assert had.count == 1
    had.done(again)
    assert had.count == 2


@pytest.mark.parametrize(
    ("jid", "user", "domain", "resource"),
    [
        ("bot@example.org", "bot", "example.org", "goiptwist"),
        ("bot@example.org/office", "bot", "example.org", "office"),
        ("bot@example.org/a@b/c", "bot", "example.org", "a@b/c"),
        ("sms.example.org", "", "sms.example.org", "goiptwist"),
    ],
)
def test_parts_of_a_jid(jid, user, domain, resource):
    """RFC 7622 section 3.1: the first slash ends the domain."""
    access = XmppCredentials(jid=jid, password="secret")
    assert (access.user, access.domain, access.resource) == (user, domain, resource)


def test_nobody_sees_the_password():
    """A value that is logged, or shown in a failure, keeps it to itself."""
    assert "opensesame" not in repr(XmppCredentials(jid="bot@example.org", password="opensesame"))


def test_direct_tls_by_custom():
    """Port 5223 has TLS from the first byte on; others if told so."""
    access = XmppCredentials(jid="bot@example.org", password="x", server=HostPort("a", 5223))
    assert access.is_direct
    assert not XmppCredentials(
        jid="bot@example.org", password="x", server=HostPort("a", 5222)
    ).is_direct
