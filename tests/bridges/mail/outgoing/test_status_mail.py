"""The status mail: what a person reads, and what a mail program reads (RFC 3464)."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.bridges.mail.outgoing import status_mail
from goiptwist.bridges.mail.submission.context import MailContext
from goiptwist.model.messages import Direction, State
from goiptwist.model.notifications import Notification
from goiptwist.model.subscriptions import STATUSES
from goiptwist.testing.contract import HOSTILE_TEXTS, any_text
from goiptwist.testing.stubs import sms

MAIL = MailContext(
    to="ann@example.org",
    message_id="a1@example.org",
    references=("a0@example.org", "a1@example.org"),
    subject="Pump 3",
    envid="QQ314159",
    orcpt="rfc822;pumps@example.org",
    notify=frozenset({"failure"}),
    recipient="+36301234567@sms.example.org",
    arrived=1_795_000_000,
)
OUT = sms(
    "Pump 3 stopped",
    id="abc-7",
    direction=Direction.OUT,
    sender="",
    recipient="+36301234567",
    state=State.FAILED,
)
NEWS = Notification(
    id="abc-8", status="failed", at=1_795_000_060.0, reason="no credit", message=OUT
)


def written(news: Notification = NEWS, mail: MailContext = MAIL) -> Any:
    octets = status_mail.compose_status(news, mail, "sms@example.org", "gw.example.org")
    octets.decode("ascii")
    assert b"\n" not in octets.replace(b"\r\n", b"")
    return message_from_bytes(octets, policy=policy.default)


def parts(mail: Any) -> tuple[str, Any, Any, str]:
    words, machine, returned = mail.iter_parts()
    whole, one = machine.get_payload()
    return words.get_content(), whole, one, returned.get_payload()


def test_what_was_left_out() -> None:
    """The writer may think that the picture went with it."""
    mail = written(mail=evolve(MAIL, note="left out: 'plan.pdf'"))
    assert "Note: left out: 'plan.pdf'" in parts(mail)[0].splitlines()
    assert "Note:" not in parts(written())[0]


def test_the_whole() -> None:
    """It hangs on the mail that it is about, and no program answers it."""
    mail = written()
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "delivery-status"
    shown = {key: mail[key] for key in ("To", "Subject", "In-Reply-To", "Auto-Submitted")}
    assert shown == {
        "To": "ann@example.org",
        "Subject": "SMS not sent: Pump 3",
        "In-Reply-To": "<a1@example.org>",
        "Auto-Submitted": "auto-replied",
    }
    assert mail["References"] == "<a0@example.org> <a1@example.org>"
    words, whole, one, returned = parts(mail)
    assert "Your SMS could not be sent." in words
    assert "Reason: no credit" in words
    assert "Pump 3 stopped" in words
    assert dict(whole.items()) == {
        "Original-Envelope-Id": "QQ314159",
        "Reporting-MTA": "dns; gw.example.org",
        "Arrival-Date": "Wed, 18 Nov 2026 11:06:40 +0000",
    }
    assert dict(one.items()) == {
        "Original-Recipient": "rfc822; pumps@example.org",
        "Final-Recipient": "rfc822; +36301234567@sms.example.org",
        "Action": "failed",
        "Status": "5.0.0",
        "Last-Attempt-Date": "Wed, 18 Nov 2026 11:07:40 +0000",
        "Final-Log-Id": "abc-7",
        "Diagnostic-Code": "x-goip; no credit",
    }
    assert "Message-ID: <a1@example.org>" in returned


@pytest.mark.parametrize(
    ("what", "action"),
    [
        ("failed", "failed"),
        ("expired", "failed"),
        ("undelivered", "failed"),
        ("cancelled", "failed"),
        ("unknown", "delayed"),
        ("delayed", "delayed"),
        ("sent", "relayed"),
        ("delivered", "delivered"),
    ],
)
def test_what_programs_do_with_it(what: str, action: str) -> None:
    """One that nobody knows about has not failed: it may have arrived."""
    assert parts(written(evolve(NEWS, status=what)))[2]["Action"] == action


def test_every_word() -> None:
    """Whatever can be told has a meaning."""
    assert set(status_mail.WORDINGS) == set(STATUSES)


def test_told_again() -> None:
    """The same mail, byte for byte, so that a receiver can tell; other news is another."""
    assert written()["Message-ID"] == written()["Message-ID"]
    other = evolve(NEWS, status="delivered")
    assert written()["Message-ID"] != written(other)["Message-ID"]


def test_a_mail_without_ids() -> None:
    """Then there is no thread to hang on."""
    bare = MailContext(to="ann@example.org", recipient="+361@sms.example.org", arrived=0)
    mail = written(mail=bare)
    assert (mail["In-Reply-To"], mail["References"]) == (None, None)
    assert mail["Subject"] == "SMS not sent to +36301234567"
    assert parts(mail)[2]["Original-Recipient"] is None


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_texts(text: str) -> None:
    """No line of a reason or an SMS becomes a header, or the end of a part."""
    news = evolve(NEWS, reason=text, message=evolve(OUT, text=text))
    mail = written(news)
    assert len(list(mail.iter_parts())) == 3
    assert parts(mail)[2]["Action"] == "failed"


@given(any_text, st.sampled_from(STATUSES))
def test_any_text(text: str, what: str) -> None:
    """It is always three parts that a program can read."""
    news = evolve(NEWS, status=what, reason=text, message=evolve(OUT, text=text))
    _, whole, one, _ = parts(written(news))
    assert len(whole.keys()) == 3
    assert one["Final-Log-Id"] == "abc-7"
