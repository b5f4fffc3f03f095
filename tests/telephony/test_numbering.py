"""A number as people of a country write it becomes the one that the network knows."""

import re

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.config.loader import Problems, section
from goiptwist.errors import Unacceptable
from goiptwist.telephony.numbering import NumbersSettings, international
from goiptwist.telephony.validation import accepted_number
from goiptwist.testing.contract import any_text


@pytest.mark.parametrize(
    ("typed", "country", "meant"),
    [
        ("+36301234567", "HU", "+36301234567"),
        ("0036301234567", "HU", "+36301234567"),
        ("06301234567", "HU", "+36301234567"),
        ("301234567", "HU", "+36301234567"),
        ("36301234567", "HU", "+36301234567"),
        ("+36 06 30 123 4567", "HU", "+36301234567"),
        ("06-30/123-4567", "HU", "+36301234567"),
        ("(06 30) 123.45.67", "HU", "+36301234567"),
        ("06\u00a030 123\u00a04567", "hu", "+36301234567"),
        ("06 1 234 5678", "HU", "+3612345678"),
        ("+49 (0)170 1234567", "HU", "+491701234567"),
        ("0170 1234567", "DE", "+491701234567"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("612 345 678", "ES", "+34612345678"),
        ("333 123 4567", "IT", "+393331234567"),
        ("512 345 678", "PL", "+48512345678"),
        ("8 (916) 123-45-67", "RU", "+79161234567"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("011 36 30 123 4567", "US", "+36301234567"),
        # 00 is what people know, also where something else is dialled
        ("00 36 30 123 4567", "US", "+36301234567"),
        # short codes
        ("112", "HU", "112"),
        ("1749", "HU", "1749"),
        ("171717", "HU", "171717"),
        ("0630", "HU", "0630"),
        ("88822", "US", "88822"),
        # but a whole number, where those are short
        ("55555", "FK", "+50055555"),
        # a range that the library may not know yet
        ("+36999999999", "HU", "+36999999999"),
        ("+88216123456789", "HU", "+88216123456789"),
    ],
)
def test_meant(typed, country, meant):
    """National, international, with ornaments or without."""
    assert international(typed, country) == meant


@pytest.mark.parametrize(
    ("typed", "country", "words"),
    [
        ("0630123", "HU", "the area code is missing for HU (+36)"),
        ("0630123456789", "HU", "too many digits for HU (+36)"),
        ("+3630123", "HU", "for HU (+36)"),
        ("491701234567", "HU", "+ before the code of any other country"),
        ("+999123456", "HU", "no such country code"),
        ("0099912345678", "HU", "no such country code"),
        ("+1749", "HU", "too few digits for US (+1)"),
        ("0630123", "HU", "write +36201234567 or 06 20 123 4567"),
        ("joe", "HU", "3 to 20 digits"),
        ("2025550123 2025550124", "", "are 2 numbers: name each"),
        ("", "HU", "3 to 20 digits"),
        ("06301234567x", "", "3 to 20 digits"),
    ],
)
def test_refused(typed, country, words):
    """Nobody would get it, so it is said at once, with what to write instead."""
    with pytest.raises(Unacceptable, match=re.escape(words)) as refusal:
        international(typed, country)
    assert refusal.value.field == "to"


@pytest.mark.parametrize("typed", ["06301234567", "0036 30 1234567", "+36301234567", "1749"])
def test_without_a_country(typed):
    """Numbers stay as they are written, but for ornaments."""
    assert international(typed) == accepted_number(typed)


def test_zeros_behind_the_country_code():
    """A trunk prefix there is none of the number; more of them are not either."""
    assert international("+95 0000 5654 921", "HU") == international("+95 5654 921", "HU")


@given(
    st.one_of(any_text, st.from_regex(r"\A(\+|00|06)?[0-9]{2,16}\Z")),
    st.sampled_from(["", "HU", "DE", "US", "RU", "JP", "IT", "FK"]),
)
def test_settled(typed, country):
    """What comes out can be dialled, and is not changed by another reading."""
    try:
        number = international(typed, country)
    except Unacceptable:
        return
    assert accepted_number(number) == number
    assert international(number, country) == number


def test_the_key():
    """A wrong country never starts, and the sentence says what was meant."""
    problems = Problems("goip.toml")
    assert section(NumbersSettings, {"country": "hu"}, "[numbers]", problems) is not None
    assert section(NumbersSettings, {}, "[numbers]", problems) == NumbersSettings(country="")
    assert problems.found == []
    for country in ("Hungary", "XX", "36"):
        assert section(NumbersSettings, {"country": country}, "[numbers]", problems) is None
    assert all('no ISO 3166 code of two letters, such as "HU"' in said for said in problems.found)
    assert fields(NumbersSettings).country.metadata["doc"]
