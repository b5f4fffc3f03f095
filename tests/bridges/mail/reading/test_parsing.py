"""Mails of any make are opened; of those that cannot be, only our own error leaves."""

from contextlib import suppress
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goiptwist.bridges.mail.reading.extraction import ReadingSettings, extract_text
from goiptwist.bridges.mail.reading.headers import Headers, text_of
from goiptwist.bridges.mail.reading.parsing import (
    NESTINGS_AT_MOST,
    MailAttachment,
    parse_mail,
)
from goiptwist.errors import Unacceptable
from tests.bridges.mail.reading.test_replies import NAMES, REPLIES

IGNORE = ReadingSettings(attachments="ignore", cut_closing=True, end_mark="$$")


def mail(*lines, headers=()):
    return "\n".join(["From: joe@example.net", *headers, *lines]).encode()


def several(kind, *parts, extra=""):
    body = "\n".join(f"--b{kind}\n{part}" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="b{kind}"{extra}\n\n{body}\n--b{kind}--\n'


def leaf(kind, text="", *fields):
    return "\n".join([f"Content-Type: {kind}", *fields, "", text])


PLAIN, HTML = leaf("text/plain", "plain"), leaf("text/html", "<p>html</p>")
PICTURE = leaf("image/png", "picture", "Content-ID: <p1>", "Content-Disposition: inline")
FILE = leaf("application/pdf", "file", 'Content-Disposition: attachment; filename="a.pdf"')


@pytest.mark.parametrize(
    ("made", "plain", "attached"),
    [
        (PLAIN, "plain", 0),
        (HTML, "", 0),
        ("\nno type at all", "no type at all", 0),
        (several("alternative", PLAIN, HTML), "plain", 0),
        (several("alternative", HTML, PLAIN), "plain", 0),
        (several("alternative", leaf("text/plain", " \n"), HTML), "", 0),
        (several("mixed", several("alternative", PLAIN, HTML), FILE), "plain", 1),
        (several("mixed", PLAIN, FILE, PLAIN), "plain\nplain", 1),
        (several("related", several("alternative", PLAIN, HTML), PICTURE), "plain", 0),
        (several("alternative", PLAIN, several("related", HTML, PICTURE)), "plain", 0),
        # shown by the HTML, though it lies beside it
        (several("mixed", leaf("text/html", '<img src="cid:P1">'), PICTURE), "", 0),
        # a photograph that the writer put there
        (several("mixed", PLAIN, PICTURE), "plain", 1),
        (several("alternative", PLAIN, several("mixed", HTML, PICTURE)), "plain", 1),
        (several("signed", PLAIN, leaf("application/pgp-signature", "x")), "plain", 0),
        (several("signed", PLAIN, leaf("application/pkcs7-signature", "x")), "plain", 0),
        (several("mixed", PLAIN, leaf("message/rfc822", mail("", "x").decode())), "plain", 1),
        (several("unheard-of", PLAIN), "plain", 0),
        (leaf("text/plain; name=a.txt", "x"), "", 1),
        (leaf("text/calendar", "BEGIN:VCALENDAR"), "", 1),
        # says that it has parts, and has none
        ("Content-Type: multipart/mixed; boundary=x\n\nstill a text", "still a text", 0),
        ("Content-Type: multipart/mixed\n\nstill a text", "still a text", 0),
    ],
)
def test_parts(made, plain, attached):
    """Which part is the text, and what counts as an attachment."""
    found = parse_mail(mail(made))
    assert (found.plain.strip(), len(found.attachments)) == (plain, attached)


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("utf-8", "ő€".encode(), "ő€"),
        ("", "ő€".encode(), "ő€"),
        ("us-ascii", "ő€".encode(), "ő€"),
        ("x-unheard-of", "ő€".encode(), "ő€"),
        ("x-unheard-of", b"\xe9\x80", "é€"),
        ("iso-8859-1", b"\xe9\x80", "é€"),
        ("iso-8859-2", "őű".encode("iso-8859-2"), "őű"),
        ("windows-1250", "őű€".encode("cp1250"), "őű€"),
        ("koi8-r", "Еду".encode("koi8-r"), "Еду"),
        ("utf-16", "ő".encode("utf-16"), "ő"),
        ("utf-8", b"\xe9t\xe9", "\ufffdt\ufffd"),
        # codecs of Python that are no charsets
        ("unicode_escape", b"\\u0041", "\\u0041"),
        ("punycode", b"a-b", "a-b"),
        ("rot13", b"abc", "abc"),
        ("zlib", b"abc", "abc"),
        ("\u0151", b"abc", "abc"),
    ],
)
def test_charsets(charset, octets, text):
    """Declared truly, untruly or not at all."""
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    assert parse_mail(head.encode() + octets).plain == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?sz=C3=A1m?=", "szám"),
        ("=?UTF-8?B?c3rDoW0=?=", "szám"),
        ("=?iso-8859-2?Q?f=F5nök_x?=", "=?iso-8859-2?Q?f=F5nök_x?="),
        ("=?iso-8859-2?Q?f=F5n=F6k_x?=", "főnök x"),
        ("a =?utf-8?q?b?= c =?utf-8?q?d?=\r\n =?utf-8?q?e?=", "a b c de"),
        # a character that is torn in two
        ("=?utf-8?b?w6Q=?= =?utf-8?q?=C3?= =?utf-8?q?=A1?=", "äá"),
        ("=?utf-8*hu?q?x?=", "x"),
        ("=?x-unheard-of?q?=E9?=", "é"),
        ("=?utf-8?b?%%%?=", ""),
        ("=?utf-8?b?QQQ?=", "A\x04"),
        ("=?utf-8?q?", "=?utf-8?q?"),
        ("f\udcc5\udc91", "fő"),
    ],
)
def test_encoded_words(raw, text):
    """RFC 2047, and what programs make of it."""
    assert text_of(raw) == text


def test_what_it_answers():
    """The nearest first, each once."""
    found = parse_mail(
        mail("", headers=["In-Reply-To: <b@x> (yes)", "References: <root@x>\n <a@x> <b@x>"])
    )
    assert found.answers == ("b@x", "a@x", "root@x")


def test_the_name_of_an_attachment():
    """It is shown to people, so it is printable and short."""
    name = "=?utf-8?q?terv=0D=0A=E2=80=AE" + "x" * 200 + "?="
    disposition = f'Content-Disposition: attachment; filename="{name}"'
    found = parse_mail(mail(leaf("application/pdf", "x", disposition)))
    assert found.attachments == (MailAttachment(f"terv{'x' * 76}", "application/pdf", 1),)
    with pytest.raises(Unacceptable, match="without 'terv"):
        extract_text(found, ReadingSettings())


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (b"X: " + b"x" * 70_000 + b"\n\ntext", "header is longer than 65536"),
        (b"X: y\n" * 20_000 + b"\ntext", "header is longer than 65536"),
        (mail(several("mixed", *[PLAIN] * 101)), "too many parts"),
        (mail("Content-Type: message/rfc822\n\n" * (NESTINGS_AT_MOST + 1)), "too many parts"),
        (
            b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
                for n in range(30)
            ),
            "too deep",
        ),
        (mail("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx"), "encrypted"),
        (mail(several("encrypted", PLAIN, PLAIN)), "encrypted"),
    ],
)
def test_refused(made, words):
    """What no person's program makes, or nobody but the addressee may read."""
    with pytest.raises(Unacceptable, match=words) as refusal:
        parse_mail(made)
    assert refusal.value.field == "mail"


def anything(octets):
    """Whatever is read: a text for an SMS, or our own error."""
    with suppress(Unacceptable):
        text = extract_text(parse_mail(octets), IGNORE, ["Pump 3 stopped"]).text
        assert text == text.strip("\n")
        assert text
        text.encode()
        assert not any(ord(c) < 32 and c != "\n" for c in text)


FRAGMENTS = [
    b"Content-Type: ", b"multipart/mixed; boundary=", b"text/html", b"text/plain", b"charset=",
    b"utf-7", b"utf-16", b"idna", b"*0*=", b"''%ff", b"\"", b"\r\n", b"\n\n", b"--", b"x", b"=?",
    b"?q?", b"?=", b"message/rfc822", b"Content-Transfer-Encoding: ", b"base64", b"x-uuencode",
    b"quoted-printable", b"begin 644 x\n", b"Content-Disposition: attachment; filename=", b"\0",
    b"\xff", b"\xe2\x80\xae", b"<p", b"<![if", b"<!--", b"</", b">", b"&#x", b"format=flowed",
    b"> ", b"On 2026 10:10 a@b.cc wrote:\n", b"From: a\nSent: b\nTo: c\n", b"$$", b":", b";", b"\t",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join))
def test_made_of_fragments(octets):
    """Nothing but our own error leaves."""
    anything(octets)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_octets(octets):
    """Nor from octets of any kind."""
    anything(octets)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.floats(0, 1),
    st.integers(0, 30),
    st.one_of(st.binary(max_size=5), st.sampled_from(FRAGMENTS)),
)
def test_damaged(name, where, gone, put):
    """Nor from a mail that is damaged anywhere."""
    octets = (REPLIES / f"{name}.eml").read_bytes()
    place = int(where * len(octets))
    anything(octets[:place] + put + octets[place + gone :])


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs"]), min_size=1))
def test_what_is_written_is_read(text):
    """A text of one line without anything around it comes through as it is."""
    made = EmailMessage()
    made.set_content(text)
    found = parse_mail(made.as_bytes())
    assert found.plain.strip("\n") == text


def test_headers_that_are_not_there():
    """They are empty."""
    assert Headers(()).first("Subject") == ""
    assert parse_mail(b"").answers == ()
