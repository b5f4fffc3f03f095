"""How many SMS a text is, at the edges of the tables (3GPP TS 23.038 and 23.040)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.telephony.segments import BASIC, EXTENSION, Count, Encoding, count

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("", Count(GSM7, 1, 0, 160)),
        ("a", Count(GSM7, 1, 1, 159)),
        ("a" * 160, Count(GSM7, 1, 160, 0)),
        ("a" * 161, Count(GSM7, 2, 161, 145)),
        ("a" * 306, Count(GSM7, 2, 306, 0)),
        ("a" * 307, Count(GSM7, 3, 307, 152)),
        # the extension table: two septets each
        ("€" * 80, Count(GSM7, 1, 160, 0)),
        ("€" * 80 + "a", Count(GSM7, 2, 161, 144)),  # 76 of them fill 152 of 153
        ("a" * 159 + "€", Count(GSM7, 2, 161, 145)),
        # never torn: the 153rd septet stays empty, and at 306 there is a third part
        ("a" * 152 + "€" + "a" * 8, Count(GSM7, 2, 162, 143)),
        ("a" * 152 + "€" + "a" * 152, Count(GSM7, 3, 306, 152)),
        ("\f^{}\\[~]|€", Count(GSM7, 1, 20, 140)),
        ("\r\n", Count(GSM7, 1, 2, 158)),
        # one character outside both tables, and everything is UCS-2
        ("ő", Count(UCS2, 1, 1, 69)),
        ("a" * 69 + "ő", Count(UCS2, 1, 70, 0)),
        ("a" * 70 + "ő", Count(UCS2, 2, 71, 63)),
        ("ő" * 134, Count(UCS2, 2, 134, 0)),
        ("ő" * 135, Count(UCS2, 3, 135, 66)),
        # beyond the basic plane: a pair, never torn
        ("😀" * 35, Count(UCS2, 1, 70, 0)),
        ("😀" * 36, Count(UCS2, 2, 72, 61)),
        ("ő" * 66 + "😀" + "ő" * 3, Count(UCS2, 2, 71, 62)),
        ("ő" * 66 + "😀" + "ő" * 66, Count(UCS2, 3, 134, 66)),
        # as the tables have it, not as one would guess
        ("áíóőúű", Count(UCS2, 1, 6, 64)),
        ("äöüßéà", Count(GSM7, 1, 6, 154)),
        ("Ç", Count(GSM7, 1, 1, 159)),
        ("ç", Count(UCS2, 1, 1, 69)),
        ("`", Count(UCS2, 1, 1, 69)),
        ("\t", Count(UCS2, 1, 1, 69)),
        ("\x1b", Count(UCS2, 1, 1, 69)),
        ("\ud83d", Count(UCS2, 1, 1, 69)),
    ],
)
def test_count(text, counted):
    """Encoding, parts, units, and the room that is left in the last part."""
    assert count(text) == counted


def test_the_table_is_whole():
    """Seven bits are 128 codes; nothing stands in both tables."""
    assert len(BASIC) == len(set(BASIC)) == 128
    assert BASIC.index("\x1b") == 0x1B
    assert [BASIC.index(c) for c in "@\n\r Aa"] == [0, 0x0A, 0x0D, 0x20, 0x41, 0x61]
    assert not set(BASIC) & set(EXTENSION)


@given(st.text(st.sampled_from("aé€[ő😀\n"), max_size=400))
def test_nothing_is_lost_between_parts(text):
    """What is paid for is what is used, but for a unit a part that could not be torn."""
    counted = count(text)
    single, joined = (160, 153) if counted.encoding is GSM7 else (70, 67)
    if counted.parts == 1:
        assert counted.units + counted.room_left == single
    else:
        torn = counted.parts * joined - counted.units - counted.room_left
        assert 0 <= torn < counted.parts
        assert counted.units > single
        assert 0 <= counted.room_left < joined
