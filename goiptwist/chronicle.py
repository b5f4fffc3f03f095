"""
What the log says of messages: each one while a person can read along, and how
many there were when a person could not. Each message's own journey is in the
store, so nothing is lost to those who ask.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

#: Messages of one second that are told one by one. Nobody reads faster, and a
#: line of the log costs a quarter of what it takes to keep an SMS.
LEGIBLE = 20


@define(eq=False, repr=False)
class Chronicle:
    """
    The ordinary news of messages. Troubles are told elsewhere, every one.
    """

    clock: IReactorTime
    _second: int = field(default=0, init=False)
    _told: int = field(default=0, init=False)
    log = Logger()

    def tell(self, news: str, **fields: object) -> None:
        """
        Something ordinary happened to a message.

        @param news: a sentence with names of C{fields} in it.
        """
        second = int(self.clock.seconds())
        if second != self._second:
            self._sum_up()
            self._second, self._told = second, 0
        self._told += 1
        if self._told <= LEGIBLE:
            self.log.info(news, **fields)

    def _sum_up(self) -> None:
        untold = self._told - LEGIBLE
        if untold > 0:
            self.log.info("... and {count} more such news in that second", count=untold)
