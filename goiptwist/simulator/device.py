"""A whole simulated device: its lines, and what they share."""

from __future__ import annotations

import random
from collections.abc import Iterator

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from goiptwist.simulator.book import Book
from goiptwist.simulator.carrier import Carrier
from goiptwist.simulator.keepalives import SimCard
from goiptwist.simulator.line import SimulatedLine
from goiptwist.simulator.settings import SimulatorSettings


@define(eq=False)
class SimulatedDevice:
    """
    Lines under one clock, one source of randomness, one book.

    @ivar clock: where time comes from; a L{Clock<twisted.internet.task.Clock>}
        in tests.
    @ivar rng: decides all that is not decided otherwise.
    @ivar book: what really happened.
    @ivar settings: how lines behave that are given no settings of their own.
    @ivar lines: by their names.
    @ivar ordered: in the order in which they were added.
    """

    clock: IReactorTime
    rng: random.Random
    book: Book = field(factory=Book)
    settings: SimulatorSettings = field(factory=SimulatorSettings)
    lines: dict[str, SimulatedLine] = field(factory=dict, init=False)
    ordered: list[SimulatedLine] = field(factory=list, init=False, repr=False)
    _carriers: dict[SimulatorSettings, Carrier] = field(factory=dict, init=False)

    def add_line(
        self, name: str, password: str, number: str = "", settings: SimulatorSettings | None = None
    ) -> SimulatedLine:
        """
        @param number: what the line tells about its own number.
        @raise ValueError: there is a line of this name.
        """
        if name in self.lines:
            raise ValueError(f"there are two lines of the name {name!r}")
        chosen = settings or self.settings
        line = SimulatedLine(
            name,
            password,
            SimCard(len(self.lines) + 1, number),
            chosen,
            self.clock,
            self.rng,
            self.book,
            self._carrier(chosen),
        )
        self.lines[name] = line
        self.ordered.append(line)
        return line

    def __iter__(self) -> Iterator[SimulatedLine]:
        return iter(self.ordered)

    def start(self) -> None:
        """
        Switch every line on. First keepalives come C{settings.stagger} seconds
        apart, so that ten thousand lines do not all speak in one moment.
        """
        for index, line in enumerate(self):
            line.start(index * line.settings.stagger % line.settings.keepalive)

    def stop(self) -> None:
        """Switch every line off; nothing is left ticking."""
        for line in self:
            line.stop()

    def reboot(self, takes: float = 0.0) -> None:
        """Reboot every line, as a power cut does."""
        for line in self:
            line.reboot(takes)

    @property
    def unsettled(self) -> int:
        """How many pushes of all lines still wait for an acknowledgement."""
        return sum(line.unsettled for line in self)

    def _carrier(self, settings: SimulatorSettings) -> Carrier:
        # Lines with equal settings share one network, and with it the count
        # of how often a number has failed.
        if settings not in self._carriers:
            self._carriers[settings] = Carrier(settings.errors, settings.report_states)
        return self._carriers[settings]
