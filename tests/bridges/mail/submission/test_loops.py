"""Mails that must not become SMS, and the sentence that their server gets."""

import re

import pytest

from goiptwist.bridges.mail.outgoing.composition import compose
from goiptwist.bridges.mail.outgoing.settings import MailSettings
from goiptwist.bridges.mail.reading.headers import Headers
from goiptwist.bridges.mail.reading.parsing import parse_mail
from goiptwist.bridges.mail.submission.loops import PairLimiter, check
from goiptwist.errors import Unacceptable
from goiptwist.testing.stubs import sms

PERSON = [
    ("Received", "from a by b"),
    ("From", "Joe <joe@example.net>"),
    ("Message-ID", "<1@example.net>"),
    ("In-Reply-To", "<m1.2@sms.example.org>"),
    ("Auto-Submitted", "no"),
    ("Precedence", "normal"),
    ("Content-Type", "text/plain"),
]


def ask(*fields, sender="joe@example.net", **how):
    check(Headers([*PERSON, *fields]), sender, "sms.example.org", **how)


def test_people():
    """What a person writes passes, an answer to us above all."""
    ask()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([("Auto-Submitted", "auto-replied")], "a program has sent this mail (Auto-Submitted)"),
        ([("auto-submitted", "Auto-Generated; x=y")], "only what people write is sent"),
        ([("Auto-Submitted", "(vacation) auto-replied (really)")], "a program has sent"),
        ([("Auto-Submitted", "")], "a program has sent"),
        ([("X-Autoreply", "yes")], "a program has sent this mail (x-autoreply)"),
        ([("Precedence", "bulk")], "mail to many (Precedence: bulk)"),
        ([("Precedence", " Junk ")], "mail to many (Precedence: junk)"),
        ([("Precedence", "list")], "mail to many (Precedence: list)"),
        ([("List-Id", "<x.example>")], "a mailing list (list-id)"),
        ([("LIST-UNSUBSCRIBE", "<x>")], "a mailing list (list-unsubscribe)"),
        ([("From", "MAILER-DAEMON@example.net")], "nobody sits there"),
        ([("From", "Mail Delivery System <mailer-daemon@x.example>")], "nobody sits there"),
        ([("From", "postmaster@example.net")], "nobody sits there"),
        (
            [("Message-ID", "<k7x2c9-41.1793697312000@SMS.example.org>")],
            "a mail of ours",
        ),
        ([("X-GoIP-Id", "k7-41")], "sent on"),
        ([("Content-Type", "multipart/report; report-type=delivery-status")], "reports"),
        ([("Received", "from c by d")] * 25, "more than 25 servers: it goes in circles"),
    ],
)
def test_refused(fields, words):
    """Each with the reason in words."""
    with pytest.raises(Unacceptable, match=re.escape(words)) as refusal:
        ask(*fields)
    assert refusal.value.field == "mail"


@pytest.mark.parametrize(
    ("sender", "words"),
    [
        ("", "bounces do not become SMS"),
        ("<>", "bounces do not become SMS"),
        ("MAILER-DAEMON", "nobody sits there"),
        ("postmaster@example.net", "nobody sits there"),
        ("postmaster+7@example.net", "nobody sits there"),
    ],
)
def test_refused_by_the_envelope(sender, words):
    """The envelope says it first."""
    with pytest.raises(Unacceptable, match=re.escape(words)):
        ask(sender=sender)


@pytest.mark.parametrize("sender", ["no-reply@example.net", "postmasters@example.net"])
def test_people_with_odd_names(sender):
    """A name that only begins so is a person's; an alarm may come from no-reply."""
    ask(sender=sender)


@pytest.mark.parametrize("known", ["0f3a-77@sms.example.org", "1.2.3@sms.example.org"])
def test_people_of_our_domain(known):
    """Their ids end like ours, for Thunderbird takes the domain of the writer."""
    ask(("Message-ID", f"<{known}>"))


def test_alarms():
    """Where it is allowed, a monitoring system may send; an answer of a program never."""
    ask(("Auto-Submitted", "auto-generated"), generated=True)
    with pytest.raises(Unacceptable):
        ask(("Auto-Submitted", "auto-replied"), generated=True)


def test_our_own_letters():
    """What we write ourselves never comes round, whatever its domain."""
    letter = compose(sms(), MailSettings(to=("a@b.org",), sender="sms@example.org"))
    for domain in ("example.org", "sms.example.org"):
        with pytest.raises(Unacceptable):
            check(parse_mail(letter).headers, "joe@example.net", domain)


def test_pairs():
    """Three in ten minutes; another number, or another writer, is another pair."""
    pairs = PairLimiter()
    for at in (0.0, 10.0, 20.0):
        assert pairs.wait("joe@example.net", "1749", at) == 0
        pairs.sent("joe@example.net", "1749", at)
    assert pairs.wait("JOE@example.net", "1749", 30.0) == 570.0
    assert pairs.wait("joe@example.net", "1750", 30.0) == 0
    assert pairs.wait("eve@example.net", "1749", 30.0) == 0
    assert pairs.wait("joe@example.net", "1749", 600.0) == 0
    pairs.sent("joe@example.net", "1749", 600.0)
    assert pairs.wait("joe@example.net", "1749", 600.0) == 10.0


def test_the_same_mail_again():
    """It is known by its name, counts once, and need not wait; without a name each counts."""
    pairs = PairLimiter()
    for mail in ("1", "1", "1", "2", "3"):
        assert pairs.wait("joe@example.net", "1749", 0.0, mail) == 0
        pairs.sent("joe@example.net", "1749", 0.0, mail)
    assert pairs.wait("joe@example.net", "1749", 0.0, "4") == 600.0
    assert pairs.wait("joe@example.net", "1749", 0.0) == 600.0
    assert pairs.wait("joe@example.net", "1749", 0.0, "1") == 0


def test_pairs_are_bounded():
    """The one that has been silent for longest is let go."""
    pairs = PairLimiter(at_most=1, pairs=100)
    for n in range(1000):
        pairs.sent("joe@example.net", str(n), float(n) / 1000)
        pairs.sent("joe@example.net", "0", float(n) / 1000)
    assert len(pairs._sent) == 100
    assert pairs.wait("joe@example.net", "0", 1.0) > 0
    assert pairs.wait("joe@example.net", "1", 1.0) == 0
