"""The log stays legible, and tells what it leaves out."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent

from goiptwist.net.sampled_log import LEGIBLE, SampledLog


def told(clock: Clock, *bursts: int) -> list[str]:
    """What the log says of so many messages in each of these seconds."""
    sampled_log = SampledLog(clock)
    with capturedLogs() as events:
        for burst in bursts:
            for number in range(burst):
                sampled_log.write("Message {message_id} came", message_id=number)
            clock.advance(1)
    assert {event["log_level"] for event in events} == {LogLevel.info}
    return [str(formatEvent(event)) for event in events]


def test_each_one() -> None:
    """As many as a person can read are told one by one, each second anew."""
    lines = told(Clock(), LEGIBLE, LEGIBLE)
    assert lines == [f"Message {number} came" for number in range(LEGIBLE)] * 2


def test_too_many() -> None:
    """What was left out is counted, before the next one."""
    lines = told(Clock(), LEGIBLE + 30, 1)
    assert lines[LEGIBLE:] == ["... and 30 more such messages in that second", "Message 0 came"]
