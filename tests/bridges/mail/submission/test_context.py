"""What is remembered of a mail comes back as it was, and nothing else does."""

import json
from contextlib import suppress

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.bridges.mail.submission.context import ID_AT_MOST, TEXT_AT_MOST, MailContext
from goiptwist.testing.contract import any_text

ONE = MailContext(
    to="ann@example.org",
    message_id="2@example.org",
    references=("1@example.org", "2@example.org"),
    subject='Pump "3" äű',
    envid="QQ314159",
    orcpt="rfc822;ann@example.net",
    ret="HDRS",
    notify=frozenset(["success", "failure"]),
    recipient="+36301234567@sms.example.org",
    note="left out: 'plan.pdf'",
    arrived=1_795_000_000,
)
VALUE = {
    "kind": "dsn",
    "to": "ann@example.org",
    "message_id": "2@example.org",
    "references": ["1@example.org", "2@example.org"],
    "subject": 'Pump "3" äű',
    "envid": "QQ314159",
    "orcpt": "rfc822;ann@example.net",
    "ret": "HDRS",
    "notify": ["failure", "success"],
    "recipient": "+36301234567@sms.example.org",
    "note": "left out: 'plan.pdf'",
    "arrived": 1_795_000_000,
}


def test_both_ways():
    """The form is agreed on: messages of an older version wait in the store."""
    assert json.loads(ONE.to_text()) == VALUE
    assert MailContext.from_text(json.dumps(VALUE)) == ONE
    assert "ann@" not in repr(ONE)


def test_an_older_version():
    """It knew no note."""
    older = {key: value for key, value in VALUE.items() if key != "note"}
    assert MailContext.from_text(json.dumps(older)) == evolve(ONE, note="")


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "web"},
        {"more": 1},
        {"to": ""},
        {"to": "ann"},
        {"to": "ann@example.org\r\nBcc: x@y"},
        {"to": "a> <b@c"},
        {"to": None},
        {"message_id": "a b"},
        {"message_id": "<a@b>"},
        {"references": ["x"] * 7},
        {"references": "x"},
        {"references": [["x"]]},
        {"references": ["a\n"]},
        {"subject": "a\nb"},
        {"subject": "x" * 201},
        {"subject": 1},
        {"envid": "x" * 101},
        {"orcpt": "rfc822;\r"},
        {"ret": "full"},
        {"ret": []},
        {"notify": ["often"]},
        {"notify": {"success": 1}},
        {"notify": [{}]},
        {"recipient": None},
        {"note": "a\r\nb"},
        {"note": "x" * 301},
        {"note": None},
        {"arrived": 1.5},
        {"arrived": True},
        {"arrived": -1},
        {"arrived": 10**20},
    ],
)
def test_what_is_no_context(changes):
    """What comes back goes into the headers of a mail: nothing is let through that is odd."""
    with pytest.raises(ValueError, match=r"must be|context"):
        MailContext.from_text(json.dumps(VALUE | changes))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", "1", "[" * 3999, "{", "x" * 4001, '{"kind": "dsn"}']
)
def test_no_object(text):
    """Nor what is no such thing at all."""
    with pytest.raises(ValueError, match="context"):
        MailContext.from_text(text)


@given(any_text)
def test_any_text(text):
    """The only error is ValueError."""
    for key in ("subject", "to", "message_id", "orcpt"):
        with suppress(ValueError):
            assert MailContext.from_text(json.dumps(VALUE | {key: text})).to_text()
    with suppress(ValueError):
        MailContext.from_text(text)


IDS = st.text(st.sampled_from('a"\\@'), min_size=1, max_size=ID_AT_MOST)


@given(IDS, st.lists(IDS, max_size=6), st.text(st.sampled_from('"\\ä'), max_size=200))
def test_it_fits(known, thread, subject):
    """However long its parts are; the thread is shortened at its beginning."""
    one = MailContext(
        to="\\" * 255 + "@" + "b" * 255,
        message_id=known,
        references=tuple(thread),
        subject=subject,
        envid='"' * 100,
        orcpt="rfc822;" + "\\" * 500,
        recipient="\\" * 320,
        arrived=1,
    )
    text = one.to_text()
    assert len(text) <= TEXT_AT_MOST
    kept = MailContext.from_text(text).references
    assert kept == tuple(thread[len(thread) - len(kept) :])
