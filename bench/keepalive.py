"""
Keepalives: how often a line can say that it is there.

The generator keeps 64 of them in flight, each with all 18 fields that firmware
since 2014 tells, of a hundred lines in turn. The gateway reads the frame,
checks line and password, updates the line (its signal is another one each
time), sets its deadline anew, and answers.

The yardstick is the bare echo, which gets the same datagrams.
"""

from __future__ import annotations

from contextlib import ExitStack

from bench.children import Child
from bench.conditions import Given
from bench.datagrams import LINES
from bench.figures import Figure, Report
from bench.sidebyside import IN_FLIGHT, Rounds, measured, yardstick

TITLE = f"keepalive with 18 fields -> line updated -> answered, {IN_FLIGHT} in flight"

#: Shares of the bare echo that are promised, and that are wished for.
RATIO, BETTER = 1 / 3, 1 / 2


def run(given: Given) -> Report:
    """Measure, and tell."""
    rounds, seconds = (2, 0.6) if given.quick else (5, 3.0)
    conditions = given.conditions(rounds=f"{rounds} of {seconds:g} s each")
    with ExitStack() as stack:
        folder = str(stack.enter_context(given.state_folder()))
        gateway = stack.enter_context(
            Child("bench.gatewayside", folder, "--away", "--lines", str(LINES))
        )
        echo = stack.enter_context(Child("bench.echo"))
        generator = stack.enter_context(Child("bench.generator"))
        ports = {"alone": 0, "echo": echo.told["port"], "gateway": gateway.told["port"]}
        done = measured(generator, "keepalive", ports, rounds, seconds)
    return Report("keepalive", TITLE, figures(done), conditions)


def figures(done: Rounds) -> list[Figure]:
    """What the rounds say."""
    return [
        *yardstick(done),
        Figure("keepalives answered", done.each("gateway"), "/s"),
        Figure("... ratio to the echo", done.ratios("gateway", "echo"), "", RATIO, BETTER),
        Figure("... p99", done.each("gateway", "p99_ms"), "ms"),
    ]
