"""
Whether a line is there: unheard, present, or lost. The device drives this, so
it is a machine.
"""

from __future__ import annotations

from typing import Protocol

from attrs import define
from automat import TypeMachineBuilder
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

#: The device sends a keepalive every 30 s (seed, section "Registration and
#: Keepalive"); three in a row lost mean that the line is gone. In seconds.
SILENCE = 95.0


class LinePresence(Protocol):
    """What can happen to the presence of a line."""

    def heard(self) -> None:
        """A keepalive with the right id and password came."""

    def forgotten(self) -> None:
        """The gateway stops: nothing may keep ticking."""

    def _silent(self) -> None:
        """L{SILENCE} has passed since the last keepalive."""


class PresenceObserver(Protocol):
    """Whose presence it is."""

    def presence_changed(self, state: str) -> None:
        """
        @param state: C{present} or C{lost}.
        """


@define
class _PresenceCore:
    line: str
    clock: IReactorTime
    observer: PresenceObserver
    log = Logger()


_builder = TypeMachineBuilder(LinePresence, _PresenceCore)


def _watch(presence: LinePresence, core: _PresenceCore) -> IDelayedCall:
    return core.clock.callLater(SILENCE, presence._silent)


_unheard = _builder.state("unheard")
_present = _builder.state("present", _watch)
_lost = _builder.state("lost")

_unheard.upon(LinePresence.forgotten).to(_unheard).returns(None)
_lost.upon(LinePresence.forgotten).to(_lost).returns(None)


@_unheard.upon(LinePresence.heard).to(_present)
@_lost.upon(LinePresence.heard).to(_present)
def _appeared(presence: LinePresence, core: _PresenceCore) -> None:
    core.log.info("Line {line} is present", line=core.line)
    core.observer.presence_changed("present")


@_present.upon(LinePresence.heard).loop()
def _still_there(presence: LinePresence, core: _PresenceCore, deadline: IDelayedCall) -> None:
    deadline.reset(SILENCE)


@_present.upon(LinePresence._silent).to(_lost)
def _vanished(presence: LinePresence, core: _PresenceCore, deadline: IDelayedCall) -> None:
    core.log.warn("Line {line} is lost: silent for {silence} s", line=core.line, silence=SILENCE)
    core.observer.presence_changed("lost")


@_present.upon(LinePresence.forgotten).to(_unheard)
def _left(presence: LinePresence, core: _PresenceCore, deadline: IDelayedCall) -> None:
    deadline.cancel()


_build = _builder.build()


def presence_of(line: str, clock: IReactorTime, observer: PresenceObserver) -> LinePresence:
    """The presence of a line that has not been heard yet."""
    return _build(_PresenceCore(line, clock, observer))
