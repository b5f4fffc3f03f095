"""What may be submitted: everything that a device can take, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.errors import Unacceptable
from goiptwist.goip.frames import SessionOffer, SessionSend, from_server
from goiptwist.model.messages import Submission
from goiptwist.telephony.validation import (
    LONGEST_CLIENT_ID,
    accepted,
    accepted_number,
    accepted_text,
)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+36301234567", "+36301234567"),
        ("06301234567", "06301234567"),
        ("112", "112"),
        ("+36 (30) 123-45/67", "+36301234567"),
        ("+36.30.123\u00a04567", "+36301234567"),
        ("1" * 20, "1" * 20),
    ],
)
def test_numbers(typed: str, number: str) -> None:
    """What people put between digits is taken out."""
    assert accepted_number(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        *("", "+", "12", "1" * 21, "++361", "36+30123", "abc", "+36301234567\n", "123;456"),
        *("\u0661\u0662\u0663\u0664", "123\x00", "*100#", "+36301234567,123", "\ud800123"),
        "123 OK 1\n",
    ],
)
def test_no_numbers(typed: str) -> None:
    """Blanks, separators and other digits would break the frame or be dialled wrong."""
    with pytest.raises(Unacceptable, match="no telephone number") as caught:
        accepted_number(typed)
    assert caught.value.field == "to"


@pytest.mark.parametrize("text", ["x", "a\nb", "a\tb", "x" * 3000, "\u20ac" * 1000, ";:msg:", " "])
def test_texts(text: str) -> None:
    """Up to 3000 bytes of UTF-8 (seed), nothing changed."""
    assert accepted_text(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the text is empty"),
        ("x" * 3001, "3001 bytes"),
        ("\u20ac" * 1001, "3003 bytes"),
        ("a\0b", "U+0000"),
        ("a\rb", "U+000D"),
        ("a\x1bb", "U+001B"),
        ("a\x85b", "U+0085"),
        ("a\ud800b", "surrogate"),
    ],
)
def test_no_texts(text: str, why: str) -> None:
    """Refused with the reason; it is never cut."""
    with pytest.raises(Unacceptable) as caught:
        accepted_text(text)
    assert why in str(caught.value)
    assert caught.value.field == "text"


def submission(**parts: object) -> Submission:
    whole: dict[str, object] = {"origin": "u", "recipients": ("+36301",), "text": "x", **parts}
    return Submission(**whole)  # type: ignore[arg-type]


def test_the_same_number_twice_is_one() -> None:
    """In whatever spelling, and in the order in which they came."""
    whole = accepted(submission(recipients=("+36 301", "112", "+36301", "112")), 0.0)
    assert whole.recipients == ("+36301", "112")


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"recipients": ()}, "to"),
        ({"recipients": ("+36301", "x")}, "to"),
        ({"text": ""}, "text"),
        ({"client_id": "x" * (LONGEST_CLIENT_ID + 1)}, "id"),
        ({"client_id": "\udfff"}, "id"),
    ],
)
def test_the_part_that_is_wrong(parts: dict[str, object], field: str) -> None:
    """One bad number of many refuses the whole: nobody knows which were meant."""
    with pytest.raises(Unacceptable) as caught:
        accepted(submission(**parts), 0.0)
    assert caught.value.field == field


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_accepted_can_be_sent(number: str, text: str) -> None:
    """No accepted number or text breaks a frame: the device reads what we mean."""
    try:
        whole = accepted(submission(recipients=(number,), text=text), 0.0)
    except Unacceptable:
        return
    [recipient] = whole.recipients
    assert from_server(SessionSend(1, 1, recipient).format()) == SessionSend(1, 1, recipient)
    assert from_server(SessionOffer(1, whole.text).format()) == SessionOffer(1, whole.text)
