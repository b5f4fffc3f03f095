"""
Contact ID read and written: the forms that people and receivers write, the
check digit, and what is wrong, said by its name.
C{tests/vectors/contact-id.jsonl} names the source of each frame.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.contact_id import notation
from goiptwist.contact_id.event import Event
from goiptwist.errors import Unacceptable

_FILE = Path(__file__).parent.parent / "vectors" / "contact-id.jsonl"
ROWS = [json.loads(line) for line in _FILE.read_text().splitlines()]
VALID = [row for row in ROWS if row["kind"] == "contactid"]
BROKEN = [row for row in ROWS if row["kind"] == "contactid-negative"]
#: Every frame that no receiver takes.
BAD = [row["frame"] for row in BROKEN] + [row["bad_frame"] for row in VALID if "bad_frame" in row]

SEED = Event(account="1113", qualifier="1", code="123", partition="03", zone="003")

HEX = "0123456789ABCDEF"
#: Without A, which tones cannot carry.
TONES = HEX.replace("A", "")


def events(letters: str, account: int = 4) -> st.SearchStrategy[Event]:
    """Any event of these digits."""

    def of(least: int, most: int = 0) -> st.SearchStrategy[str]:
        return st.text(letters, min_size=least, max_size=most or least)

    return st.builds(
        Event,
        account=of(4, account),
        type=st.sampled_from(["18", "98"]),
        qualifier=st.sampled_from("136"),
        code=of(3),
        partition=of(2),
        zone=of(3),
    )


def meant(row: dict[str, Any]) -> Event:
    fields = row["fields"]
    return Event(
        account=fields["account"],
        type=fields["type"],
        qualifier=fields["qualifier"],
        code=fields["event"],
        partition=fields["group"],
        zone=fields["zone_user"],
    )


def refusal(text: str) -> tuple[str, str]:
    """Which part is said to be wrong, and how."""
    with pytest.raises(Unacceptable) as caught:
        notation.read(text)
    return caught.value.field, str(caught.value)


@pytest.mark.parametrize("row", VALID, ids=lambda row: row["frame"])
def test_every_frame(row: dict[str, Any]) -> None:
    """Each reads as meant, and is written so again, with the same keys."""
    event = meant(row)
    assert notation.read(row["frame"]) == event
    assert notation.digits(event) == row["frame"]
    assert notation.keys(row["frame"]) == row["dtmf"]
    assert notation.read_keys(row["dtmf"]) == event
    assert notation.check_digit(row["frame"][:15]) == row["checksum"]


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row["frame"])
def test_every_broken_frame(row: dict[str, Any]) -> None:
    """A wrong digit is never an alarm of somebody else, as digits or as keys."""
    assert refusal(row["frame"])[0] == "check digit"
    with pytest.raises(Unacceptable):
        notation.read_keys(row["frame"])


def test_a_name_is_no_account() -> None:
    """What a Lupusec panel puts in the place of the account is its name."""
    (row,) = (row for row in ROWS if row["kind"] == "contactid-ip-lupusec")
    assert refusal(row["frame"])[0] == "alarm"


@pytest.mark.parametrize(
    "text",
    [
        "1113,18,1,123,03,003",
        " 1113 , 18,1 ,123,3,3\r\n",
        "1113181123030032",
        " 1113181123030032\n",
        "1113 18 1123 03 003 2",
        "1113 18 1 123 03 003 2",
        "1113 181123030032",
    ],
)
def test_the_forms(text: str) -> None:
    """However the example of the seed is written, it is that event."""
    assert notation.looks_like(text)
    assert notation.read(text) == SEED


def test_lower_case() -> None:
    """Hex digits are the same in both cases."""
    assert notation.read("b0df18160200000" + "8").account == "B0DF"
    assert notation.read("adff,18,1,123,0b,00c").machine == "ADFF,18,1,123,0B,00C"


def test_a_displayed_a() -> None:
    """
    Panels of DSC show an A for a 0. The text is taken, and its check digit
    fits as it would with the 0; but no tone is made of an A.
    """
    event = notation.read("6556 18 3 402 A1 015 D")
    assert event.partition == "A1"
    with pytest.raises(Unacceptable, match="partition A1 has an A") as caught:
        notation.digits(event)
    assert caught.value.field == "partition"


def test_accounts_that_tones_cannot_carry() -> None:
    """Over IP an account may be longer than a tone frame has room for."""
    event = notation.read("13E3186,18,1,302,01,000")
    assert event.account == "13E3186"
    with pytest.raises(Unacceptable, match="more than the 4 digits") as caught:
        notation.digits(event)
    assert caught.value.field == "account"
    with pytest.raises(Unacceptable) as caught:
        notation.read("13E3186,18,1,302,01,000", account_digits=4)
    assert caught.value.field == "account"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "alarm"),
        ("fire!", "alarm"),
        (",18,1,123,03,003", "account"),
        ("11G3,18,1,123,03,003", "account"),
        ("111,18,1,123,03,003", "account"),
        ("11131113111311131,18,1,123,03,003", "account"),
        ("1113,17,1,123,03,003", "type"),
        ("1113,,1,123,03,003", "type"),
        ("1113,18,2,123,03,003", "qualifier"),
        ("1113,18,0,123,03,003", "qualifier"),
        ("1113,18,1,23,03,003", "code"),
        ("1113,18,1,1234,03,003", "code"),
        ("1113,18,1,12X,03,003", "code"),
        ("1113,18,1,123,003,003", "partition"),
        ("1113,18,1,123,,003", "partition"),
        ("1113,18,1,123,03,1003", "zone"),
        ("1113,18,1,123,03,\N{FULLWIDTH DIGIT THREE}", "zone"),
        ("1113,18,1,123,03", "zone"),
        ("1113,18,1,123,03,003,2", "alarm"),
        ("111G181123030032", "account"),
        ("1113171123030032", "type"),
        ("1113180123030032", "qualifier"),
        ("111318112303003", "check digit"),
        ("1113181123030033", "check digit"),
        ("1113 18 1123 03 003 3", "check digit"),
        ("11131 8 1123 03 003 2", "alarm"),
    ],
)
def test_what_is_wrong(text: str, field: str) -> None:
    """Whoever wrote it is told which part to look at."""
    named, sentence = refusal(text)
    assert named == field
    assert (field if field != "alarm" else "1113,18,1,123,03,003") in sentence


@pytest.mark.parametrize("key", ["D", "x", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_key_that_is_no_digit(key: str) -> None:
    """SpanDSP sends D for a check digit of ten; receivers refuse it, and so do we."""
    with pytest.raises(Unacceptable, match="no digit"):
        notation.read_keys("123418113001019" + key)


@pytest.mark.parametrize(
    "text",
    ["Call me, at 5, please", "Alarm!", "1,5 km", "yes", "123456", "2026-01-01, 10:00, fire", ""],
)
def test_what_nobody_means_as_an_alarm(text: str) -> None:
    """An SMS that is no Contact ID is left an SMS."""
    assert not notation.looks_like(text)


@pytest.mark.parametrize(
    "text",
    ["1113,18,2,123,03,003", "1113,18,1,123,03", "1113181123030039", "111G 18 1123 03 003 2"],
)
def test_what_is_meant_and_wrong(text: str) -> None:
    """A slip does not turn an alarm into a mere text."""
    assert notation.looks_like(text)
    with pytest.raises(Unacceptable):
        notation.read(text)


@given(st.text() | st.text("0123456789ABCDEFabcdef*#, ", max_size=30))
def test_nothing_but_unacceptable(text: str) -> None:
    """Whatever a stranger writes, it is an event, or a sentence about what is wrong."""
    for read in (notation.read, notation.read_keys):
        try:
            assert isinstance(read(text), Event)
        except Unacceptable as wrong:
            assert wrong.field  # noqa: PT017
    notation.looks_like(text)


@given(events(TONES))
def test_there_and_back(event: Event) -> None:
    """What is written is read as what it was, in all forms."""
    sixteen = notation.digits(event)
    assert notation.read(sixteen) == event
    assert notation.read_keys(notation.keys(sixteen)) == event
    assert sum(notation.VALUES[digit] for digit in sixteen) % 15 == 0


@given(events(HEX, account=16))
def test_the_machine_form_there_and_back(event: Event) -> None:
    """All events, those with an A or a long account as well, pass through the queue."""
    assert Event.from_machine(event.machine) == event
    assert notation.read(event.machine) == event
    assert notation.looks_like(event.machine)


@given(events(TONES), st.integers(0, 15), st.sampled_from(TONES))
def test_one_wrong_digit(event: Event, place: int, digit: str) -> None:
    """One digit heard wrong never makes another event."""
    sixteen = notation.digits(event)
    damaged = sixteen[:place] + digit + sixteen[place + 1 :]
    if damaged != sixteen:
        assert refusal(damaged)
