"""An SMS becomes a mail that says what the SMS said, whoever wrote it."""

import email
import email.errors
import email.message
import email.policy
import re
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from attrs import evolve
from hypothesis import given, settings

from goiptwist.bridges.mail.outgoing.composition import (
    NO_REPLY_NOTE,
    ReplyAddresses,
    body_text,
    compose,
    header_text,
    message_id,
    subject,
)
from goiptwist.bridges.mail.outgoing.settings import MailSettings
from goiptwist.testing.contract import HOSTILE_TEXTS, any_text
from goiptwist.testing.stubs import alarm, sms

SETTINGS = MailSettings(to=("ops@example.org", "boss@example.org"), sender="sms@example.org")

#: The header of each mail, in this order, and nothing else.
HEADER = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "List-Id",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-GoIP-Line",
    "X-GoIP-From",
    "X-GoIP-Id",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]


def read(letter):
    return email.message_from_bytes(letter, policy=email.policy.default)


def test_the_whole_letter():
    """A plain SMS, byte for byte."""
    assert compose(sms(), SETTINGS).decode("ascii").split("\r\n") == [
        'From: "+36301234567 (goip1)" <sms@example.org>',
        "To: ops@example.org, boss@example.org",
        "Subject: SMS from +36301234567 on goip1",
        "Date: Thu, 01 Jan 2026 00:00:00 +0000",
        "Message-ID: <m1.1767225600250@example.org>",
        "References: <conversation.6de11c944d239a56e9154a2f98a6eb6f@example.org>",
        "List-Id: <goip1.example.org>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "X-GoIP-Line: goip1",
        "X-GoIP-From: +36301234567",
        "X-GoIP-Id: m1",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: 7bit",
        "MIME-Version: 1.0",
        "",
        "Pump 3 stopped",
        "",
    ]


def author_of(letter):
    """
    Read the display name and the address. The newer reader of C{email} keeps
    the blank between two encoded words in a name (RFC 2047 section 6.2 says to
    drop it), the older one does not.
    """
    raw = email.message_from_bytes(letter)["From"].replace("\r\n", "")
    shown, address = parseaddr(raw)
    return str(make_header(decode_header(shown))), address


def check_letter(message):
    """What holds for each letter, whatever stands in the SMS."""
    letter = compose(message, SETTINGS)
    assert letter.isascii()
    assert b"\0" not in letter
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", letter), "a bare CR or LF"
    assert max(map(len, letter.split(b"\r\n"))) <= 998, "RFC 5322 section 2.1.1"
    mail = read(letter)
    assert mail.keys() == HEADER
    assert not mail.defects
    assert [str(address) for address in mail["To"].addresses] == list(SETTINGS.to)
    assert author_of(letter) == (
        f"{header_text(message.sender, 64) or 'unknown'} (goip1)",
        SETTINGS.sender,
    )
    assert mail["X-GoIP-From"] == header_text(message.sender, 64)
    assert mail["Subject"] == subject(message, SETTINGS.subject_template)
    text = body_text(message.text)
    assert mail.get_content() == text.removesuffix("\n").replace("\n", "\r\n") + "\r\n"
    assert compose(message, SETTINGS) == letter


@pytest.mark.parametrize("kind", [email.message.Message, email.message.EmailMessage])
def test_stock_breaks_on_line_ends(kind):
    """The classes of C{email} raise where a sender has a line end: that SMS would never arrive."""
    mail = kind()

    def written():
        mail["From"] = "BANK\r\nBcc: evil@example.org"
        return mail.as_bytes()

    with pytest.raises((ValueError, email.errors.HeaderParseError)):
        written()


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_texts(text):
    """No SMS writes a header of its own, and its text comes through."""
    check_letter(sms(text))
    check_letter(sms(sender=text))


@settings(max_examples=300, deadline=None)
@given(text=any_text, sender=any_text)
def test_any_text(text, sender):
    """Nor does any that we could not think of."""
    check_letter(sms(text, sender=sender))


def test_encoded_words_are_not_decoded():
    """What looks like an encoded word is meant literally, line ends and all."""
    letter = compose(sms(sender="=?utf-8?q?=0D=0ABcc:_x?="), SETTINGS)
    assert read(letter)["X-GoIP-From"] == "=?utf-8?q?=0D=0ABcc:_x?="
    assert read(letter)["Bcc"] is None


def test_long_addresses_are_not_encoded():
    """A long line is no reason to write an address as an encoded word."""
    address = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.example.org"
    mail = read(compose(sms(), evolve(SETTINGS, to=(address,), sender=address)))
    assert mail["To"].addresses[0].addr_spec == address
    assert mail["From"].addresses[0].addr_spec == address
    letter = compose(sms(id="m" * 64), evolve(SETTINGS, sender=address))
    assert f"<{'m' * 64}.1767225600250@{address.split('@')[1]}>".encode() in letter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("bell\x07 nul\x00 tab\t", "bell\ufffd nul\ufffd tab\t"),
        ("\x85 \x9b31m", "\ufffd \ufffd31m"),
        ("half \ud83d", "half \ufffd"),
        ("\u202eas written", "\u202eas written"),
    ],
)
def test_body(text, shown):
    """Control characters are shown to be there; everything else stays."""
    assert body_text(text) == shown


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        ("a\r\nBcc: b", "a Bcc: b"),
        ("\u202e7654\u202c", "7654"),
        ("=?utf-8?q?=0D=0A?=", "=?utf-8?q?=0D=0A?="),
        ("x" * 65, "x" * 63 + "…"),
        ("\x00", ""),
    ],
)
def test_header(sender, shown):
    """A header is one line, shows nothing invisible, and is meant literally."""
    assert header_text(sender, 64) == shown


def test_subject_is_filled_once():
    """A sender who calls himself C{{line}} stays that."""
    assert subject(sms(sender="{line}"), "{sender}/{line}/{id}") == "{line}/goip1/m1"


def test_message_id():
    """The same for a repeat, another for another message, and always well formed."""
    assert message_id(sms(), "example.org") == "<m1.1767225600250@example.org>"
    odd = [message_id(sms(id=known), "example.org") for known in ("a b", "a\r\nb", "é", "x" * 99)]
    assert len(set(odd)) == 4
    assert all(re.fullmatch(r"<[0-9a-f]{32}\.1767225600250@example\.org>", made) for made in odd)


OURS = MailSettings(to=("ops@example.org",), sender="sms@example.org", domain="sms.example.org")


def test_from_the_correspondent():
    """Where the domain is ours, a mail is from the number, and a Reply goes to the token."""
    address = "+36301234567@sms.example.org"
    answer = ReplyAddresses(address, "+36301234567+token@sms.example.org")
    mail = read(compose(sms(), OURS, answer))
    assert mail["From"].addresses[0].addr_spec == address
    assert mail["Reply-To"].addresses[0].addr_spec == answer.reply_to
    assert NO_REPLY_NOTE not in mail.get_content()


def test_from_a_fixed_sender():
    """Where no domain is ours, all mails are from one address, and still each has its Reply-To."""
    answer = ReplyAddresses("sms@example.org", "sms++36301234567+token@example.org")
    mail = read(compose(sms(), evolve(SETTINGS, mailbox="sms@example.org"), answer))
    assert mail["From"].addresses[0].addr_spec == "sms@example.org"
    assert mail["From"].addresses[0].display_name == "+36301234567 (goip1)"
    assert mail["Reply-To"].addresses[0].addr_spec == answer.reply_to


@pytest.mark.parametrize("ours", [{"domain": "sms.example.org"}, {"mailbox": "sms@example.org"}])
def test_a_name_cannot_be_answered(ours):
    """It says so, below a signature mark, rather than leaving it to a bounce."""
    mail = read(compose(sms(sender="BANK"), evolve(SETTINGS, **ours)))
    assert mail["Reply-To"] is None
    assert mail["From"].addresses[0].addr_spec == "sms@example.org"
    assert mail.get_content().split() == f"Pump 3 stopped -- {NO_REPLY_NOTE}".split()


def test_one_thread_for_each_correspondent_and_line():
    """The root is the same for all mails of a pair, and another for another pair."""
    roots = [
        read(compose(sms(**changes), OURS))["References"]
        for changes in ({}, {"id": "m2", "text": "x"}, {"line": "goip2"}, {"sender": "+361"})
    ]
    assert roots[0] == roots[1]
    assert len(set(roots)) == 3


# Copies, names, privacy


def test_copies():
    """Who gets a copy in secret is not in the mail."""
    copied = evolve(SETTINGS, cc=("a@example.org", "b@example.org"), bcc=("secret@example.org",))
    letter = compose(sms(), copied)
    assert b"\r\nTo: ops@example.org, boss@example.org\r\nCc: a@example.org, b@exam" in letter
    assert b"secret" not in letter
    many = evolve(SETTINGS, cc=tuple(f"somebody{n}@example.org" for n in range(50)))
    assert len(read(compose(sms(), many))["Cc"].addresses) == 50


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Kovács Béla", "Kovács Béla (+36301234567)"),
        ('"Boss" <boss@example.org>', '"Boss" <boss@example.org> (+36301234567)'),
        ("a\r\nBcc: b@example.org", "a Bcc: b@example.org (+36301234567)"),
        ("x" * 99, "x" * 63 + "… (+36301234567)"),
        ("\u202e", "+36301234567 (goip1)"),
        ("", "+36301234567 (goip1)"),
    ],
)
def test_name(name, shown):
    """A known correspondent is shown by name; the number always stands there too."""
    letter = compose(sms(), OURS, name=name)
    assert author_of(letter) == (shown, "sms@example.org")
    assert read(letter)["Bcc"] is None


@settings(max_examples=100, deadline=None)
@given(name=any_text)
def test_any_name(name):
    """An address book may hold anything."""
    mail = read(compose(sms(), evolve(OURS, subject="{name}/{line}"), name=name))
    assert not mail.defects
    assert mail["Subject"] == subject(sms(), "{name}/{line}", name)
    assert len(mail["From"].addresses) == 1


def test_what_a_subject_can_say():
    """The name is the number where there is none; the text is its beginning, on one line."""
    assert subject(sms(), "{name}", "Béla") == "Béla"
    assert subject(sms(), "{name}") == "+36301234567"
    assert subject(sms("Pump 3\r\nBcc: stopped"), "{line}: {text}") == "goip1: Pump 3 Bcc: stopped"
    assert subject(sms("x" * 41), "{text}") == "x" * 39 + "…"
    assert subject(sms("{sender}"), "{text}", "{text}") == "{sender}"


def test_private():
    """
    Neither the subject nor the From, which lists and locked screens show, tell
    who wrote or what; an answer still goes to the right address.
    """
    answer = ReplyAddresses("+36301234567@sms.example.org", "+36301234567+token@sms.example.org")
    letter = compose(sms(), evolve(OURS, private=True), answer, "Kovács Béla")
    mail = read(letter)
    assert mail["Subject"] == "SMS on goip1"
    assert author_of(letter) == ("SMS on goip1", "sms@example.org")
    assert mail["Reply-To"].addresses[0].addr_spec == answer.reply_to
    assert "Kovács" not in str(mail)


# The conversation

ROOT = "<conversation.6de11c944d239a56e9154a2f98a6eb6f@sms.example.org>"
EARLIER = [f"<m{n}.1767225600250@sms.example.org>" for n in range(5)]


@pytest.mark.parametrize(
    ("earlier", "known"),
    [
        ([], []),
        (EARLIER[:1], EARLIER[:1]),
        (EARLIER, EARLIER[-3:]),
        ([EARLIER[2], EARLIER[3], EARLIER[2]], EARLIER[2:4]),
        ([EARLIER[2], ROOT], EARLIER[2:3]),
        ([EARLIER[1], EARLIER[2]], EARLIER[1:3]),
        (["<a@b>\r\nBcc: c@d", "<a b@c>", "a@b", "<a@b", "<a>", "<@b>", "<é@b>", ""], []),
        (["<a@b>\n", "<a..b@c>", "<=?utf-8?q?x?=@b>", f"<{'a' * 300}@b>", "<a@[::1]>"], []),
    ],
)
def test_earlier_mails(earlier, known):
    """
    The root keeps all together, and the last few ids hang a mail where it
    belongs, in programs that go by the mail that is answered. What is no id
    is left out: it was once in a mail that somebody else wrote.
    """
    mail = read(compose(sms(id="m9"), OURS, earlier=earlier))
    assert mail["References"].split() == [ROOT, *known]
    assert mail["In-Reply-To"] == (known[-1] if known else None)
    assert not mail.defects


def test_a_repeat_does_not_refer_to_itself():
    """Whoever remembers the ids may have remembered this one before it was put off."""
    own = message_id(sms(), "sms.example.org")
    again = compose(sms(), OURS, earlier=[EARLIER[0], own])
    assert again == compose(sms(), OURS, earlier=EARLIER[:1])


def test_references_are_folded():
    """One id on each line; a program that cuts long lines would break one."""
    letter = compose(sms(id="m9"), OURS, earlier=EARLIER[:3])
    folded = "\r\n ".join([ROOT, *EARLIER[:3]])
    assert f"\r\nReferences: {folded}\r\n".encode() in letter


class TestAlarms:
    """An alarm is read on a locked screen in the night."""

    def test_the_whole_letter(self):
        """The sentence in the subject, both forms in the body, nobody to answer."""
        settings = evolve(SETTINGS, domain="sms.example.org", to=("ops@example.org",))
        assert compose(alarm(line="goip1"), settings).decode("ascii").split("\r\n") == [
            'From: "Alarm 1113 (goip1)" <sms@example.org>',
            "To: ops@example.org",
            "Subject: Alarm 1113: audible panic alarm, partition 3, zone 3",
            "Date: Thu, 01 Jan 2026 00:00:00 +0000",
            "Message-ID: <a1.1767225600250@sms.example.org>",
            "References: <conversation.6075a3099c97a1d172e3cf44375f1043@sms.example.org>",
            "X-GoIP-Alarm: 1113,18,1,123,03,003",
            "Importance: high",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: All",
            "X-GoIP-Line: goip1",
            "X-GoIP-From: Alarm 1113",
            "X-GoIP-Id: a1",
            'Content-Type: text/plain; charset="utf-8"',
            "Content-Transfer-Encoding: 7bit",
            "MIME-Version: 1.0",
            "",
            "Account 1113: audible panic alarm, partition 3, zone 3",
            "1113,18,1,123,03,003",
            "",
        ]

    def test_private(self):
        """A list of mails tells that there is an alarm, and no more."""
        head = read(compose(alarm(), evolve(SETTINGS, private=True)))
        assert (head["Subject"], parseaddr(head["From"])[0]) == ("Alarm", "Alarm")

    def test_own_subject(self):
        """A template of one's own is filled in for alarms as well."""
        settings = evolve(SETTINGS, subject="[{sender}] {text}")
        said = read(compose(alarm(), settings))["Subject"]
        assert said == "[Alarm 1113] Account 1113: audible panic alarm, partition 3, zone 3"
