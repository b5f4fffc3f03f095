# ruff: noqa: RUF001
"""A text in the letters of a cheap SMS: readable, and always within the alphabet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.telephony.gsm7 import fitted
from goiptwist.telephony.segments import BASIC, EXTENSION, Encoding, encoding
from goiptwist.testing.contract import HOSTILE_TEXTS, any_text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        # what the alphabet has stays, however it is composed
        (BASIC.replace("\x1b", "") + EXTENSION, BASIC.replace("\x1b", "") + EXTENSION),
        ("e\u0301 A\u030a", "é Å"),
        ("\u2126 \u212b", "Ω Å"),
        # Hungarian: the nearest that there is, and not plain ASCII
        ("árvíztűrő tükörfúrógép ŰŐ", "arviztürö tükörfurogép ÜÖ"),
        ("Łódź, žluťoučký kůň", "Lodz, zlutoucky kun"),
        ("ça, œuvre, ÿ, ﬁn", "ca, oeuvre, y, fin"),
        # as they are written on handsets in Greece
        ("Καλημέρα, ΰ Ώ ς", "KAΛHMEPA, Y Ω Σ"),
        ("Привет", "Privet"),
        # what word processors make of plain signs
        ("“a” ‘b’ „c“ «d» `e´", '"a" \'b\' "c" "d" \'e\''),
        ("1–2 — 3… 4\u00a05\u202f6\u20117", "1-2 - 3... 4 5 6-7"),
        ("a\tb\u2028c\u2029d\x85e", "a b\nc\nd\ne"),
        ("so\u00adft\u200b\u200e\ufeff, x\u0302", "soft, x"),
        # a figure must not become another one
        ("1½ m², 10² 10⁻³ 5 ½", "1 1/2 m2, 10^2 10-3 5 1/2"),
        ("5 µA, 5 μA, 3 × 4, 20 °C", "5 uA, 5 uA, 3 x 4, 20 degC"),
        # emoji: the text that they have, in one colour
        ("👍🏽 ❤️ 👩\u200d👧 🇭🇺", ":thumbsup: :heart: :woman::girl: HU"),
        # what has no text at all is seen to be missing
        ("a\ud83db\U000f0000c\x1bd\0e", "a?b?cde"),
        ("", ""),
    ],
)
def test_letters(text, written):
    """Each kind of letter that people and programs write."""
    assert fitted(text) == written


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile(text):
    """Whatever it is, it fits."""
    assert encoding(fitted(text)) is Encoding.GSM7


@given(st.one_of(any_text, st.text("μαώ½²⁻1`´\u0301\u030b\u200dou😀", max_size=30)))
def test_any_text(text):
    """It fits, and what fits stays as it is."""
    written = fitted(text)
    assert encoding(written) is Encoding.GSM7
    assert fitted(written) == written
