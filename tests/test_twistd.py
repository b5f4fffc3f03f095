"""
The whole program as its users run it: twistd in a process of its own, real
UDP, a real SMTP server that is not ours, real HTTP.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).parents[1]
TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile="]
#: Seconds within which anything must have happened, however slow the machine.
PATIENCE = 60.0


def free_port(kind: int) -> int:
    """A port that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], Any], what: str) -> Any:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")


class Mails:
    """What aiosmtpd hands over."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


class Program:
    """twistd goip on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.udp, self.http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        self.smtp = free_port(socket.SOCK_STREAM)
        self.folder = folder
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.device = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.device.settimeout(2)
        self.device.connect(("127.0.0.1", self.udp))

    def options(self) -> list[str]:
        """The small set-up of the README."""
        return [
            *("--line", "goipid1:password1", "--listen", f"127.0.0.1:{self.udp}"),
            *("--mail-to", "ops@example.org", "--mail-from", "sms@example.org"),
            *("--smarthost", f"127.0.0.1:{self.smtp}", "--state", str(self.folder / "state")),
            *("--http", f"127.0.0.1:{self.http}"),
        ]

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*TWISTD, "goip", *self.options()],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        until(self.healthy, "the gateway answers on /healthz")

    def healthy(self) -> bool:
        """Whether it answers at all."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/healthz", timeout=5):
                return True
        except OSError as error:
            return getattr(error, "code", None) == 503

    def stop(self) -> bool:
        """
        Stop it.

        @return: whether it ended in good order; twistd then ends by the signal
            that it was sent.
        """
        if self.process is None:
            return True
        process, self.process = self.process, None
        process.terminate()
        ended = process.wait(PATIENCE)
        return ended == -signal.SIGTERM and b"Server Shut Down" in self.log.read_bytes()

    def ask(self, datagram: str) -> str:
        """What a device does: repeat until there is an answer."""
        for _ in range(20):
            self.device.send(datagram.encode())
            try:
                return self.device.recv(4096).decode()
            except TimeoutError:
                continue
        raise AssertionError(f"no answer to {datagram}")

    def api(self, path: str, body: Any = None) -> Any:
        """Ask over HTTP, with the token that was made."""
        token = (self.folder / "state" / "api-token").read_text().strip()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """A gateway that is not started yet."""
    made = Program(tmp_path)
    yield made
    made.stop()
    made.device.close()


def test_small_set_up(program: Program) -> None:
    """
    Options only: a line registers, an SMS comes in while the mail server is
    away and is mailed when it is back, an SMS goes out, and all of it can be
    read afterwards. Nothing secret stands in the log.
    """
    program.start()
    assert program.ask("req:1;id:goipid1;pass:password1;gsm_status:LOGIN;") == "reg:1;status:0;"
    sms = "RECEIVE:7;id:goipid1;password:password1;srcnum:+36301234567;msg:hello; world"
    assert program.ask(sms) == "RECEIVE 7 OK\n"
    assert program.ask(sms) == "RECEIVE 7 OK\n", "a repeat gets the same answer"

    mails = Mails()
    server = Controller(mails, hostname="127.0.0.1", port=program.smtp)
    until(lambda: b"bridge:mail is not reached" in program.log.read_bytes(), "it notices")
    server.start()
    try:
        (mail,) = until(lambda: list(mails.taken), "the mail arrives once the server is there")
        assert mail["To"] == "ops@example.org"
        assert mail.get_content().rstrip("\r\n") == "hello; world"
        outgoing(program)
    finally:
        server.stop()
    (kept,) = program.api("/api/v1/messages?direction=in")["messages"]
    assert (kept["from"], kept["text"]) == ("+36301234567", "hello; world")
    assert len(mails.taken) == 1
    assert program.stop()
    log = program.log.read_bytes()
    token = (program.folder / "state" / "api-token").read_bytes().strip()
    assert b"password1" not in log
    assert token not in log
    assert b"Traceback" not in log


def outgoing(program: Program) -> None:
    """One SMS out, this test being the device."""
    body = {"to": ["+36307654321"], "text": "hello back", "id": "mine-1"}
    (accepted,) = program.api("/api/v1/messages", body)["messages"]
    assert accepted["to"] == "+36307654321"
    offer = program.device.recv(4096).decode()
    session = offer.split()[1]
    assert offer == f"MSG {session} 10 hello back\n"
    assert program.ask(f"PASSWORD {session}\n") == f"PASSWORD {session} password1\n"
    assert program.ask(f"SEND {session}\n") == f"SEND {session} 1 +36307654321\n"
    assert program.ask(f"OK {session} 1 32\n") == f"DONE {session}\n"
    program.device.send(f"DONE {session}\n".encode())
    path = f"/api/v1/messages/{accepted['id']}"
    shown = until(lambda: (m := program.api(path))["state"] == "sent" and m, "it is sent")
    assert [step["what"] for step in shown["journey"]] == ["accepted", "given to the SIM", "sent"]
    assert program.api("/api/v1/messages", body)["messages"][0]["id"] == accepted["id"]
    report = "DELIVER:6;id:goipid1;password:password1;sms_no:32;state:0;num:+36307654321"
    assert program.ask(report) == "DELIVER 6 OK\n"
    assert program.api(path)["report"] == "delivered"


def test_what_was_kept_outlives_the_process(program: Program) -> None:
    """Stopped with a mail undelivered and an SMS unsent; both go on after the start."""
    program.start()
    program.ask("RECEIVE:7;id:goipid1;password:password1;srcnum:100;msg:kept")
    (accepted,) = program.api("/api/v1/messages", {"to": "+36307654321", "text": "x"})["messages"]
    assert program.stop()
    mails = Mails()
    server = Controller(mails, hostname="127.0.0.1", port=program.smtp)
    server.start()
    try:
        program.start()
        until(lambda: mails.taken, "the mail goes out after the restart")
    finally:
        server.stop()
    assert program.api(f"/api/v1/messages/{accepted['id']}")["state"] == "queued"
    assert program.ask("RECEIVE:7;id:goipid1;password:password1;srcnum:100;msg:kept") == (
        "RECEIVE 7 OK\n"
    )
    assert len(program.api("/api/v1/messages?direction=in")["messages"]) == 1


def test_taken_port(program: Program, tmp_path: Path) -> None:
    """A port that somebody else has ends the start with a sentence, and status 1."""
    program.start()
    second = subprocess.run(
        [*TWISTD, "goip", *program.options(), "--state", str(tmp_path / "other")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{program.udp}/udp" in second.stderr
    assert "Traceback" not in second.stderr
