"""
What the log says of what is ordinary, such as messages and answers over HTTP:
each one while a person can read along, and how many there were when a person
could not. Each message's own journey is in the store, so nothing is lost to
those who ask.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel

#: Messages of one second that are written one by one. Nobody reads faster, and a
#: line of the log costs a quarter of what it takes to keep an SMS.
LEGIBLE = 20


@define(eq=False, repr=False)
class SampledLog:
    """
    What happens in the ordinary course of things. Troubles are logged elsewhere, every one.

    @ivar log: whose log it is.
    @ivar level: one of L{LogLevel}.
    """

    clock: IReactorTime
    log: Logger = field(factory=lambda: Logger(namespace=__name__))
    level: Any = LogLevel.info
    _second: int = field(default=0, init=False)
    _written: int = field(default=0, init=False)

    def write(self, message: str, **fields: object) -> None:
        """
        Something ordinary happened.

        @param message: a sentence with names of C{fields} in it.
        """
        second = int(self.clock.seconds())
        if second != self._second:
            self._sum_up()
            self._second, self._written = second, 0
        self._written += 1
        if self._written <= LEGIBLE:
            self.log.emit(self.level, message, **fields)

    def _sum_up(self) -> None:
        left_out = self._written - LEGIBLE
        if left_out > 0:
            message = "... and {count} more such messages in that second"
            self.log.emit(self.level, message, count=left_out)
