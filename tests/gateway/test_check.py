"""twistd goip --check-config: what it says, and with what status it ends."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.test_twistd import ROOT, TWISTD, Mails, free_port

pytestmark = [pytest.mark.real, pytest.mark.slow]


def check(*options: str, folder: Path) -> tuple[int, str]:
    """The status, and what was said."""
    ended = subprocess.run(
        [*TWISTD, "goip", "--check-config", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return ended.returncode, ended.stdout + ended.stderr


def options(smtp: int) -> list[str]:
    """A small set-up with mail."""
    return [
        *("--line", "goipid1:password1", "--mail-to", "ops@example.org"),
        *("--mail-from", "sms@example.org", "--smarthost", f"127.0.0.1:{smtp}"),
    ]


def test_all_is_well(tmp_path: Path) -> None:
    """The smarthost is asked, and nothing is left behind in the folder."""
    server = Controller(Mails(), hostname="127.0.0.1", port=free_port(socket.SOCK_STREAM))
    server.start()
    try:
        status, said = check(*options(server.port), folder=tmp_path)
    finally:
        server.stop()
    assert status == 0
    assert "The settings are right: 1 lines, 1 bridges." in said
    assert "bridge mail: 127.0.0.1" in said
    assert list(tmp_path.iterdir()) == []


def test_the_smarthost_is_away(tmp_path: Path) -> None:
    """The settings may be right all the same: mail would wait for it."""
    status, said = check(*options(free_port(socket.SOCK_STREAM)), folder=tmp_path)
    assert status == 0
    assert "bridge mail: cannot be checked now: the smarthost" in said


def test_the_smarthost_talks_nonsense(tmp_path: Path) -> None:
    """It is there, and no mail would ever get through: status 1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = subprocess.Popen(
            [*TWISTD, "goip", "--check-config", *options(server.getsockname()[1])],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        server.settimeout(60)
        caller, _ = server.accept()
        caller.sendall(b"554 go away\r\n")
        said, _ = asked.communicate(timeout=60)
        caller.close()
    assert asked.returncode == 1
    assert b"bridge mail: " in said


def test_the_sample(tmp_path: Path) -> None:
    """The sample configuration passes as it stands."""
    status, said = check("--config", str(ROOT / "etc" / "goip.toml"), folder=tmp_path)
    assert (status, "The settings are right" in said) == (0, True), said
