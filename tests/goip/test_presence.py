"""Unheard, present, lost: three keepalives in a row missed mean that a line is gone."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs

from goiptwist.gateway.operator import UNHEARD_AFTER
from goiptwist.goip.presence import SILENCE, LinePresence, presence_of
from tests.goip.conftest import MakesWires


@define
class Watched:
    """A presence with the changes that it told."""

    clock: Clock = field(factory=Clock)
    told: list[str] = field(factory=list)
    presence: LinePresence = field(init=False)

    def presence_changed(self, state: str) -> None:
        self.told.append(state)

    def __attrs_post_init__(self) -> None:
        self.presence = presence_of("goip1", self.clock, self)


def test_the_first_keepalive() -> None:
    """Only then is the line there; before, nothing ticks."""
    watched = Watched()
    assert (watched.told, watched.clock.getDelayedCalls()) == ([], [])
    watched.presence.heard()
    assert watched.told == ["present"]


def test_kept_alive() -> None:
    """As long as keepalives come, nothing changes and nothing is told."""
    watched = Watched()
    for _ in range(10):
        watched.presence.heard()
        watched.clock.advance(94)
    assert watched.told == ["present"]
    assert len(watched.clock.getDelayedCalls()) == 1


def test_lost() -> None:
    """95 s of silence, and not before: three keepalives of 30 s, and some."""
    watched = Watched()
    watched.presence.heard()
    watched.clock.advance(SILENCE - 0.1)
    assert watched.told == ["present"]
    with capturedLogs() as logs:
        watched.clock.advance(0.1)
    assert watched.told == ["present", "lost"]
    assert [(e["log_level"], e["line"]) for e in logs] == [(LogLevel.warn, "goip1")]
    assert SILENCE == 95


def test_back_again() -> None:
    """A lost line that is heard is present as before."""
    watched = Watched()
    watched.presence.heard()
    watched.clock.advance(95)
    with capturedLogs() as logs:
        watched.presence.heard()
    assert watched.told == ["present", "lost", "present"]
    assert [(e["log_level"], e["line"]) for e in logs] == [(LogLevel.info, "goip1")]
    watched.clock.advance(95)
    assert watched.told[-1] == "lost"


def test_the_gateway_stops() -> None:
    """From any state nothing may tick on, and nothing is told."""
    for states in (0, 1, 2):
        watched = Watched()
        if states > 0:
            watched.presence.heard()
        if states > 1:
            watched.clock.advance(95)
        told = list(watched.told)
        watched.presence.forgotten()
        assert watched.clock.getDelayedCalls() == []
        assert watched.told == told


def test_in_the_gateway(wires: MakesWires) -> None:
    """What pages and health show of it."""
    wire = wires()
    line = wire.the_line()
    assert (line.status.presence, line.status.heard_at) == ("unheard", None)
    assert wire.gateway.powers.operator.health().ok
    wire.registers()
    assert line.status.presence == "present"
    assert line.status.heard_at == wire.clock.seconds()
    wire.waits(95)
    assert line.status.presence == "lost"
    assert wire.gateway.powers.operator.health().problems == ("line goipid1 is lost",)


def test_never_heard(wires: MakesWires) -> None:
    """A device that is dead when the gateway starts is no less a trouble than one that is lost."""
    wire = wires()
    wire.waits(UNHEARD_AFTER - 1)
    assert wire.gateway.powers.operator.health().problems == ()
    wire.waits(1)
    problem = "line goipid1 has not been heard since the start"
    assert wire.gateway.powers.operator.health().problems == (problem,)
    wire.registers()
    assert wire.gateway.powers.operator.health().ok
