"""
What further programs write around an answer, in each language: only what the
person wrote is left, without our knowing the text that is quoted.

C{programs.txt} has the answers, of which the first line was typed. Whole mails
as programs make them are in C{replies/}.
"""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from goiptwist.bridges.mail.reading.extraction import ReadingSettings, extract_text
from goiptwist.bridges.mail.reading.parsing import parse_mail

FILE = Path(__file__).parent / "programs.txt"
ANSWERS = [part.partition("\n") for part in FILE.read_text("utf-8").split("=== ")[1:]]


@pytest.mark.parametrize(
    "answer", [text for _, _, text in ANSWERS], ids=[name for name, _, _ in ANSWERS]
)
def test_what_was_typed(answer: str) -> None:
    """Nothing of the quote, its heading or the program's own words becomes an SMS."""
    mail = EmailMessage()
    mail["From"] = "ann@example.org"
    mail.set_content(answer)
    octets = mail.as_bytes().replace(b"\n", b"\r\n")
    typed, below, _ = answer.partition("\n")
    assert below
    assert extract_text(parse_mail(octets), ReadingSettings()).text == typed


def test_all_languages() -> None:
    """Each has several."""
    languages = [name.rpartition("-")[2] for name, _, _ in ANSWERS]
    for language in ("en", "de", "fr", "es", "it", "pl", "ru", "hu"):
        assert languages.count(language) >= 2, language
