"""
Ten thousand lines at the pace of real ones.

A simulated device with 10,000 lines in a process of its own, each on a UDP
port of its own: a keepalive every 30 s with all 18 fields, 2 to 5 s for one
SMS. SMS go in and out at a steady rate, 100 a second each way, which is 860 a
day for each line each way; the bridge takes each at once. The gateway has one
core to itself and the device another.

Measured is how long the lines wait for the answer to a keepalive, at the
device and so with all that the simulator is late itself, and the memory of the
gateway. There is nothing to compare it with: these figures are absolute.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from bench.children import Child, two_cores
from bench.conditions import Given
from bench.figures import Figure, Report
from bench.orders import share
from bench.send import registered

TITLE = "10,000 lines at real pace, the gateway on one core"

#: Milliseconds within which 99 of 100 keepalives are to be answered.
P99_MS = 100.0
#: What the gateway may take of memory.
MEMORY_MB = 300.0
#: SMS a second, in and out alike.
RATE = 100.0


def run(given: Given) -> Report:
    """Measure, and tell."""
    # A quick run has a tenth of the lines, and each is ten times as eager.
    lines, keepalive, seconds, rounds = (
        (1000, 3.0, 2.0, 2) if given.quick else (10_000, 30.0, 15.0, 4)
    )
    told, shares = [], []
    gateway_core, device_core = two_cores()
    conditions = given.conditions(
        lines=f"{lines}, a keepalive every {keepalive:g} s",
        rate=f"{RATE:g} SMS/s in and {RATE:g} SMS/s out",
        rounds=f"{rounds} of {seconds:g} s each, after the lines have switched on",
    )
    with ExitStack() as stack:
        folder = str(stack.enter_context(given.state_folder()))
        gateway = stack.enter_context(
            Child("bench.gatewayside", folder, "--lines", str(lines), core=gateway_core)
        )
        how = (str(gateway.told["port"]), "--lines", str(lines), "--keepalive", str(keepalive))
        device = stack.enter_context(Child("bench.deviceside", *how, core=device_core))
        registered(gateway, lines)
        gateway.order("pace", rate=RATE)
        device.order("receive", rate=RATE)
        time.sleep(seconds / 2)
        for _ in range(rounds):
            device.order("forget")
            before = gateway.order("usage"), device.order("usage")
            time.sleep(seconds)
            after = gateway.order("usage"), device.order("usage")
            told.append({**device.order("standing"), "usage": after[0]})
            shares.append([share(*both) for both in zip(before, after, strict=True)])
        conditions["what became of the SMS out"] = gateway.order("settled")["states"]
    conditions["SMS that the network got"] = told[-1]["sent"]
    conditions["SMS that were handed in"] = told[-1]["handed_in"]
    return Report("lines", TITLE, figures(told, shares), conditions)


def figures(told: list[dict[str, Any]], shares: list[list[float]]) -> list[Figure]:
    """What the rounds say."""

    def each(kind: str, name: str) -> list[float]:
        return [float(one[kind][name]) for one in told]

    answered = [one["keepalive"]["answered"] / max(1, one["keepalive"]["asked"]) for one in told]
    return [
        Figure("keepalives answered, share", answered),
        Figure("keepalive answered, p50", each("keepalive", "p50_ms"), "ms"),
        Figure(
            "keepalive answered, p99",
            each("keepalive", "p99_ms"),
            "ms",
            target=P99_MS,
            at_most=True,
        ),
        Figure("keepalive answered, slowest", each("keepalive", "max_ms"), "ms"),
        Figure("SMS in acknowledged, p50", each("receive", "p50_ms"), "ms"),
        Figure("SMS in acknowledged, p99", each("receive", "p99_ms"), "ms"),
        Figure(
            "memory of the gateway",
            each("usage", "peak_mb"),
            "MB",
            target=MEMORY_MB,
            at_most=True,
        ),
        Figure("the gateway keeps busy", [one for one, _ in shares], "cores"),
        Figure("the device keeps busy", [other for _, other in shares], "cores"),
    ]
