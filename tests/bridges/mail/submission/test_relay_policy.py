"""New mails by way of our own mail server: whose they are, and on whose account."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import execute
from twisted.internet.threads import deferToThread

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.users import User
from goiptwist.bridges.mail.imap.settings import ImapSettings
from goiptwist.bridges.mail.intake.service import MailIntake
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.bridges.mail.submission.interfaces import MailClient, MailProtocol
from goiptwist.config.values import HostPort, Network
from tests.bridges.mail.intake.rig import FakeRejections
from tests.bridges.mail.outgoing.smarthosts import free_port
from tests.bridges.mail.submission.test_service import (
    ANN,
    ANSWER,
    NEIGHBOUR,
    STRANGER,
    SubmissionRig,
)

MX = "mx.example.org"
TO = f"{ANSWER}@sms.example.org"
USERS = (
    User(name="ann", mail=("Ann@Example.org",), may=("send",)),
    User(name="ops", mail=("@example.org", "@alarms.example.net")),
    User(name="reader", mail=("joe@example.com",), may=("read",)),
    User(name="nobody"),
)
MAILBOX = evolve(STRANGER, protocol=MailProtocol.IMAP)
PASS = f"{MX}; dmarc=pass header.from=example.org"


def room(**keys: Any) -> SubmissionRig:
    return SubmissionRig(users=USERS, **{"authserv": MX, **keys})


def said(found: str, author: str = "ann@example.org") -> tuple[str, list[str]]:
    """What is said to a mail with that field, and on whose account it went."""
    here = room()
    header = {"Authentication-Results": found} if found else {}
    answer = here.take(NEIGHBOUR, TO, From=author, **header)
    return answer, [origin for origin, *_ in here.sent()]


@pytest.mark.parametrize(
    ("found", "author", "origin"),
    [
        (PASS, "ann@example.org", "user:ann"),
        (PASS, "Ann <ANN@EXAMPLE.ORG>", "user:ann"),
        (PASS.upper(), "ann@example.org", "user:ann"),
        # the domain form; an address of its own comes first
        (PASS, "joe@example.org", "user:ops"),
        (f"{MX}; dkim=pass header.d=example.net", "x@alarms.example.net", "user:ops"),
        (f"{MX}; spf=pass smtp.mailfrom=bounce@example.org", "joe@example.org", "user:ops"),
        # another server's field may stand above ours
        (f"mx.elsewhere; dmarc=fail\r\nAuthentication-Results: {PASS}", "ann@example.org",
         "user:ann"),
    ],
)  # fmt: skip
def test_vouched_for(found: str, author: str, origin: str) -> None:
    """It goes on the account of the user whose address From has."""
    answer, origins = said(found, author)
    assert answer.startswith("250 2.0.0 Kept as")
    assert origins == [origin]


NOT_PROVEN = "550 5.7.1 Nothing proves that the mail is from ann@example.org"


@pytest.mark.parametrize(
    ("found", "author", "answer"),
    [
        ("", "ann@example.org", NOT_PROVEN),
        (f"{MX}; dmarc=fail header.from=example.org", "ann@example.org", NOT_PROVEN),
        (f"{MX}; dkim=pass header.d=evil.example", "ann@example.org", NOT_PROVEN),
        (f"{MX}; none", "ann@example.org", NOT_PROVEN),
        # forged: ours stands on top, or nothing of ours is there
        (f"{MX}; dmarc=fail\r\nAuthentication-Results: {PASS}", "ann@example.org", NOT_PROVEN),
        (f"{MX}; spf=none\r\nAuthentication-Results: {PASS}", "ann@example.org", NOT_PROVEN),
        (PASS.replace("mx.", "mx2."), "ann@example.org", NOT_PROVEN),
        (PASS.replace("mx.", "x.mx."), "ann@example.org", NOT_PROVEN),
        # proven, and nobody's
        (PASS.replace("=example.org", "=example.net"), "ann@example.net",
         "550 5.7.1 ann@example.net is no address of a user"),
        (PASS.replace("=example", "=sub.example"), "ann@sub.example.org",
         "550 5.7.1 ann@sub.example.org is no address of a user"),
        (PASS.replace("=example.org", "=example.com"), "joe@example.com",
         "550 5.7.1 joe@example.com belongs to reader, who may not send"),
        (PASS, "ann@example.org, joe@example.org", "550 5.7.1 The mail has not exactly one"),
    ],
)  # fmt: skip
def test_refused(found: str, author: str, answer: str) -> None:
    """The sentence says what is missing."""
    heard, origins = said(found, author)
    assert heard.startswith(answer)
    assert origins == []


def test_at_rcpt() -> None:
    """A stranger is refused there as ever; what our server brings is known with the mail."""
    here = room()
    assert here.may_write(NEIGHBOUR, TO) == ""
    assert here.may_write(STRANGER, TO).startswith("550 5.7.1 Log in")
    here.gateway.forbidden = "nowhere"  # it is not known yet for whom
    assert here.may_write(NEIGHBOUR, TO) == ""


def test_a_stranger_writes_the_field_himself() -> None:
    """Whoever is no trusted server is not believed, whatever his mail says."""
    here = room()
    answer = here.take(STRANGER, TO, **{"Authentication-Results": PASS})
    assert answer.startswith("550 5.7.1 Log in")
    assert here.sent() == []


def test_who_needs_no_word() -> None:
    """Logins and answers are as they were; without an id so is the trusted network."""
    here = room()
    assert here.take(ANN, TO).startswith("250")
    assert here.take(NEIGHBOUR, here.reply_to()).startswith("250")
    assert [origin for origin, *_ in here.sent()] == ["user:ann", "bridge:ops"]
    open_room = room(authserv="")
    assert open_room.take(NEIGHBOUR, TO).startswith("250")
    assert [origin for origin, *_ in open_room.sent()] == ["host:192.0.2.9"]


def test_one_answer_for_each() -> None:
    """In one mail an answer may go, and a new text may not."""
    here = room()
    content = b"From: eve@evil.example\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n"
    replies: dict[str, Any] = {}

    async def both() -> None:
        recipients = [TO, here.reply_to()]
        replies.update(
            await here.submission.accept(NEIGHBOUR, "eve@evil.example", recipients, content, {})
        )

    execute(lambda: both().send(None)).addErrback(lambda failure: failure.trap(StopIteration))
    assert [reply.code for reply in replies.values()] == [550, 250]


def alarm(client: MailClient, here: SubmissionRig) -> str:
    return here.take(
        client, TO, **{"Authentication-Results": PASS, "Auto-Submitted": "auto-generated"}
    )


def test_alarms() -> None:
    """A monitoring system that is known may send what no person has written."""
    assert alarm(NEIGHBOUR, room()).startswith("250")
    here = room()
    assert "Auto-Submitted" in here.take(
        NEIGHBOUR, here.reply_to(), Auto_Submitted="auto-generated"
    )


def test_a_mailbox() -> None:
    """The id of the mailbox's server makes new mails possible; that of [mail] does not."""
    assert room().may_write(MAILBOX, TO).startswith("550 5.7.1 Log in")
    here = room(authserv="", imap_authserv=MX)
    assert here.may_write(MAILBOX, TO) == ""
    assert alarm(MAILBOX, here).startswith("250")
    assert [origin for origin, *_ in here.sent()] == ["user:ann"]
    assert here.take(MAILBOX, TO).startswith("550 5.7.1 Nothing proves")


def test_settings() -> None:
    """An id is a name; and a server that is not trusted could bring nothing."""
    MailIntakeSettings(authserv=MX, trusted=(Network.from_setting("192.0.2.7"),))
    ImapSettings(authserv=MX)
    with pytest.raises(ValueError, match="authserv needs the address"):
        MailIntakeSettings(authserv=MX)
    for wrong in ("mx; x", "a b", "mx\r\n"):
        with pytest.raises(ValueError, match="authserv must be"):
            ImapSettings(authserv=wrong)


class Exchanger:
    """A mail server between the world and us: looks at the sender, and hands in over LMTP."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        passed = "pass" if envelope.mail_from == "ann@example.org" else "fail"
        found = f"Authentication-Results: {MX}; spf={passed} smtp.mailfrom={envelope.mail_from}"
        with smtplib.LMTP("127.0.0.1", self.port) as lmtp:
            try:
                lmtp.sendmail(
                    envelope.mail_from,
                    envelope.rcpt_tos,
                    found.encode() + b"\r\n" + envelope.original_content,
                )
            except smtplib.SMTPDataError as refused:
                return f"{refused.smtp_code} {refused.smtp_error.decode()}"
            except smtplib.SMTPRecipientsRefused as refused:
                [(code, why)] = refused.recipients.values()
                return f"{code} {why.decode()}"
        return "250 2.0.0 handed in"


@pytest.mark.real
async def test_by_way_of_a_mail_server() -> None:
    """The whole way: the world, a mail server that checks, LMTP, and an SMS."""
    here = room()
    settings = MailIntakeSettings(
        lmtp=(HostPort("127.0.0.1", 0),),
        trusted=(Network.from_setting("127.0.0.0/8"),),
        authserv=MX,
    )
    service = MailIntake(
        reactor,
        settings,
        "sms.example.org",
        accounts=Authenticator(USERS, reactor, execute),
        submission=here.submission,
        rejections=FakeRejections(),
    )
    service.startService()
    [port] = service.ports
    smtp_port = free_port()
    server = Controller(Exchanger(port.getHost().port), hostname="127.0.0.1", port=smtp_port)
    await deferToThread(server.start)
    try:

        def send(sender: str) -> Any:
            forged = f"Authentication-Results: {PASS}\r\n"
            mail = f"{forged}From: ann@example.org\r\nMessage-ID: <1@x>\r\n\r\nPump 3\r\n"
            with smtplib.SMTP("127.0.0.1", smtp_port) as client:
                return client.sendmail(sender, [TO], mail)

        assert await deferToThread(send, "ann@example.org") == {}
        assert here.sent() == [("user:ann", ANSWER, "", "Pump 3")]
        with pytest.raises(smtplib.SMTPDataError, match="Nothing proves"):
            await deferToThread(send, "eve@evil.example")
        assert len(here.sent()) == 1
    finally:
        await deferToThread(server.stop)
        await service.stopService()
