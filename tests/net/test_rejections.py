"""What strangers do wrong is logged, and fills no disk."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from goiptwist.net.rejections import LINES, QUIET, Rejections


def test_twenty_thousand_sources() -> None:
    """Each forged address is another one: all of them together have so many lines."""
    clock = Clock()
    rejections = Rejections(clock)
    with capturedLogs() as logs:
        for number in range(20_000):
            rejections.about("malformed", f"192.0.{number // 256}.{number % 256}", "nonsense")
        assert len(logs) == LINES
        clock.advance(QUIET)
        rejections.about("malformed", "203.0.113.1", "nonsense")
    lines = [formatEvent(event) for event in logs]
    assert lines[LINES:] == [
        f"... and {20_000 - LINES} more complaints from others in that minute",
        "From 203.0.113.1: nonsense",
    ]
    assert rejections.counts["malformed"] == 20_001
