"""Bridges that want to hear what became of the messages that came from them."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define
from twisted.logger import Logger

from goiptwist.interfaces import ITakesReports
from goiptwist.messaging.events import BusEvent
from goiptwist.messaging.message_log import is_settled
from goiptwist.operator_interfaces import IEventBus


@define(eq=False, repr=False)
class ReportSubscriber:
    """
    @ivar takers: the bridges, by the origin that they submit under.
    """

    bus: IEventBus
    takers: Mapping[str, ITakesReports]
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.bus.subscribe(self._published)

    def _published(self, event: BusEvent) -> None:
        if not is_settled(event):
            return
        taker = self.takers.get(event.subject.origin)
        if taker is None:
            return
        try:
            taker.reported(event.subject)
        except Exception:
            self.log.failure("{origin} broke on a report", origin=event.subject.origin)
