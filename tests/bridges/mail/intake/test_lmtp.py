"""LMTP (RFC 2033): what is different from SMTP."""

import pytest

from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply
from goiptwist.errors import StoreUnavailable
from tests.bridges.mail.intake.rig import FakeSubmission, IntakeCall, server_context
from tests.bridges.mail.intake.test_session import FROM, ONE, TWO, TWO_NAME


@pytest.fixture
def call():
    return IntakeCall(lmtp=True)


def test_greeting():
    """RFC 2033 section 4.1 and 5: LHLO, and what must be offered."""
    call = IntakeCall(lmtp=True, hello=False)
    assert call.heard() == ["220 sms.example.org LMTP"]
    assert [line[:3] for line in call.ask(b"EHLO me", b"HELO me", FROM)] == ["500", "500", "503"]
    offered = {line[4:] for line in call.ask(b"LHLO me")}
    assert {"PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME"} <= offered


def test_one_answer_for_each_recipient(call):
    """In the order of RCPT, for those only that were taken then, the same twice if named twice."""
    call.submission.refused["no@x"] = SmtpReply(550, "5.1.1", "No")
    call.submission.replies[TWO_NAME] = SmtpReply(452, "4.2.2", "Later")
    assert call.ask(FROM, TWO, b"RCPT TO:<no@x>", ONE, TWO, b"DATA", b"x", b".", b"NOOP") == [
        "250 2.1.0 OK",
        "250 2.1.5 OK",
        "550 5.1.1 No",
        "250 2.1.5 OK",
        "250 2.1.5 OK",
        "354 End with a dot on a line of its own",
        "452 4.2.2 Later",
        "250 2.0.0 Queued",
        "452 4.2.2 Later",
        "250 2.0.0 OK",
    ]


@pytest.mark.parametrize(
    ("lines", "trouble", "answer"),
    [
        ((b"x",), StoreUnavailable("the disk is full"), "451 4.3.0 the disk is full"),
        ((b"one\0two",), None, "554 5.6.0 The mail has a NUL in it"),
        ((b"x" * 2000,), None, "552 5.3.4 The mail is larger than 1024 bytes"),
    ],
)
def test_a_mail_that_is_wrong_for_all(lines, trouble, answer):
    """There are as many answers as recipients, or the far side would count wrongly."""
    call = IntakeCall(server_context(FakeSubmission(trouble=trouble), max_size=1024), lmtp=True)
    assert call.ask(FROM, ONE, TWO, b"DATA", *lines, b".")[4:] == [answer, answer]


def test_nobody_to_send_to(call):
    """RFC 2033 section 4.2: 503, and no mail begins."""
    call.submission.refused[TWO_NAME] = SmtpReply(550, "5.1.1", "No")
    call.says(FROM, TWO, b"DATA", b"NOOP")
    assert call.codes() == [250, 550, 503, 250]


def test_dsn_requests_reach_the_submission(call):
    """RFC 3461: what was asked about each recipient, and about the mail."""
    answers = call.ask(
        b"MAIL FROM:<a@example.org> RET=HDRS ENVID=QQ",
        ONE + b" NOTIFY=NEVER",
        TWO + b" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;ann@example.net",
        b"DATA", b"x", b".",
    )  # fmt: skip
    assert [line[:3] for line in answers] == ["250", "250", "250", "354", "250", "250"]
    [requests] = call.submission.requests
    assert [(sorted(w.notify), w.orcpt, w.envid, w.ret) for w in requests.values()] == [
        ([], "", "QQ", "HDRS"),
        (["failure", "success"], "rfc822;ann@example.net", "QQ", "HDRS"),
    ]
