"""URLs that tell what became of a message: nothing in a message can change where they go."""

from __future__ import annotations

from datetime import UTC
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.messaging.report_urls import context_of, filled, keywords_of, url_of
from goiptwist.model.messages import Direction, Message, State
from goiptwist.web.ozeki.refusals import Refusal
from goiptwist.web.ozeki.templates import checked_url
from tests.web.powers import NOON

MESSAGE = Message(
    id="tag-7",
    direction=Direction.OUT,
    recipient="+36201234567",
    text="Tür & Tor?",
    at=NOON,
    state=State.SENT,
)


def test_keywords() -> None:
    """Each becomes its value, percent-encoded, and what is none stays."""
    template = (
        "http://x.example/r?from=$originator&to=$recipient&id=$MessageID&t=$messagetype"
        "&d=$messagedata&at=$senttime&c=$statuscode&s=$status&$unknown=$&x=$messageid_7"
    )
    assert filled(template, keywords_of(MESSAGE, UTC)) == (
        "http://x.example/r?from=&to=%2B36201234567&id=tag-7&t=SMS%3ATEXT"
        "&d=T%C3%BCr%20%26%20Tor%3F&at=2024-02-29%2012%3A00%3A00&c=0&s=sent&$unknown=$&x=tag-7_7"
    )


@pytest.mark.parametrize(
    ("changes", "code", "status", "words"),
    [
        ({}, "0", "sent", "sent"),
        ({"report": "delivered"}, "0", "delivered", "delivered"),
        ({"report": "undelivered"}, "1", "undelivered", "undelivered"),
        ({"state": State.FAILED, "reason": "no credit"}, "1", "failed", "failed: no credit"),
        ({"state": State.UNKNOWN}, "1", "unknown", "unknown"),
        ({"state": State.QUEUED}, "0", "queued", "queued"),
    ],
)
def test_what_became_of_it(changes: dict[str, str], code: str, status: str, words: str) -> None:
    """0 is well, as in an accept report; the words are those of the gateway."""
    found = keywords_of(evolve(MESSAGE, **changes))
    assert (found["statuscode"], found["status"], found["statusmessage"]) == (code, status, words)


@given(st.text())
def test_no_text_ends_its_place(text: str) -> None:
    """Whatever an SMS says, it is one value of the query."""
    url = filled("http://x.example/?d=$messagedata&e=1", {"messagedata": text})
    parts = urlsplit(url)
    assert (parts.hostname, parts.fragment) == ("x.example", "")
    assert parse_qs(parts.query, keep_blank_values=True, strict_parsing=True) == {
        "d": [text],
        "e": ["1"],
    }


@pytest.mark.parametrize("url", ["", "http://x", "https://x.example:8443/a?b=$messageid#c"])
def test_good_urls(url: str) -> None:
    assert checked_url("reporturl", url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("x", "/x", "//x", "http:", "http://", "http:///x", "ftp://x", "javascript:alert(1)"),
        *("http://x:0/", "http://x:99999/", "http://x:y/", "http://[::1", "http://$recipient/"),
        *("http://x/ y", "http://x/\r\nHost: y", "http://x/\x00", "http://x/ő", "file:///etc/x"),
        "http://x/" + "a" * 2000,
    ],
)
def test_bad_urls(url: str) -> None:
    """Before anything is sent, and with the name of the parameter."""
    with pytest.raises(Refusal, match=r"^reporturl must be a URL that begins with http") as error:
        checked_url("reporturl", url)
    assert error.value.number == 302


def test_kept_with_the_message() -> None:
    """What is kept comes back; what somebody else keeps there is no template."""
    assert url_of(context_of("http://x/?$status")) == "http://x/?$status"
    assert context_of("") == ""
    for other in ("", "x", "[]", '{"kind":"mail","url":"http://x"}', '{"kind":"reporturl"}'):
        assert url_of(other) == ""
