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
from collections import Counter
from contextlib import ExitStack
from typing import Any

from attrs import define, field

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


@define
class Rounds:
    """What was measured, one a round."""

    sends: list[dict[str, Any]] = field(factory=list)
    echoes: list[float] = field(factory=list)
    shares: list[tuple[float, float]] = field(factory=list)

    def each(self, name: str) -> list[float]:
        """@return: one figure of the sends."""
        return [float(send[name]) for send in self.sends]

    @property
    def states(self) -> dict[str, int]:
        """What became of all texts."""
        return dict(sum((Counter(send["states"]) for send in self.sends), Counter[str]()))


def run(given: Given) -> Report:
    """Measure, and tell."""
    lines, rounds, seconds = (100, 2, 1.0) if given.quick else (1000, 5, 4.0)
    conditions = given.conditions(lines=lines, rounds=f"{rounds} of {seconds:g} s each")
    done = Rounds()
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
            one = measured(generator, "keepalive", {"echo": echo}, 1, seconds / 4)
            done.echoes += one.each("echo")
            before = gateway.order("usage"), device.order("usage")
            done.sends.append(gateway.order("send", in_flight=lines, seconds=seconds))
            after = gateway.order("usage"), device.order("usage")
            done.shares.append((share(before[0], after[0]), share(before[1], after[1])))
    conditions["what became of them"] = done.states
    return Report("send", TITLE, figures(done), conditions)


def figures(done: Rounds) -> list[Figure]:
    """What the rounds say."""
    rates = done.each("per_second")
    ratios = [QUESTIONS * rate / echo for rate, echo in zip(rates, done.echoes, strict=True)]
    busy = [cores for cores, _ in done.shares]
    costs = [1e6 * cores / rate for cores, rate in zip(busy, rates, strict=True)]
    return [
        Figure("bare Twisted UDP echo", done.echoes, "/s"),
        Figure("sends", rates, "SMS/s", target=PER_SECOND),
        Figure("... questions, ratio to the echo", ratios),
        Figure("... processor time", costs, "us each"),
        Figure("... accepted to sent, p50", done.each("p50_ms"), "ms"),
        Figure("... accepted to sent, p99", done.each("p99_ms"), "ms"),
        Figure("... the gateway keeps busy", busy, "cores"),
        Figure("... the device keeps busy", [cores for _, cores in done.shares], "cores"),
    ]
