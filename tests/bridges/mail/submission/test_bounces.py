"""Why a mail came back: as servers write it, and whatever they write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.bridges.mail.submission.bounces import REASON_AT_MOST, failure
from goiptwist.testing.contract import any_text

#: As Postfix 3.7 writes it (bounce(8)), with our own mail behind.
POSTFIX = """\
Return-Path: <>
Date: Tue, 17 Nov 2026 09:12:31 +0000 (UTC)
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bounce+m1.abc@sms.example.org
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4C2B1A0F.1700000000/mx.example.net"
Content-Transfer-Encoding: 8bit
Message-Id: <20261117091231.4C2B1A0F@mx.example.net>

This is a MIME-encapsulated message.

--4C2B1A0F.1700000000/mx.example.net
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

This is the mail system at host mx.example.net.

<ann@example.com>: host mail.example.com[192.0.2.25] said: 550 5.1.1
    <ann@example.com>: Recipient address rejected: User unknown (in reply to
    RCPT TO command)

--4C2B1A0F.1700000000/mx.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 4C2B1A0F
X-Postfix-Sender: rfc822; bounce+m1.abc@sms.example.org
Arrival-Date: Tue, 17 Nov 2026 09:12:30 +0000 (UTC)

Final-Recipient: rfc822; ann@example.com
Original-Recipient: rfc822;ann@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp; 550 5.1.1 <ann@example.com>: Recipient address rejected:
    User unknown

--4C2B1A0F.1700000000/mx.example.net
Content-Description: Undelivered Message
Content-Type: message/rfc822

Subject: SMS from +36301234567
Content-Type: text/plain

Pump 3 stopped
--4C2B1A0F.1700000000/mx.example.net--
"""

#: As Exchange Online writes it.
EXCHANGE = """\
MIME-Version: 1.0
From: <postmaster@example.onmicrosoft.com>
To: <bounce+m1.abc@sms.example.org>
Date: Tue, 17 Nov 2026 09:12:31 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="5f1c0b9e-0b7e-4d3b-a6c5"
Content-Language: en-GB
In-Reply-To: <m1.1767225600250@sms.example.org>
Subject: Undeliverable: SMS from +36301234567
Auto-Submitted: auto-replied

--5f1c0b9e-0b7e-4d3b-a6c5
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="7a3d"

--7a3d
Content-Type: text/plain; charset="us-ascii"

Your message to ann@example.com couldn't be delivered.

--7a3d--

--5f1c0b9e-0b7e-4d3b-a6c5
Content-Type: message/delivery-status

Reporting-MTA: dns;DB9PR01MB0001.eurprd01.prod.exchangelabs.com
Received-From-MTA: dns;mail.sms.example.org
Arrival-Date: Tue, 17 Nov 2026 09:12:30 +0000

Original-Recipient: rfc822;ann@example.com
Final-Recipient: rfc822;ann@example.com
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann@example.com not found by SMTP address lookup
X-Display-Name: Ann

--5f1c0b9e-0b7e-4d3b-a6c5
Content-Type: message/rfc822

Subject: SMS from +36301234567

x
--5f1c0b9e-0b7e-4d3b-a6c5--
"""  # noqa: E501

VACATION = "From: Ann <ann@example.com>\nSubject: On holiday\nAuto-Submitted: auto-replied\n\nHi\n"


def said(text):
    return failure(text.replace("\n", "\r\n").encode())


def test_postfix():
    """Status and diagnostic; the number stands there once."""
    assert said(POSTFIX) == (
        "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown"
    )


def test_exchange():
    """Whatever stands in its own words."""
    assert said(EXCHANGE) == (
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann@example.com not found by SMTP "
        "address lookup"
    )


@pytest.mark.parametrize(
    ("was", "now", "reason"),
    [
        # it takes longer, or it has arrived: no failure
        ("Action: failed", "Action: delayed", ""),
        ("Action: failed", "ACTION: Relayed (to a server without DSN)", ""),
        ("Action: failed\nStatus: 5.1.1", "Action: delivered\nStatus: 2.0.0", ""),
        ("Action: failed\nStatus: 5.1.1", "Status: 2.0.0", ""),
        # one of two has failed
        (
            "Final-Recipient: rfc822; ann@example.com\n",
            "Final-Recipient: rfc822; joe@example.com\nAction: delivered\n\n",
            "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown",
        ),
        # something is missing, or broken
        ("Action: failed\n", "", "550 5.1.1 <ann@example.com>: Recipient address rejected: "
         "User unknown"),
        ("Status: 5.1.1\n", "Status: what\n", "550 5.1.1 <ann@example.com>: Recipient address "
         "rejected: User unknown"),
        ("Diagnostic-Code: smtp; 550 5.1.1", "Diagnostic-Code: X-Foo; box\x07 is full",
         "5.1.1: box is full <ann@example.com>: Recipient address rejected: User unknown"),
        ("Diagnostic-Code", "X-Other", "5.1.1"),
        ("Status: 5.1.1\nRemote-MTA: dns; mail.example.com\nDiagnostic-Code", "X-Other",
         "Undelivered Mail Returned to Sender"),
        ("message/delivery-status\n", "text/plain\n", "Undelivered Mail Returned to Sender"),
    ],
)  # fmt: skip
def test_variants(was, now, reason):
    """What the report says counts, and else the subject."""
    assert was in POSTFIX
    assert said(POSTFIX.replace(was, now)) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # qmail, and whoever writes no report
        ("From: MAILER-DAEMON@x\nSubject: failure notice\n\nHi.\n", "failure notice"),
        ("Subject: =?utf-8?q?Unzustellbar=0D=0Ax:_=C3=A4?=\n\n", "Unzustellbar x: ä"),
        ("From: <>\nAuto-Submitted: auto-replied\nSubject: Mail failed\n\n", "Mail failed"),
        ("From: a@b.c\nAuto-Submitted: auto-replied\nX-Failed-Recipients: d@e.f\nSubject: no\n\n",
         "no"),
        ("", "it came back, and does not say why"),
        ("Subject: " + "x" * 70000 + "\n\n", "it came back, and why cannot be read"),
        ("Subject: " + "long " * 200 + "\n\n", ("long " * 60).strip()),
        # no failures: somebody is on holiday, or has read it
        (VACATION, ""),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=x\n"
         "Subject: Read\n\n--x\n\n--x--\n", ""),
        # broken: cut off in the middle
        (POSTFIX[: POSTFIX.index("Final-Recipient")], "Undelivered Mail Returned to Sender"),
        (POSTFIX[: POSTFIX.index("Diagnostic-Code")], "5.1.1"),
    ],
)  # fmt: skip
def test_without_a_report(text, reason):
    """An old server, a broken one, and a person's program."""
    assert said(text) == reason


@given(
    st.one_of(st.binary(max_size=300), any_text.map(lambda text: text.encode("utf-8", "replace")))
)
def test_any_octets(octets):
    """It never raises, and what it says fits into one line."""
    for mail in (octets, POSTFIX.encode().replace(b"5.1.1", octets).replace(b"rfc822", octets)):
        reason = failure(mail)
        assert len(reason) <= REASON_AT_MOST
        assert reason == "" or reason.isprintable()


@given(st.integers(0, len(POSTFIX)), st.integers(0, len(POSTFIX)), st.binary(max_size=9))
def test_damaged(start, end, octets):
    """Nor where a piece of a real one is missing, or another."""
    mail = POSTFIX.encode()
    assert isinstance(failure(mail[:start] + octets + mail[end:]), str)
