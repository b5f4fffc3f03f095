"""The demonstration is the first thing that anybody sees: it must show what it says."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Seconds after which a demonstration that tells nothing new is broken.
PATIENCE = 90.0
END = "It all goes on until you press Ctrl-C"


@pytest.fixture
def told(tmp_path: Path) -> str:
    """What C{twistd goip --demo} prints until its story ends."""
    script = "from twisted.scripts.twistd import run; run()"
    command = [sys.executable, "-c", script, "-n", "--pidfile=", "goip", "--demo"]
    demo = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    watchdog = threading.Timer(PATIENCE, demo.kill)
    watchdog.start()
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if END in line:
            break
    demo.terminate()
    demo.stdout.read()
    demo.wait()
    watchdog.cancel()
    return "".join(lines)


@pytest.mark.real
@pytest.mark.slow
def test_the_whole_story(told: str) -> None:
    """An SMS in and its mail, an SMS out, and an alarm that a station takes by telephone."""
    assert END in told, told
    for sentence in (
        "The mail for it lies in",
        "HTTP answered 202",
        "<statusmessage>Message accepted for delivery</statusmessage>",
        "Dialing number '9999' to send contact ID alarm",
        "The station took an event. Account: 1113, Type: Preferred, Event: NewEvent, "
        "Code: 123, Partition: 03, Zone: 003",
        "kissoff from the call to 9999",
    ):
        assert sentence in told, told
    assert "\n! " not in told, told
    assert "Traceback" not in told, told
