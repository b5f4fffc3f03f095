"""
Whole sends: from an accepted text to C{sent} on disk.

A simulated device with a thousand lines in a process of its own, over real
UDP, answers at once; no SMS takes time. So many texts are always under way as
there are lines: for each that is settled the next is submitted. Each one is
committed four times on its way, in groups with others: accepted, written down
before it is given to the device, settled, and now and then a block of session
numbers. On the wire it is four questions and four answers: MSG, PASSWORD,
SEND, DONE.

The yardstick is the bare echo: its answers a second against the gateway's
questions a second. The generator is cheaper than a simulated device, so the
ratio is a pessimistic one.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from bench.children import Child
from bench.conditions import Given
from bench.figures import Figure, Report
from bench.orders import share
from bench.sidebyside import measured

TITLE = "whole sends, MSG ... DONE, over lines that answer at once"

#: Sends a second that are promised.
PER_SECOND = 1000.0
#: Questions of one send, each with an answer.
QUESTIONS = 4
#: Seconds for every line to register.
PATIENCE = 60.0


def registered(gateway: Child, lines: int, patience: float = PATIENCE) -> None:
    """Wait until every line is there."""
    until = time.monotonic() + patience
    while (present := gateway.order("standing")["present"]) < lines:
        if time.monotonic() > until:
            raise RuntimeError(f"only {present} of {lines} lines registered")
        time.sleep(0.2)


def run(given: Given) -> Report:
    """Measure, and tell."""
    lines, rounds, seconds = (100, 2, 1.0) if given.quick else (1000, 5, 4.0)
    conditions = given.conditions(lines=lines, rounds=f"{rounds} of {seconds:g} s each")
    sends, echoes, shares = [], [], []
    with ExitStack() as stack:
        folder = str(stack.enter_context(given.state_folder()))
        gateway = stack.enter_context(Child("bench.gatewayside", folder, "--lines", str(lines)))
        how = (str(gateway.told["port"]), "--lines", str(lines), "--at-once", "--ramp", "2")
        device = stack.enter_context(Child("bench.deviceside", *how))
        echo = stack.enter_context(Child("bench.echo"))
        generator = stack.enter_context(Child("bench.generator"))
        registered(gateway, lines)
        gateway.order("send", in_flight=lines, seconds=seconds / 4)
        for _ in range(rounds):
            ports = {"echo": echo.told["port"]}
            echoes += measured(generator, "keepalive", ports, 1, seconds / 4).each("echo")
            before = gateway.order("usage"), device.order("usage")
            sends.append(gateway.order("send", in_flight=lines, seconds=seconds))
            after = gateway.order("usage"), device.order("usage")
            shares.append([share(*both) for both in zip(before, after, strict=True)])
    states: dict[str, int] = {}
    for send in sends:
        for state, count in send["states"].items():
            states[state] = states.get(state, 0) + count
    conditions["what became of them"] = states
    rates = [float(send["per_second"]) for send in sends]
    ratios = [QUESTIONS * rate / echo for rate, echo in zip(rates, echoes, strict=True)]
    return Report(
        "send",
        TITLE,
        [
            Figure("bare Twisted UDP echo", echoes, "/s"),
            Figure("sends", rates, "SMS/s", target=PER_SECOND),
            Figure("... questions, ratio to the echo", ratios),
            Figure("... accepted to sent, p50", [s["p50_ms"] for s in sends], "ms"),
            Figure("... accepted to sent, p99", [s["p99_ms"] for s in sends], "ms"),
            Figure("... the gateway keeps busy", [one for one, _ in shares], "cores"),
            Figure("... the device keeps busy", [other for _, other in shares], "cores"),
        ],
        conditions,
    )
