"""
How things stand, in words: for /lines and /status, presence and forms. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from goiptwist.model.messages import Message
from goiptwist.model.status import LineStatus


@frozen
class PresenceStatus:
    """
    A line, or all, as presence (RFC 6121 section 4.7.2).

    @ivar show: C{away}, C{dnd}, C{xa} or empty, which is available.
    """

    available: bool
    show: str
    status: str


def line_presence(line: LineStatus) -> PresenceStatus:
    """How a line stands."""
    if line.stopped:
        return PresenceStatus(True, "dnd", f"stopped: {line.stopped}")
    if line.presence != "present":
        status = "lost: the device is silent" if line.presence == "lost" else "not heard of yet"
        return PresenceStatus(False, "", status)
    signal = f", signal {line.signal} of 31" if line.signal is not None else ""
    operator = f" at {line.operator}" if line.operator else ""
    status = f"{line.gsm or 'present'}{operator}{signal}"
    return PresenceStatus(True, "" if line.gsm in ("LOGIN", "") else "xa", status)


def overall_presence(lines: Sequence[LineStatus]) -> PresenceStatus:
    """How all lines together stand."""
    good = sum(_works(line) for line in lines)
    status = f"{good} of {len(lines)} lines work"
    return PresenceStatus(True, "" if good else "xa", status)


def _works(line: LineStatus) -> bool:
    shown = line_presence(line)
    return shown.available and not shown.show


def lines_text(lines: Sequence[LineStatus]) -> str:
    """One line each."""
    if not lines:
        return "There are no lines."
    return "\n".join(
        f"{line.id}{f' ({line.number})' if line.number else ''}: {line_presence(line).status}"
        for line in lines
    )


def status_text(lines: Sequence[LineStatus], failures: Sequence[Message]) -> str:
    """Whether all is well."""
    failing = [line for line in lines if not _works(line)]
    parts = [f"{overall_presence(lines).status}."]
    parts += [f"{line.id}: {line_presence(line).status}" for line in failing]
    if failures:
        parts += ["Your last SMS that were not sent:", failures_text(failures)]
    return "\n".join(parts)


def failures_text(failures: Sequence[Message]) -> str:
    """One line each, the newest last."""
    if not failures:
        return "None of your SMS has failed lately."
    return "\n".join(f"{m.recipient}: {m.state.value}, {m.reason}" for m in failures)
