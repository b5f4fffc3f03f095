"""The arguments of MAIL and RCPT, as RFC 5321 and RFC 6531 have them."""

import pytest

from goiptwist.bridges.mail.intake.envelope import RcptArgument, read_mail, read_recipient
from goiptwist.bridges.mail.submission.interfaces import DsnRequest
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply


def mail(argument, extended=True, login=False):
    return read_mail(argument.encode(), extended=extended, login=login)


def recipient(argument, extended=True, utf8=False):
    return read_recipient(argument, extended=extended, utf8=utf8)


@pytest.mark.parametrize(
    ("argument", "sender"),
    [
        ("FROM:<>", ""),
        ("FROM: <a@example.org>", "a@example.org"),
        ("from:<a@example.org>  ", "a@example.org"),
        ("FROM:<a.b+c=d/e@[192.0.2.1]>", "a.b+c=d/e@[192.0.2.1]"),
        ("FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"),
        ("FROM:<@relay.example.org,@b:a@example.org>", "a@example.org"),
        ('FROM:<"a"@example.org>', "a@example.org"),
        ('FROM:<"a b\\"c>"@example.org>', '"a b\\"c>"@example.org'),
        ("FROM:<a@x> SIZE=100 BODY=8BITMIME", "a@x"),
        ("FROM:<a@x> size=0 body=7bit", "a@x"),
        ("FROM:<ä@exämple.org> SMTPUTF8", "ä@exämple.org"),
    ],
)
def test_senders(argument, sender):
    """What is there is read, and nothing is made of it."""
    assert mail(argument).sender == sender


def test_parameters():
    """Each is kept or understood."""
    assert mail("FROM:<a@x> SIZE=99999999999999999999").size == 10**20 - 1
    assert mail("FROM:<a@x> SMTPUTF8").utf8
    assert mail("FROM:<a@x> AUTH=<>", login=True).sender == "a@x"


@pytest.mark.parametrize(
    ("argument", "codes"),
    [
        ("", "501 5.1.7"),
        ("FROM", "501 5.1.7"),
        ("FROM:a@example.org", "501 5.1.7"),
        ("FROM:<a@example.org", "501 5.1.7"),
        ("FROM:<a b@example.org>", "501 5.1.7"),
        ("FROM:<a@b@c>", "501 5.1.7"),
        ("FROM:<a@x>SIZE=1", "501 5.1.7"),
        ("FROM:<a\t@x>", "501 5.1.7"),
        (f"FROM:<{'a' * 300}@x>", "501 5.1.7"),
        ("FROM:<ä@x>", "553 5.6.7"),
        ("FROM:<\u202ea@x> SMTPUTF8", "501 5.1.7"),
        ("FROM:<a@x> SIZE", "501 5.5.4"),
        ("FROM:<a@x> SIZE=x", "501 5.5.4"),
        ("FROM:<a@x> SIZE=-1", "501 5.5.4"),
        ("FROM:<a@x> SIZE=1 SIZE=1", "501 5.5.4"),
        ("FROM:<a@x> BODY=BINARYMIME", "501 5.5.4"),
        ("FROM:<a@x> SMTPUTF8=1", "501 5.5.4"),
        ("FROM:<a@x> =1", "501 5.5.4"),
        ("FROM:<a@x> A=B=C", "501 5.5.4"),
        ("FROM:<a@x> AUTH=<>", "501 5.5.4"),
        ("FROM:<a@x> RET", "501 5.5.4"),
        ("FROM:<a@x> RET=BODY", "501 5.5.4"),
        ("FROM:<a@x> RET=FULL RET=FULL", "501 5.5.4"),
        ("FROM:<a@x> ENVID", "501 5.5.4"),
        (f"FROM:<a@x> ENVID={'x' * 101}", "501 5.5.4"),
        ("FROM:<a@x> ENVID=a+", "501 5.5.4"),
        ("FROM:<a@x> ENVID=a+2", "501 5.5.4"),
        ("FROM:<a@x> ENVID=a+2b", "501 5.5.4"),  # RFC 3461 section 4: capitals only
        ("FROM:<a@x> ENVID=a+0D+0ABcc:b", "501 5.5.4"),
        ("FROM:<a@x> ENVID=a+C3+A4", "501 5.5.4"),
        ("FROM:<a@x> HOLDFOR=60", "555 5.5.4"),
    ],
)
def test_what_is_wrong_with_a_sender(argument, codes):
    """Every mistake has its answer."""
    with pytest.raises(SmtpReply) as refused:
        mail(argument)
    assert refused.value.codes == codes


def test_helo_has_no_parameters():
    """Whoever said HELO was told of none."""
    with pytest.raises(SmtpReply, match="SIZE is not known here"):
        mail("FROM:<a@x> SIZE=1", extended=False)
    with pytest.raises(SmtpReply, match="NOTIFY is not known here"):
        recipient(b"TO:<a@x> NOTIFY=NEVER", extended=False)


@pytest.mark.parametrize(
    ("argument", "requests"),
    [
        (b"", DsnRequest()),
        (b" NOTIFY=NEVER", DsnRequest(notify=frozenset())),
        (b" notify=success", DsnRequest(notify=frozenset(["success"]))),
        (
            b" NOTIFY=SUCCESS,Failure,DELAY",
            DsnRequest(notify=frozenset(["success", "failure", "delay"])),
        ),
        (b" ORCPT=rfc822;Ann+2Btag@example.org", DsnRequest(orcpt="rfc822;Ann+tag@example.org")),
        (b" ORCPT=RFC822;+3Ca+20b+3E@x", DsnRequest(orcpt="rfc822;<a b>@x")),
        (b" ORCPT=utf-8;\\x{E4}@x", DsnRequest(orcpt="utf-8;\\x{E4}@x")),
    ],
)
def test_wishes(argument, requests):
    """RFC 3461 section 4: what a sender wants to hear about one recipient."""
    assert recipient(b"TO:<a@x>" + argument).request == requests
    assert DsnRequest().notify == {"failure", "delay"}


def test_wishes_about_the_mail():
    """RFC 3461 sections 4.3 and 4.4; they go with each recipient, and its first requests count."""
    envelope = mail("FROM:<a@x> RET=hdrs ENVID=Q+2BQ314159")
    assert (envelope.ret, envelope.envid) == ("HDRS", "Q+Q314159")
    assert mail(f"FROM:<a@x> ENVID={'x' * 100}").envid == "x" * 100
    envelope.add(recipient(b"TO:<a@x> NOTIFY=NEVER"))
    envelope.add(recipient(b"TO:<a@x> NOTIFY=SUCCESS"))
    assert envelope.recipients == ["a@x", "a@x"]
    assert envelope.requests == {
        "a@x": DsnRequest(notify=frozenset(), envid="Q+Q314159", ret="HDRS"),
    }


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("TO:<+36301234567@sms.example.org>", "+36301234567@sms.example.org"),
        ("TO:<line3.+36301234567+token@x>", "line3.+36301234567+token@x"),
        ("TO:<Postmaster>", "Postmaster"),
        ("TO:<0036301234567>", "0036301234567"),
        ('TO:<"+36 30 1234567"@x>', '"+36 30 1234567"@x'),
    ],
)
def test_recipients(argument, named):
    """Numbers look odd in mail, and are no oddity."""
    assert recipient(argument.encode()) == RcptArgument(named)


@pytest.mark.parametrize(
    ("argument", "codes"),
    [
        (b"TO:<>", "501 5.1.3"),
        (b"<a@x>", "501 5.1.3"),
        (b"TO:<a@x> HOLDFOR=60", "555 5.5.4"),
        (b"TO:<a@x> NOTIFY", "501 5.5.4"),
        (b"TO:<a@x> NOTIFY=ALWAYS", "501 5.5.4"),
        (b"TO:<a@x> NOTIFY=SUCCESS,", "501 5.5.4"),
        (b"TO:<a@x> NOTIFY=NEVER,FAILURE", "501 5.5.4"),
        (b"TO:<a@x> NOTIFY=NEVER NOTIFY=NEVER", "501 5.5.4"),
        (b"TO:<a@x> ORCPT=ann@example.org", "501 5.5.4"),
        (b"TO:<a@x> ORCPT=x400;ann", "501 5.5.4"),
        (b"TO:<a@x> ORCPT=rfc822;", "501 5.5.4"),
        (b"TO:<a@x> ORCPT=rfc822;a+0A@x", "501 5.5.4"),
        (b"TO:<a@x> ORCPT=rfc822;a+7F@x", "501 5.5.4"),
        (b"TO:<a@x> ORCPT=rfc822;" + b"a" * 500, "501 5.5.4"),
        (b"TO:<\xc3\xa4@x>", "553 5.6.7"),
        (b"TO:<\xff@x>", "501 5.1.3"),
    ],
)
def test_what_is_wrong_with_a_recipient(argument, codes):
    """Every mistake has its answer."""
    with pytest.raises(SmtpReply) as refused:
        recipient(argument)
    assert refused.value.codes == codes
