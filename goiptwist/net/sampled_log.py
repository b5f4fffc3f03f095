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

#: News of one second that are told one by one. Nobody reads faster, and a
#: line of the log costs a quarter of what it takes to keep an SMS.
LEGIBLE = 20


@define(eq=False, repr=False)
class SampledLog:
    """
    Ordinary news of one kind. Troubles are told elsewhere, every one.

    @ivar log: whose news it is.
    @ivar level: one of L{LogLevel}.
    """

    clock: IReactorTime
    log: Logger = field(factory=lambda: Logger(namespace=__name__))
    level: Any = LogLevel.info
    _second: int = field(default=0, init=False)
    _told: int = field(default=0, init=False)

    def tell(self, news: str, **fields: object) -> None:
        """
        Something ordinary happened.

        @param news: a sentence with names of C{fields} in it.
        """
        second = int(self.clock.seconds())
        if second != self._second:
            self._sum_up()
            self._second, self._told = second, 0
        self._told += 1
        if self._told <= LEGIBLE:
            self.log.emit(self.level, news, **fields)

    def _sum_up(self) -> None:
        untold = self._told - LEGIBLE
        if untold > 0:
            words = "... and {count} more such news in that second"
            self.log.emit(self.level, words, count=untold)
