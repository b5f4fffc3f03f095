"""Rounds of the generator against several servers, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from bench.children import Child
from bench.figures import Figure

#: Datagrams that the generator keeps in flight.
IN_FLIGHT = 64


@define
class Rounds:
    """
    @ivar results: what the generator measured, by the name of the server, one
        a round.
    """

    results: dict[str, list[dict[str, Any]]] = field(factory=dict)

    def ratios(self, name: str, to: str) -> list[float]:
        """@return: how fast one was against another, in each round."""
        pairs = zip(self.each(name), self.each(to), strict=True)
        return [one / other for one, other in pairs]

    def each(self, name: str, figure: str = "per_second") -> list[float]:
        """@return: one figure of each round."""
        return [float(result[figure]) for result in self.results[name]]


def measured(
    generator: Child, kind: str, ports: Mapping[str, int], rounds: int, seconds: float
) -> Rounds:
    """
    Measure servers side by side: in each round every one, one after the other.

    @param kind: what the generator says: C{keepalive} or C{receive}.
    @param ports: of the servers, by their names; 0 is the generator itself.
    """
    done = Rounds({name: [] for name in ports})
    for number in range(-1, rounds):
        for name, port in ports.items():
            # The first round is warming up: pages, caches, the first fsync.
            length = seconds if number >= 0 else seconds / 4
            how = {"kind": kind, "port": port, "in_flight": IN_FLIGHT, "seconds": length}
            result = generator.order("run", **how)
            if number >= 0:
                done.results[name].append(result)
    return done


def yardstick(done: Rounds) -> list[Figure]:
    """The figures that every comparison with the echo begins with."""
    return [
        Figure("the generator alone", done.each("alone"), "/s"),
        Figure("bare Twisted UDP echo", done.each("echo"), "/s"),
    ]
