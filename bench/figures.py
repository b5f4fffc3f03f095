"""What a benchmark found out: figures with their targets, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from attrs import field, frozen


@frozen
class Figure:
    """
    One figure, measured in several rounds.

    @ivar values: one a round.
    @ivar target: what the project promises; C{None} where it promises nothing.
    @ivar better: what it would rather have.
    @ivar at_most: whether the target is a limit from above.
    """

    name: str
    values: Sequence[float]
    unit: str = ""
    target: float | None = None
    better: float | None = None
    at_most: bool = False

    @property
    def median(self) -> float:
        """The value that counts."""
        return median(self.values)

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; C{None} where there is none."""
        return None if self.target is None else self._is_enough(self.target)

    def _is_enough(self, wanted: float) -> bool:
        return self.median <= wanted if self.at_most else self.median >= wanted

    @property
    def verdict(self) -> str:
        """In words; empty where there is no target."""
        if self.target is None:
            return ""
        bound = "at most" if self.at_most else "at least"
        wanted = f"{bound} {_number(self.target)}"
        if self.better is not None:
            wanted += f", better {_number(self.better)}"
        word = "reached" if self.reached else "NOT REACHED"
        if self.better is not None and self._is_enough(self.better):
            word = "reached, and the better one"
        return f"{word} ({wanted})"

    def __str__(self) -> str:
        spread = f"{_number(min(self.values))} .. {_number(max(self.values))}"
        shown = f"{_number(self.median)} {self.unit}"
        return f"  {self.name:<42} {shown:>14}   {spread:<20} {self.verdict}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "values": list(self.values),
            "target": self.target,
            "better": self.better,
            "reached": self.reached,
        }


@frozen
class Report:
    """
    @ivar conditions: under which it was measured, by their names.
    """

    benchmark: str
    title: str
    figures: Sequence[Figure]
    conditions: dict[str, Any] = field(factory=dict)

    @property
    def reached(self) -> bool:
        """Whether no target was missed."""
        return all(figure.reached is not False for figure in self.figures)

    def __str__(self) -> str:
        told = [f"  {name}: {value}" for name, value in self.conditions.items()]
        head = f"  {'':<42} {'median':>14}   {'min .. max':<20}".rstrip()
        return "\n".join(
            [f"{self.benchmark}: {self.title}", *told, head, *map(str, self.figures), ""]
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "benchmark": self.benchmark,
            "title": self.title,
            "conditions": self.conditions,
            "figures": [figure.as_dict() for figure in self.figures],
            "reached": self.reached,
        }


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percentile(ordered: Sequence[float], share: float) -> float:
    """
    @param ordered: from the smallest to the largest; not empty.
    @param share: 0 to 1.
    """
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def latencies(seconds: list[float]) -> dict[str, float]:
    """What is told of many latencies, in milliseconds."""
    if not seconds:
        return {"p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0}
    ordered = sorted(seconds)
    return {
        "p50_ms": 1000 * percentile(ordered, 0.5),
        "p99_ms": 1000 * percentile(ordered, 0.99),
        "max_ms": 1000 * ordered[-1],
    }
