"""When a port closes, nobody is cut off in mid-answer, and nobody is waited for for ever."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.task import Clock

from goiptwist.net.draining import GRACE, Connections


@define(eq=False)
class Guest:
    """
    @ivar busy: whether something is under way, so that it does not leave yet.
    """

    company: Connections[Guest]
    busy: bool = False
    asked: list[str] = field(factory=list)

    def leave(self) -> None:
        self.asked.append("leave")
        if not self.busy:
            self.company.went(self)

    def abort(self) -> None:
        self.asked.append("abort")
        self.company.went(self)


def company(*busy: bool) -> tuple[Clock, Connections[Guest], list[Guest]]:
    clock = Clock()
    made: Connections[Guest] = Connections(clock)
    guests = [Guest(made, each) for each in busy]
    for guest in guests:
        made.came(guest)
    return clock, made, guests


def test_nobody_there() -> None:
    """The port is closed at once, and nothing ticks on."""
    clock, made, _ = company()
    gone: list[None] = []
    made.part().addCallback(gone.append)
    assert gone == [None]
    assert clock.getDelayedCalls() == []


def test_who_is_idle_goes_at_once_and_the_busy_when_done() -> None:
    """What was asked is answered before the connection closes."""
    clock, made, (idle, busy) = company(False, True)
    gone: list[None] = []
    made.part().addCallback(gone.append)
    assert list(made) == [busy]
    assert gone == []
    made.went(busy)
    assert gone == [None]
    assert idle.asked == busy.asked == ["leave"]
    assert clock.getDelayedCalls() == []


def test_grace_ends() -> None:
    """One who never comes to an end must not hold up the gateway."""
    clock, made, (busy,) = company(True)
    gone: list[None] = []
    made.part().addCallback(gone.append)
    clock.advance(GRACE)
    assert busy.asked == ["leave", "abort"]
    assert gone == [None]


def test_the_row() -> None:
    """Who comes again stands last; who has gone, or never came, is not missed."""
    _, made, (first, second) = company(True, True)
    made.came(first)
    assert list(made) == [second, first]
    made.went(second)
    made.went(second)
    assert (list(made), len(made)) == ([first], 1)
