# ruff: noqa: RUF001
"""How the pieces of a mail become the text of an SMS: policies, quotes, signatures."""

import re

import pytest

from goiptwist.bridges.mail.reading.cleaning import cleaned, rejoined
from goiptwist.bridges.mail.reading.extraction import (
    CutReason,
    CutText,
    ReadingSettings,
    extract_text,
)
from goiptwist.bridges.mail.reading.flowed import unflowed
from goiptwist.bridges.mail.reading.headers import Headers
from goiptwist.bridges.mail.reading.html_text import text_from_html
from goiptwist.bridges.mail.reading.parsing import MailAttachment, ParsedMail
from goiptwist.bridges.mail.reading.quotes import split_quote
from goiptwist.bridges.mail.reading.signatures import without_added, without_closing
from goiptwist.bridges.mail.reading.subjects import without_prefixes
from goiptwist.config.loader import Problems, section
from goiptwist.errors import Unacceptable

FILE = MailAttachment("a.pdf", "application/pdf", 9)


def mail(plain="", subject="", answers=False, **more):
    fields = [("Subject", subject), *([("In-Reply-To", "<a@b>")] if answers else [])]
    return ParsedMail(headers=Headers(fields), plain=plain, **more)


def text(plain, ours=(), **rules):
    return extract_text(mail(plain), ReadingSettings(**rules), ours).text


# -- policies --


@pytest.mark.parametrize(
    ("use", "body", "subject", "answers", "text"),
    [
        ("ignore", "body", "subject", False, "body"),
        ("prefix", "body", "subject", False, "subject\nbody"),
        ("prefix", "body", "Fwd: subject", False, "subject\nbody"),
        ("prefix", "", "subject", False, "subject"),
        ("prefix", "body", "", False, "body"),
        ("only-if-body-empty", "body", "subject", False, "body"),
        ("only-if-body-empty", "", "Re: subject", False, "subject"),
        ("only-if-body-empty", "-- \nJoe", "subject", False, "subject"),
        # we wrote the subject of an answer, not the person
        ("prefix", "body", "Re: SMS from 1749", True, "body"),
    ],
)
def test_subject(use, body, subject, answers, text):
    """What becomes of it."""
    rules = ReadingSettings(subject_use=use)
    assert extract_text(mail(body, subject, answers), rules).text == text


@pytest.mark.parametrize(
    ("subject", "left"),
    [
        ("Re: a", "a"),
        ("RE: Re: AW: a", "a"),
        ("Re[2]: a", "a"),
        ("Re (3) : a", "a"),
        ("Vá: Továbbítás: a", "a"),
        ("SV: VS: Odp: Отв: a", "a"),
        ("[EXTERNAL] Fwd: a", "a"),
        ("TR : a", "a"),
        ("Really: a", "Really: a"),
        ("a  b\tc", "a b c"),
        ("Re:", ""),
    ],
)
def test_bare_subject(subject, left):
    """What programs put before it is gone."""
    assert without_prefixes(subject) == left


def test_attachments():
    """Refused with the name and the cure, or left out with a note."""
    with_file = mail("text", attachments=(FILE,))
    with pytest.raises(Unacceptable, match=re.escape("without 'a.pdf'")) as refusal:
        extract_text(with_file, ReadingSettings())
    assert refusal.value.field == "attachments"
    found = extract_text(with_file, ReadingSettings(attachments="ignore"))
    assert (found.text, found.attachments) == ("text", (FILE,))
    assert found.notes == ("left out: 'a.pdf'",)


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ("", "there is no text in the mail"),
        (" \u200b\n\n", "there is no text in the mail"),
        ("> quote", "but what is left out: quote"),
        ("-- \nJoe", "but what is left out: signature"),
        ("On 3 Nov 2026 at 10:15 a@b.cc wrote:\nours", "but what is left out: quote"),
    ],
)
def test_no_text(plain, words):
    """Nobody gets an empty SMS, nor his own words back."""
    with pytest.raises(Unacceptable, match=words) as refusal:
        text(plain)
    assert refusal.value.field == "text"


def test_end_mark():
    """What stands behind the mark is not sent, whatever it is."""
    assert text("Yes $$ confidential", end_mark="$$") == "Yes"
    assert text("Yes\n$$\n-- \nJoe\n", end_mark="$$") == "Yes"
    assert text("5 $$", end_mark="") == "5 $$"
    assert text("> a $$ b\nYes", end_mark="$$") == "Yes"


def test_what_was_cut():
    """The sender can be shown what was left out."""
    found = extract_text(
        mail("Yes\n\nOn 3 Nov 2026 at 10:15 a@b.cc wrote:\n> ours\n\nbelow\n"), ReadingSettings()
    )
    assert found.text == "Yes"
    quote = "On 3 Nov 2026 at 10:15 a@b.cc wrote:\n> ours\n\nbelow"
    assert found.cut == (CutText(CutReason.QUOTE, quote),)
    assert found.notes == ("lines below the quote were left out: write above it",)


def test_the_keys():
    """They can be set, and a wrong one is explained."""
    problems = Problems("goip.toml")
    table = {"subject_use": "prefix", "attachments": "ignore", "end_mark": "$$"}
    assert section(ReadingSettings, table, "[x]", problems) == ReadingSettings(**table)
    assert section(ReadingSettings, {"attachments": "link"}, "[x]", problems) is None
    assert 'must be one of "reject", "ignore"' in problems.found[0]


# -- quotes --

WROTE = "On 3 Nov 2026, at 10:15, Joe <joe@example.net> wrote:"


@pytest.mark.parametrize(
    ("plain", "kept"),
    [
        ("a\n> b", "a"),
        ("a\n> b\nc\n> d\ne", "a\nc\ne"),
        (f"a\n{WROTE}\n> b", "a"),
        (f"a\n\n{WROTE}\nb", "a"),
        (f"{WROTE}\n> b\na", "a"),
        (f"{WROTE}\n> b\na\n> c\nd", "a\nd"),
        # wrapped, with and without blank lines around
        ("a\nOn 3 Nov 2026, at 10:15, Joe\n<joe@example.net> wrote:\n> b", "a"),
        ("a\nOn 3 Nov 2026, at 10:15,\nJoe\n<joe@example.net> wrote:\n> b", "a"),
        ("a b\nJoe <joe@example.net> ezt írta (időpont: 2026. nov. 3., K,\n10:15):\n> b", "a b"),
        ("a\n\nJoe wrote:\n> b", "a"),
        # a header, in bold, with rules above
        ("a\n________________\n*From:* Joe\n*Sent:* now\n*To:* me\n\nb", "a"),
        ("a\n\nDe : Joe\nEnvoyé : mardi\nÀ : moi\nObjet : b\n\nb", "a"),
        ("a\n\n-----Ursprüngliche Nachricht-----\nVon: Joe\nb", "a"),
        ("a\n\n----- Opprinnelig melding -----\nFra: x\nTil: y\nEmne: z\n\nb", "a"),
        # what only looks like it
        ("From: Budapest\nTo: Wien", "From: Budapest\nTo: Wien"),
        ("He wrote:\nyes", "He wrote:\nyes"),
        ("Buy:\n- milk\nat 10:15 in 2026:\nyes", "Buy:\n- milk\nat 10:15 in 2026:\nyes"),
        ("--- important ---\na", "--- important ---\na"),
        ("a -> b\nx > y", "a -> b\nx > y"),
        ("date: 10:15\nto: Joe\nsubject: x", "date: 10:15\nto: Joe\nsubject: x"),
    ],
)
def test_quotes(plain, kept):
    """What the person wrote stays: above the quote, or else between and below."""
    assert cleaned(split_quote(plain).kept) == kept


@pytest.mark.parametrize(
    ("plain", "ours", "kept"),
    [
        ("a\n> Pump 3 stopped", "Pump 3 stopped", "a"),
        ("a\n\nPump 3\nstopped now", "Pump 3 stopped now", "a"),
        ("a\n\nTIS 3 KASIM 2026 10:15 JOE YAZDI:\n\nPump 3 stopped", "Pump 3 stopped", "a"),
        ("a\n\nVan: Joe\nAan: mij\nOnderwerp: x\n\nPump 3 stopped", "Pump 3 stopped", "a"),
        ("Pump 3 stopped\n\na", "Pump 3 stopped", "a"),
        # a short text may be the answer itself
        ("ok\n> ok", "ok", "ok"),
        ("ok", "ok", "ok"),
        # not in the middle of other words
        ("The Pump 3 stopped again", "Pump 3 stopped", "The Pump 3 stopped again"),
        ("Pump 3 stopped again", "Pump 3 stopped", "Pump 3 stopped again"),
        ("a", "", "a"),
    ],
)
def test_our_own_text(plain, ours, kept):
    """Where our own text stands, a quote begins, in whatever language."""
    assert cleaned(split_quote(plain, [ours]).kept) == kept


# -- signatures --


@pytest.mark.parametrize(
    "added",
    [
        "Sent from my iPhone",
        "Sent from Outlook for Android",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Sent from my Android device with K-9 Mail. Please excuse my brevity.",
        "Sent with Proton Mail secure email.",
        "iPhone-ról küldve",
        "Az iPhone-omról küldve",
        "iPademről küldve",
        "Samsung Galaxy okostelefonról küldve.",
        "Elküldve az iPhone-omról",
        "Android-készülékemről K-9 Maillel küldve. Elnézést a rövidségért.",
        "Az Outlook for Android beszerzése",
        "Von meinem iPhone gesendet",
        "Gesendet von Outlook für Android",
        "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
        "Gesendet mit der GMX Mail App",
        "Envoyé de mon iPhone",
        "Télécharger Outlook pour iOS",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Wysłane z iPhone\u2019a",
        "Wysłane z mojego telefonu Samsung.",
        "Отправлено с iPhone",
        "Отправлено из Mail.ru для Android",
    ],
)
def test_added_lines(added):
    """What programs add is gone."""
    assert without_added(f"a\n\n{added}\n").text == "a"
    assert without_added(f"a\n{added}\n\n{added}").text == "a"
    assert without_added(added).text == ""


def test_added_lines_that_are_broken():
    """Where the first of two lines is full."""
    broken = "Diese Nachricht wurde von meinem Android-Gerät mit\nK-9 Mail gesendet."
    assert without_added(f"a\n{broken}").text == "a"


@pytest.mark.parametrize(
    "written",
    [
        "A csomagot elküldve, hívd a telefont",
        "Habe die Mail gesendet",
        "Ich habe es dir aufs Handy gesendet",
        "Elküldtem mailben",
        "Sent from Budapest to Wien",
        "Küldve",
        "Gesendet",
        "Ja wysłałem mail",
    ],
)
def test_what_people_write_themselves(written):
    """Words about mail and telephones are no signature."""
    assert without_added(f"a\n{written}").text == f"a\n{written}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Yes.\n\nÜdv,\nKovács Béla", "Yes."),
        ("Yes.\nÜdv, Béla", "Yes."),
        ("Yes.\nKind regards\nJoe Miller\nControl Room", "Yes."),
        ("Yes.\n\nMit freundlichen Grüßen\n\nJörg Weiß", "Yes."),
        ("Yes.\nС уважением,\nИван Петров", "Yes."),
        ("Yes.\nThanks!", "Yes."),
        # not apart, not a name, or all that there is
        ("Üdv, Béla", "Üdv, Béla"),
        ("Thanks, the pump runs", "Thanks, the pump runs"),
        ("Yes.\nThanks, the pump runs", "Yes.\nThanks, the pump runs"),
        ("Yes.\nThanks\nthe pump runs again", "Yes.\nThanks\nthe pump runs again"),
        ("Yes.\nRegards\nJoe\n+36 30 123 4567", "Yes.\nRegards\nJoe\n+36 30 123 4567"),
        ("Best before 2026", "Best before 2026"),
    ],
)
def test_closings(text, left):
    """Cut where it is certain, and only where that is wished."""
    assert without_closing(text).text == left
    assert extract_text(mail(text), ReadingSettings()).text == text
    assert extract_text(mail(text), ReadingSettings(cut_closing=True)).text == left


@pytest.mark.parametrize("mark", ["-- ", "--", "\u2014"])
def test_delimited_signatures(mark):
    """With the blank that RFC 3676 asks for, and without."""
    assert text(f"Yes\n{mark}\nJoe\nMiller & Co.") == "Yes"


# -- text --


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\u00a0b\u202fc\td", "a b c d"),
        ("a\u200bb\ufeffc\u2060d\u00ade", "abcde"),
        ("a  \r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("\n\na\n\n\n\nb\n\n", "a\n\nb"),
        ("\u202egnp\u202c", "gnp"),
        ("a\x00\x07\x1bb", "ab"),
        ("\ud83d half", " half"),
        ("👩\u200d👩\u200d👧 می\u200cروم", "👩\u200d👩\u200d👧 می\u200cروم"),
        ("a \u200d b", "a  b"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴\U000e0067\U000e0062\U000e007f"),
        ("  indented", "  indented"),
    ],
)
def test_tidy(text, clean):
    """Nothing invisible is paid for."""
    assert cleaned(text) == clean


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (["a" * 70, "b"], ["a" * 70 + " b"]),
        (["a " * 30, "b" * 20], ["a " * 30 + "b" * 20]),
        # had room for the next word, or a new item begins
        (["a" * 40, "b"], ["a" * 40, "b"]),
        (["a" * 75, "- b"], ["a" * 75, "- b"]),
        (["a" * 75, "1. b"], ["a" * 75, "1. b"]),
        (["a" * 75, "", "b"], ["a" * 75, "", "b"]),
        # no program wraps so late: the writer has
        (["a" * 90, "b"], ["a" * 90, "b"]),
        # an answer below a quote
        (["> " + "a" * 73, "b"], ["> " + "a" * 73, "b"]),
    ],
)
def test_rejoined(lines, whole):
    """A newline in the middle of a sentence costs, and looks odd on a telephone."""
    assert rejoined("\n".join(lines)) == "\n".join(whole)


@pytest.mark.parametrize(
    ("flowed", "delsp", "whole"),
    [
        ("a \nb", False, "a b"),
        ("a \nb", True, "ab"),
        ("a\nb", False, "a\nb"),
        ("a \r\nb\r\n", False, "a b\n"),
        (" >a\n From", False, ">a\nFrom"),
        ("> a \n> b\nc", False, "> a b\nc"),
        (">> a \n> b", False, ">> a \n> b"),
        ("a \n-- \nJoe", False, "a \n-- \nJoe"),
        ("a \n\nb", False, "a \nb"),
    ],
)
def test_flowed(flowed, delsp, whole):
    """RFC 3676: lines that were broken for the way."""
    assert unflowed(flowed, delsp=delsp) == whole


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        ("a<br>b", "a\nb"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>b</p>", "a\nb"),
        ("<p style='margin:0'>a</p><p style='margin:0'>b</p>", "a\nb"),
        ("a  \n b &amp; c&nbsp;d &#337;", "a b & c\u00a0d ő"),
        ("<b>a</b><i> b</i>c", "a bc"),
        ("<style>p{}</style><script>x</script><title>t</title>a", "a"),
        ("<head><title>t</title><body>a", "a"),
        ("a<span style='display: none'>b</span>c", "ac"),
        ("a<!-- b --><!--[if mso]>c<![endif]--><![if !mso]>d<![endif]>", "ad"),
        ("a<!-- never closed", "a"),
        ("<blockquote type=cite>a<br>b</blockquote>c", "> a\n> b\n\nc"),
        ("<blockquote style='margin-left:40px'>a</blockquote>", "a"),
        ("a<div id=appendonsend></div><hr><p>b", "a\n> " + "_" * 32 + "\n> \n> b"),
        ("a<div class=gmail_signature>b</div>", "a\n-- \nb"),
        ("<ul><li>a</li><li><p>b</p></li></ul>", "- a\n- b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<img alt='logo'>a<img alt='😀'>", "a😀"),
        # links
        ("<a href='https://x.example/a'>here</a>", "here (https://x.example/a)"),
        ("<a href='https://x.example/'>x.example</a>", "x.example"),
        ("<a href='https://www.x.example/a'>http://x.example/a/</a>", "http://x.example/a/"),
        ("<a href='mailto:a@b.cc'>a@b.cc</a>", "a@b.cc"),
        ("<a href='tel:1749'>call</a>", "call"),
        ("<a href='javascript:x'>a</a><a href='#x'>b</a><a name=c>c</a>", "abc"),
        ("<a href='https://x.example/'><img src=x></a>a", "a"),
        # broken
        ("<b>a<p>b</b></p>", "a\n\nb"),
        ("</p></div>a<", "a<"),
        ("a <b", "a <b"),
        ("<![CDATA[x]]>a", "a"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("", ""),
    ],
)
def test_html(html, seen):
    """What a person sees; quotes and signatures are marked as in plain text."""
    assert text_from_html(html).strip("\n") == seen


@pytest.mark.parametrize(
    ("use", "written", "sent"),
    [
        ("never", "ő" * 100, "ő" * 100),
        ("if-shorter", "ő" * 100, "ö" * 100),
        ("if-shorter", "ő" * 70, "ő" * 70),
        ("always", "ő" * 70, "ö" * 70),
        ("always", "ö", "ö"),
        # nothing would be left of it
        ("always", "\u0301", "\u0301"),
    ],
)
def test_the_letters_of_a_cheap_sms(use, written, sent):
    """Letters are changed only where the operator wants it, and said to be."""
    found = extract_text(mail(written), ReadingSettings(gsm7=use))
    assert found.text == sent
    assert found.respelt is (sent != written)


def test_the_old_name_of_a_key():
    """A file that still has it is told the new one."""
    problems = Problems("goip.toml")
    section(ReadingSettings, {"parts": 3}, "[mail_text]", problems)
    assert "'parts' is called 'segments' now" in str(problems.found)
    problems = Problems("goip.toml")
    section(ReadingSettings, {"segments": 99}, "[mail_text]", problems)
    assert "segments must be 1 to 45" in str(problems.found)
