"""SIGHUP, by which other programs read their settings again."""

from __future__ import annotations

import os
import signal

from twisted.logger import capturedLogs, formatEvent

from goiptwist.gateway.hangup import HangupIgnored


def test_nothing_ends() -> None:
    """A gateway that a habit ended at once would answer nobody, and log nothing."""
    before = signal.getsignal(signal.SIGHUP)
    ignored = HangupIgnored()
    ignored.on()
    with capturedLogs() as logs:
        os.kill(os.getpid(), signal.SIGHUP)
    ignored.off()
    assert [formatEvent(event) for event in logs] == [
        "SIGHUP changes nothing: restart the gateway for new settings"
    ]
    assert signal.getsignal(signal.SIGHUP) == before
