"""
Answers as mail programs write them, in C{replies/}: NAME.eml is the mail,
NAME.txt what its writer typed. A mail that is read wrongly becomes a row here.
"""

from pathlib import Path

import pytest

from goiptwist.bridges.mail.reading.extraction import ReadingSettings, extract_text
from goiptwist.bridges.mail.reading.parsing import parse_mail

REPLIES = Path(__file__).parent / "replies"
NAMES = sorted(path.stem for path in REPLIES.glob("*.eml"))

#: The texts that are answered.
OURS = (
    "Pump 3 stopped, level 82 %. Is anybody on the way?",
    "Szia! Leállt a 3-as szivattyú, a szint 82 %. Jön valaki?",
    "Mikor?",
)
#: Languages that no table knows, in mails that mark no quote: only our own text
#: shows where it begins.
NEEDS_OURS = {"unknown-outlook-nl", "unknown-unmarked-nl"}


def typed(name, ours, ends="\r\n"):
    octets = (REPLIES / f"{name}.eml").read_bytes().replace(b"\n", ends.encode())
    return extract_text(parse_mail(octets), ReadingSettings(), ours).text


def expected(name):
    return (REPLIES / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")


@pytest.mark.parametrize("name", NAMES)
def test_what_was_typed(name):
    """Where we know what we had sent."""
    assert typed(name, OURS) == expected(name)


@pytest.mark.parametrize("name", sorted(set(NAMES) - NEEDS_OURS))
def test_without_our_own_text(name):
    """The tables find the quote by themselves; line ends of any kind."""
    assert typed(name, ()) == expected(name)
    assert typed(name, (), "\n") == expected(name)


def test_there_are_enough():
    """Eight languages, nine programs."""
    languages = {name.rpartition("-")[2] for name in NAMES}
    assert languages >= {"en", "hu", "de", "fr", "es", "it", "pl", "ru"}
    programs = {name.partition("-")[0] for name in NAMES}
    assert programs >= {"gmail", "outlook", "apple", "iphone", "thunderbird", "k9", "samsung"}
    assert len(NAMES) >= 30
