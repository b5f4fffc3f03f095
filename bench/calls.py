"""
Ten Contact ID calls at once, while a thousand lines keep alive.

A digit is 50 ms of tone: whoever sends its audio late breaks it. The gateway
has one core, and what it talks to, a station and a device with 1,000 lines
whose keepalives come every 30 s, shares the other. In each round ten alarms
are raised in one moment. A frame that the station heard and did not take, or
never heard, costs one of its four tries.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from bench.children import Child, two_cores
from bench.conditions import Given
from bench.figures import Figure, Report
from bench.send import registered

TITLE = "10 Contact ID calls at once beside 1,000 lines, the gateway on one core"

CALLS, LINES, KEEPALIVE = 10, 1000, 30.0
#: Seconds from an alarm to the end of its kissoff.
DELIVERED_S = 8.0
#: Milliseconds within which 99 of 100 keepalives are to be answered.
P99_MS = 100.0


def run(given: Given) -> Report:
    """Measure, and tell."""
    lines, keepalive, rounds = (100, 3.0, 1) if given.quick else (LINES, KEEPALIVE, 5)
    gateway_core, other_core = two_cores()
    told = []
    with ExitStack() as stack:
        folder = str(stack.enter_context(given.state_folder()))
        station = stack.enter_context(Child("bench.stationside", core=other_core))
        how = ("--lines", str(lines), "--station", str(station.told["port"]))
        gateway = stack.enter_context(Child("bench.gatewayside", folder, *how, core=gateway_core))
        port = str(gateway.told["port"])
        pace = ("--lines", str(lines), "--keepalive", str(keepalive))
        device = stack.enter_context(Child("bench.deviceside", port, *pace, core=other_core))
        registered(gateway, lines)
        for turn in range(rounds):
            told.append(_round(gateway, station, device, turn))
    conditions = given.conditions(lines=lines, rounds=f"{rounds} of {CALLS} calls each")
    return Report("calls", TITLE, figures(told), conditions)


def _round(gateway: Child, station: Child, device: Child, turn: int) -> dict[str, Any]:
    device.order("forget")
    before = station.order("standing")
    delivered = gateway.order("alarms", count=CALLS, turn=turn)
    after = station.order("standing")
    time.sleep(1)  # all have hung up
    heard = {name: after[name] - before[name] for name in after}
    return {**delivered, **heard, "keepalive": device.order("standing")["keepalive"]}


def figures(told: list[dict[str, Any]]) -> list[Figure]:
    """What the rounds say."""
    return [
        Figure("alarms delivered, share", [one["delivered"] / CALLS for one in told], target=1.0),
        Figure(
            "frames taken at the first try, share",
            [CALLS / max(CALLS, one["frames"]) for one in told],
            target=1.0,
        ),
        Figure(
            "from alarm to kissoff, slowest",
            [one["slowest"] for one in told],
            "s",
            target=DELIVERED_S,
            at_most=True,
        ),
        Figure(
            "keepalive answered, p99",
            [one["keepalive"]["p99_ms"] for one in told],
            "ms",
            target=P99_MS,
            at_most=True,
        ),
    ]
