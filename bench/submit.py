"""
Submissions over HTTP: 16 clients, each with one connection, one message a
request; and one request with many. Every 2xx is said after an fsync.

The yardstick is a bare Twisted site that says 202 to everything, and the same
clients. No line is there, so that nothing else is under way; sending has a
benchmark of its own.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from attrs import define, field

from bench.children import Child
from bench.conditions import Given
from bench.figures import Figure, Report

CLIENTS = 16
TITLE = f"HTTP submissions, {CLIENTS} clients, fsync before each 2xx; and a batch"

#: Requests a second, the latency of 99 of 100 in ms, and messages a second of a
#: batch that are promised.
PER_SECOND, P99, BATCHED = 1500.0, 20.0, 10_000.0


@define
class Rounds:
    """What was measured, one a round."""

    bare: list[dict[str, Any]] = field(factory=list)
    single: list[dict[str, Any]] = field(factory=list)
    batch: list[dict[str, Any]] = field(factory=list)


def run(given: Given) -> Report:
    """Measure, and tell."""
    rounds, seconds, many = (2, 1.0, 2000) if given.quick else (5, 4.0, 10_000)
    conditions = given.conditions(
        rounds=f"{rounds} of {seconds:g} s each", batch=f"{many} messages in one request"
    )
    done = Rounds()
    with ExitStack() as stack:
        folder = str(stack.enter_context(given.state_folder()))
        gateway = stack.enter_context(Child("bench.gatewayside", folder, "--http"))
        bare = stack.enter_context(Child("bench.httpecho"))
        clients = stack.enter_context(Child("bench.httpside"))
        for number in range(-1, rounds):
            # The first round is warming up.
            length = seconds if number >= 0 else seconds / 4
            how = {"clients": CLIENTS, "seconds": length}
            one = clients.order("singles", port=bare.told["http"], **how)
            two = clients.order("singles", port=gateway.told["http"], **how)
            before = gateway.order("usage")["cpu"]
            three = clients.order("batch", port=gateway.told["http"], many=many)
            three["cpu_us"] = 1e6 * (gateway.order("usage")["cpu"] - before) / many
            if number >= 0:
                done.bare.append(one)
                done.single.append(two)
                done.batch.append(three)
    return Report("submit", TITLE, figures(done), conditions)


def figures(done: Rounds) -> list[Figure]:
    """What the rounds say."""
    bare = [one["per_second"] for one in done.bare]
    single = [one["per_second"] for one in done.single]
    return [
        Figure("bare Twisted site", bare, "/s"),
        Figure("submissions", single, "/s", target=PER_SECOND),
        Figure("... ratio to the site", [a / b for a, b in zip(single, bare, strict=True)]),
        Figure("... p50", [one["p50_ms"] for one in done.single], "ms"),
        Figure("... p99", [one["p99_ms"] for one in done.single], "ms", target=P99, at_most=True),
        Figure(
            "a batch, messages", [one["per_second"] for one in done.batch], "/s", target=BATCHED
        ),
        Figure("... processor time", [one["cpu_us"] for one in done.batch], "us each"),
    ]
