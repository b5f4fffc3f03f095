"""
Whether a line is there: unheard, present, or lost. The device drives this, so
it is a machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import define
from automat import TypeMachineBuilder
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

#: The device sends a keepalive every 30 s (seed, section "Registration and
#: Keepalive"); three in a row lost mean that the line is gone. In seconds.
SILENCE = 95.0


class Presence(Protocol):
    """What can happen to the presence of a line."""

    def heard(self) -> None:
        """A keepalive with the right id and password came."""

    def forgotten(self) -> None:
        """The gateway stops: nothing may keep ticking."""

    def _silent(self) -> None:
        """L{SILENCE} has passed since the last keepalive."""


@define
class _Core:
    """
    @ivar changed: called with the new state's name after each change.
    """

    line: str
    clock: IReactorTime
    changed: Callable[[str], None]
    log = Logger()


_builder = TypeMachineBuilder(Presence, _Core)


def _watch(presence: Presence, core: _Core) -> IDelayedCall:
    return core.clock.callLater(SILENCE, presence._silent)


_unheard = _builder.state("unheard")
_present = _builder.state("present", _watch)
_lost = _builder.state("lost")

_unheard.upon(Presence.forgotten).to(_unheard).returns(None)
_lost.upon(Presence.forgotten).to(_lost).returns(None)


@_unheard.upon(Presence.heard).to(_present)
@_lost.upon(Presence.heard).to(_present)
def _appeared(presence: Presence, core: _Core) -> None:
    core.log.info("Line {line} is present", line=core.line)
    core.changed("present")


@_present.upon(Presence.heard).loop()
def _still_there(presence: Presence, core: _Core, deadline: IDelayedCall) -> None:
    deadline.reset(SILENCE)


@_present.upon(Presence._silent).to(_lost)
def _vanished(presence: Presence, core: _Core, deadline: IDelayedCall) -> None:
    core.log.warn("Line {line} is lost: silent for {silence} s", line=core.line, silence=SILENCE)
    core.changed("lost")


@_present.upon(Presence.forgotten).to(_unheard)
def _left(presence: Presence, core: _Core, deadline: IDelayedCall) -> None:
    deadline.cancel()


_build = _builder.build()


def presence_of(line: str, clock: IReactorTime, changed: Callable[[str], None]) -> Presence:
    """
    The presence of a line that has not been heard yet.

    @param changed: called with C{present} or C{lost} after each change.
    """
    return _build(_Core(line, clock, changed))
