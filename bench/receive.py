"""
RECEIVE: an SMS that a device hands in, until it is acknowledged.

The generator keeps 64 of them in flight. For each the gateway reads the frame,
checks line, password and repetition, commits the text and one delivery row
with fsync (SQLite, C{synchronous=FULL}), and only then acknowledges. Two
gateways are measured: one whose bridge has a far side that is away, so that
the SMS stay queued; and one whose bridge takes each at once, which costs a
second commit that settles the delivery row.

The yardstick is the bare echo, which gets the same datagrams.
"""

from __future__ import annotations

from contextlib import ExitStack

from bench.children import Child
from bench.conditions import Given
from bench.datagrams import LINES
from bench.figures import Figure, Report
from bench.sidebyside import IN_FLIGHT, Rounds, measured, yardstick

TITLE = f"SMS in -> on disk with fsync -> acknowledged, {IN_FLIGHT} in flight"

#: Shares of the bare echo that are promised, and that are wished for.
RATIO, BETTER = 1 / 8, 1 / 5
#: Milliseconds within which 99 of 100 acknowledgements are promised.
P99_MS = 25.0


def run(given: Given) -> Report:
    """Measure, and tell."""
    rounds, seconds = (2, 0.6) if given.quick else (5, 3.0)
    conditions = given.conditions(rounds=f"{rounds} of {seconds:g} s each")
    with ExitStack() as stack:

        def gateway(*options: str) -> Child:
            folder = str(stack.enter_context(given.state_folder()))
            more = ("--lines", str(LINES), *options)
            return stack.enter_context(Child("bench.gatewayside", folder, *more))

        gateways = {"away": gateway("--away"), "takes": gateway()}
        echo = stack.enter_context(Child("bench.echo"))
        generator = stack.enter_context(Child("bench.generator"))
        ports = {"alone": 0, "echo": echo.told["port"]}
        ports |= {name: gateway.told["port"] for name, gateway in gateways.items()}
        done = measured(generator, "receive", ports, rounds, seconds)
        for name, gateway in gateways.items():
            standing = gateway.order("standing")
            size = standing["items"] / max(1, standing["groups"])
            conditions[f"gateway, bridge {name}"] = (
                f"{size:.0f} wishes a commit, "
                f"{gateway.order('usage')['peak_mb']:.0f} MB at the end, "
                f"{sum(done.each(name, 'repeated')):.0f} repeated"
            )
    return Report("receive", TITLE, figures(done), conditions)


def figures(done: Rounds) -> list[Figure]:
    """What the rounds say."""
    told = yardstick(done)
    for name, where in (("away", "far side away"), ("takes", "bridge takes it")):
        told += [
            Figure(f"acknowledged, {where}", done.each(name), "/s"),
            Figure(f"... ratio to the echo, {where}", done.ratios(name, "echo"), "", RATIO, BETTER),
            Figure(f"... p50, {where}", done.each(name, "p50_ms"), "ms"),
            Figure(
                f"... p99, {where}", done.each(name, "p99_ms"), "ms", target=P99_MS, at_most=True
            ),
        ]
    return told
