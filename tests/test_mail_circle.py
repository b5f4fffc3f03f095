"""
The whole circle over real sockets: an SMS comes in, is mailed, somebody
answers with an ordinary mail program, and the answer goes out by the line
that the SMS came in by.
"""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.test_twistd import Mails, Program, free_port, until

pytestmark = [pytest.mark.real, pytest.mark.slow]


class MailProgram(Program):
    """A gateway with a domain of its own, two lines, and a user."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.intake = free_port(socket.SOCK_STREAM)
        state = folder / "state"
        state.mkdir()
        (state / "api-token").write_text("token-of-ann")
        (folder / "goip.toml").write_text(f"""
            state = "{state}"
            goip.listen = "127.0.0.1:{self.udp}"
            http.listen = "127.0.0.1:{self.http}"
            mail.listen = ["127.0.0.1:{self.intake}"]
            mail.domain = "sms.example.org"
            mail.clear_login = true
            numbers.country = "HU"
            line = [
                {{id = "goipid1", password = "password1"}},
                {{id = "goipid2", password = "password2"}},
            ]
            user = [{{name = "ann", password = "ann-password", token = "token-of-ann"}}]
            [bridge.ops]
            kind = "mail"
            to = ["ops@example.org"]
            sender = "sms@example.org"
            domain = "sms.example.org"
            smarthost = "127.0.0.1:{self.smtp}"
            """)

    def options(self) -> list[str]:
        return ["--config", "goip.toml"]

    def takes(self, number: str, text: str) -> None:
        """The device of line goipid1 is given an SMS, and sends it."""
        offer = self.device.recv(4096).decode()
        session = offer.split()[1]
        assert offer == f"MSG {session} {len(text.encode())} {text}\n"
        assert self.ask(f"PASSWORD {session}\n") == f"PASSWORD {session} password1\n"
        assert self.ask(f"SEND {session}\n") == f"SEND {session} 1 {number}\n"
        assert self.ask(f"OK {session} 1 7\n") == f"DONE {session}\n"
        self.device.send(f"DONE {session}\n".encode())


@pytest.fixture
def program(tmp_path: Path) -> Iterator[MailProgram]:
    """A gateway that is not started yet."""
    made = MailProgram(tmp_path)
    yield made
    made.stop()
    made.device.close()


def test_answer(program: MailProgram) -> None:
    """The mail is from the correspondent, and a plain Reply is all it takes."""
    mails = Mails()
    server = Controller(mails, hostname="127.0.0.1", port=program.smtp)
    server.start()
    try:
        program.start()
        program.ask("req:1;id:goipid1;pass:password1;gsm_status:LOGIN;")
        sms = "RECEIVE:7;id:goipid1;password:password1;srcnum:+36301234567;msg:Please call back."
        assert program.ask(sms) == "RECEIVE 7 OK\n"
        (mail,) = until(lambda: list(mails.taken), "the mail arrives")
    finally:
        server.stop()
    assert parseaddr(mail["From"])[1] == "+36301234567@sms.example.org"
    reply = EmailMessage()
    reply["From"] = "Boss <boss@example.org>"
    reply["To"] = mail["Reply-To"]
    reply["Subject"] = f"Re: {mail['Subject']}"
    reply["Message-ID"] = "<reply-1@example.org>"
    reply["In-Reply-To"] = mail["Message-ID"]
    reply["References"] = f"{mail['References']} {mail['Message-ID']}"
    reply.set_content(
        "In ten minutes.\n\nOn 22/11/2026 10:00, +36301234567 wrote:\n> Please call back.\n"
    )
    for _ in range(2):  # an answer that was lost on the way makes a mail come again
        with smtplib.SMTP("127.0.0.1", program.intake, timeout=30) as client:
            client.send_message(reply)
    program.takes("+36301234567", "In ten minutes.")
    sent = until(
        lambda: [
            m
            for m in program.api("/api/v1/messages?direction=out")["messages"]
            if m["state"] == "sent"
        ],
        "the answer is sent",
    )
    assert [(m["line"], m["to"]) for m in sent] == [("goipid1", "+36301234567")]
    assert len(program.api("/api/v1/messages?direction=out")["messages"]) == 1


def test_login(program: MailProgram) -> None:
    """Any program that can mail can text; a stranger is refused while he is there."""
    program.start()
    program.ask("req:1;id:goipid1;pass:password1;gsm_status:LOGIN;")
    to = "goipid1.06301234567@sms.example.org"
    mail = "From: ann@example.org\nMessage-ID: <a1@example.org>\n\nServer down\n"
    with smtplib.SMTP("127.0.0.1", program.intake, timeout=30) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("ann@example.org", [to], mail)
        assert refused.value.recipients[to][0] == 550
        client.login("ann", "ann-password")
        client.sendmail("ann@example.org", [to], mail)
    program.takes("+36301234567", "Server down")
    assert b"ann-password" not in program.log.read_bytes()
