"""
The whole way round with a real Postfix in the middle and a simulated device at
the end: an SMS becomes a mail, its plain answer becomes an SMS of the same
line, and the handset's report becomes a status mail.
"""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.bridges.mail.intake.test_postfix import postfix_for
from tests.bridges.mail.outgoing.postfix import NEEDS_POSTFIX, Postfix
from tests.bridges.mail.outgoing.smarthosts import Mailbox, smtp_server
from tests.simulated import Simulated
from tests.test_twistd import free_port, until

pytestmark = [pytest.mark.real, pytest.mark.slow, NEEDS_POSTFIX]

BOSS = "boss@example.org"
CUSTOMER = "+36301234567"
#: A number that the network says is nobody's.
NOBODY = "+36301230000"


#: The header of a mail about an SMS, as we write it, and of a status mail.
SMS_HEADER = [
    "From",
    "Reply-To",
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
STATUS_HEADER = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-GoIP-Id",
    "MIME-Version",
    "Content-Type",
]
#: What Postfix puts on top when it delivers.
_DELIVERED = ("Return-Path", "X-Original-To", "Delivered-To", "Received")


class Circle(Simulated):
    """A gateway between a simulated device and a Postfix."""

    behaviour = ("--error", rf"\{NOBODY}$=28")

    def __init__(self, folder: Path, postfix: Postfix, lmtp: int, more: str = "") -> None:
        super().__init__(folder)
        self.postfix = postfix
        (folder / "state").mkdir()
        (folder / "state" / "api-token").write_text("token-of-ann")
        (folder / "goip.toml").write_text(f"""
            state = "{folder}/state"
            name = "gw.example.org"
            goip.listen = "127.0.0.1:{self.udp}"
            http.listen = "127.0.0.1:{self.http}"
            mail.lmtp = ["127.0.0.1:{lmtp}"]
            mail.domain = "sms.example.org"
            numbers.country = "HU"
            line = [
                {{id = "goip1", password = "secret1"}},
                {{id = "goip2", password = "secret2"}},
            ]
            user = [{{name = "ann", token = "token-of-ann"}}]
            contact = [{{number = "{CUSTOMER}", name = "Kovács Béla"}}]
            [bridge.ops]
            kind = "mail"
            to = ["{BOSS}"]
            sender = "sms@example.org"
            domain = "sms.example.org"
            smarthost = "localhost:{postfix.port}"
            tls = "verified"
            ca = "{postfix.authority.pem}"
            {more.format(port=postfix.port)}
            """)

    def mails(self) -> list[EmailMessage]:
        """What Postfix has delivered."""
        parser = BytesParser(_class=EmailMessage, policy=policy.default)
        files = sorted(self.postfix.folder.glob("mail/inbox/new/*"))
        return [parser.parsebytes(path.read_bytes()) for path in files]  # type: ignore[misc]


@contextmanager
def closed(folder: Path, more: str = "", lines: str = "") -> Iterator[Circle]:
    """
    Everything started, and stopped again.

    @param more: of the gateway's configuration.
    @param lines: of Postfix's main.cf.
    """
    lmtp = free_port(socket.SOCK_STREAM)
    with postfix_for(lmtp, extra=lines) as postfix:
        made = Circle(folder, postfix, lmtp, more)
        try:
            made.start()
            made.switch_on()
            yield made
        finally:
            made.switch_off()
            made.stop()
            made.device.close()


def header(mail: Message, *names: str) -> list[Any]:
    return [mail[name] for name in names]


def own_header(mail: Message) -> list[str]:
    """What of the header is ours, in its order: nothing may be missing, or have come in."""
    return [name for name in mail if name not in _DELIVERED]


def reply_to(mail: Message, text: str, number: int = 1) -> EmailMessage:
    """What any mail program makes of Reply."""
    reply = EmailMessage()
    reply["From"] = f"Boss <{BOSS}>"
    reply["To"] = mail["Reply-To"]
    reply["Subject"] = f"Re: {mail['Subject']}"
    reply["Message-ID"] = f"<reply-{number}@example.org>"
    reply["In-Reply-To"] = mail["Message-ID"]
    reply["References"] = f"{mail['References']} {mail['Message-ID']}"
    quoted = "".join(f"> {line}\n" for line in mail.get_payload().splitlines())
    reply.set_content(f"{text}\n\nOn 22/11/2026 10:00, Kovács Béla wrote:\n{quoted}")
    return reply


def test_round(tmp_path: Path) -> None:
    """Every header on the way is looked at."""
    with closed(tmp_path) as circle:
        goes_round(circle)


def goes_round(circle: Circle) -> None:
    circle.hand_in("goip2", CUSTOMER, "Please call back.")
    (mail,) = until(circle.mails, "the mail arrives")
    assert parseaddr(mail["From"]) == (f"Kovács Béla ({CUSTOMER})", f"{CUSTOMER}@sms.example.org")
    answers_to = parseaddr(mail["Reply-To"])[1]
    assert re.fullmatch(rf"\{CUSTOMER}\+[a-z2-7]{{32}}@sms\.example\.org", answers_to)
    assert re.fullmatch(r"<bounce\+[\w-]+\.[a-z2-7]{24}@sms\.example\.org>", mail["Return-Path"])
    assert header(mail, "To", "Auto-Submitted", "List-Id", "X-GoIP-Line", "X-GoIP-From") == [
        BOSS,
        "auto-generated",
        "<goip2.sms.example.org>",
        "goip2",
        CUSTOMER,
    ]
    assert own_header(mail) == SMS_HEADER
    assert mail["Content-Type"] == 'text/plain; charset="utf-8"'
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Subject"] == f"SMS from {CUSTOMER} on goip2"
    assert mail["References"].startswith("<conversation.")
    assert mail["In-Reply-To"] is None
    (kept,) = circle.api("/api/v1/messages?direction=in")["messages"]
    assert mail["X-GoIP-Id"] == kept["id"]
    assert mail["Message-ID"].startswith(f"<{kept['id']}.")
    assert f"{parsedate_to_datetime(mail['Date']):%Y-%m-%dT%H:%M:%S}" == kept["at"][:19]
    assert "with ESMTPS" in mail["Received"]  # verified TLS to the smarthost

    reply = reply_to(mail, "In ten minutes.")
    with smtplib.SMTP("127.0.0.1", circle.postfix.port, timeout=60) as client:
        client.send_message(reply, rcpt_options=["NOTIFY=SUCCESS,FAILURE"])
    until(circle.sent, "the answer is sent")
    assert circle.sent() == [("goip2", CUSTOMER, "In ten minutes.")]

    status = until(
        lambda: [m for m in circle.mails() if m["X-GoIP-Id"] != kept["id"]], "the status mail"
    )
    (told,) = [m for m in status if m.get_content_type() == "multipart/report"]
    check_status(circle, told, answers_to)
    (out,) = circle.api("/api/v1/messages?direction=out")["messages"]
    assert (out["state"], out["report"], out["line"]) == ("sent", "delivered", "goip2")

    circle.hand_in("goip2", CUSTOMER, "Thank you.")
    thanks = until(lambda: [m for m in circle.mails() if "Thank" in m.as_string()], "the thanks")
    root = mail["References"]
    assert thanks[0]["References"].split() == [root, mail["Message-ID"], "<reply-1@example.org>"]
    assert thanks[0]["In-Reply-To"] == "<reply-1@example.org>"
    fails(circle)
    assert "secret1" not in circle.log.read_text()


def fails(circle: Circle) -> None:
    """A plain reply that cannot be sent: its writer hears why, and was not asked whether."""
    circle.hand_in("goip1", NOBODY, "Hello?")
    (mail,) = until(lambda: [m for m in circle.mails() if m["X-GoIP-From"] == NOBODY], "the mail")
    with smtplib.SMTP("127.0.0.1", circle.postfix.port, timeout=60) as client:
        client.send_message(reply_to(mail, "Who is there?", 2))
    (told,) = until(
        lambda: [m for m in circle.mails() if m["In-Reply-To"] == "<reply-2@example.org>"],
        "the failure",
    )
    assert own_header(told) == STATUS_HEADER
    assert told["Subject"] == f"SMS not sent: Re: SMS from {NOBODY} on goip1"
    words, machine, _ = told.iter_parts()
    assert "Your SMS could not be sent." in words.get_content()
    assert "Who is there?" in words.get_content()
    assert header(machine.get_payload(1), "Action", "Status") == ["failed", "5.0.0"]
    assert machine.get_payload(1)["Diagnostic-Code"].startswith("x-goip; ")
    assert [text for _, _, text in circle.sent()] == ["In ten minutes."]


def check_status(circle: Circle, told: EmailMessage, answers_to: str) -> None:
    assert header(told, "To", "From", "Auto-Submitted", "Return-Path", "In-Reply-To") == [
        BOSS,
        "SMS gateway <sms@example.org>",
        "auto-replied",
        "<>",
        "<reply-1@example.org>",
    ]
    assert own_header(told) == STATUS_HEADER
    assert told["Subject"] == f"SMS delivered: Re: SMS from {CUSTOMER} on goip2"
    assert "<reply-1@example.org>" in told["References"]
    words, machine, returned = told.iter_parts()
    assert "The phone has got your SMS." in words.get_content()
    whole, one = machine.get_payload()
    assert header(whole, "Reporting-MTA") == ["dns; gw.example.org"]
    assert header(one, "Final-Recipient", "Action", "Status", "Diagnostic-Code") == [
        f"rfc822; {answers_to}",
        "delivered",
        "2.0.0",
        "x-goip; TP-Status 0",
    ]
    assert header(one, "Original-Recipient", "Remote-MTA") == [f"rfc822; {answers_to}", None]
    assert whole.keys() == ["Reporting-MTA", "Arrival-Date"]
    assert one.keys() == [
        "Original-Recipient",
        "Final-Recipient",
        "Action",
        "Status",
        "Last-Attempt-Date",
        "Final-Log-Id",
        "Diagnostic-Code",
    ]
    assert "Message-ID: <reply-1@example.org>" in returned.get_payload()


DUTY = """
fallback = "duty"
[bridge.duty]
kind = "mail"
sms = false
to = ["duty@example.org"]
sender = "sms@example.org"
smarthost = "127.0.0.1:{port}"
"""


def test_it_comes_back(tmp_path: Path) -> None:
    """
    A smarthost that says yes, and finds out later that there is no such
    mailbox, bounces the mail: then somebody else is told.
    """
    away = Mailbox(rcpt={BOSS: "550 5.1.1 there is no boss"})
    with smtp_server(away) as port:
        further = f"\ntransport_maps = inline:{{ {{{BOSS} = smtp:[127.0.0.1]:{port}}} }} "
        lines = further + "texthash:$config_directory/sms_transport\n"
        with closed(tmp_path, DUTY, lines) as circle:
            circle.hand_in("goip1", CUSTOMER, "Please call back.")
            (mail,) = until(circle.mails, "the mail for duty arrives")
            assert mail["To"] == "duty@example.org"
            (kept,) = circle.api("/api/v1/messages?direction=in")["messages"]
            journey = circle.api(f"/api/v1/messages/{kept['id']}")["journey"]
            (step,) = [step for step in journey if step["what"] == "came back"]
            assert step["where"] == f"bridge:ops {BOSS}"
            assert "there is no boss" in step["detail"]
