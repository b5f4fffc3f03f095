"""Raises the alarms of a benchmark, from within the gateway."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred, TimeoutError

from goiptwist.contact_id.event import Event
from goiptwist.messaging.events import BusEvent
from goiptwist.model.messages import AlarmReport

#: Seconds after which what has not arrived is missing.
PATIENCE = 60.0
ARRIVED, LOST = "alarm.delivered", "alarm.failed"


@define(eq=False)
class Alarms:
    """
    @ivar gateway: the L{goiptwist.operator_interfaces.IOperatorGateway}.
    @ivar clock: of the process.
    """

    gateway: Any
    clock: Any

    def deliver(self, count: int, turn: int) -> Deferred[dict[str, float]]:
        """
        Raise so many alarms in one moment.

        @param turn: which round it is: no two have the same alarms.
        @return: fires once something has become of each.
        """
        return Deferred.fromCoroutine(self._deliver(count, turn))

    async def _deliver(self, count: int, turn: int) -> dict[str, float]:
        ends: list[tuple[str, float]] = []
        all_of_them: Deferred[None] = Deferred()

        def happened(one: BusEvent) -> None:
            if one.kind in (ARRIVED, LOST):
                ends.append((one.kind, self.clock.seconds()))
                if len(ends) == count:
                    all_of_them.callback(None)

        stop = self.gateway.events.subscribe(happened)
        began = self.clock.seconds()
        for zone in range(1, count + 1):
            event = Event(account=f"{1000 + turn}", qualifier="1", code="130", zone=f"{zone}")
            await self.gateway.alarms.raise_alarm(AlarmReport(event=event, origin="user:bench"))
        with suppress(TimeoutError):  # the figures say it
            await all_of_them.addTimeout(PATIENCE, self.clock)
        stop()
        took = [at - began for kind, at in ends if kind == ARRIVED]
        return {"delivered": len(took), "slowest": max(took, default=PATIENCE)}
