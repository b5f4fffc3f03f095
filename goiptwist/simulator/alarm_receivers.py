"""
Where alarms end in tests: a monitoring station that is called, and a receiver
of DC-09, as a service.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from goiptwist.config.values import HostPort
from goiptwist.simulator.dc09 import SimulatedDc09Receiver


@define(eq=False)
class AlarmReceivers(Service):
    """
    @ivar station: where SIP calls are answered (UDP); C{None} is nowhere.
    @ivar mood: how the station behaves, one of the words of
        L{StationMood<goiptwist.simulator.station.StationMood>}.
    @ivar receiver: where DC-09 is taken (TCP and UDP); C{None} is nowhere.
    """

    reactor: Any
    station: HostPort | None
    mood: str
    receiver: HostPort | None
    _open: list[Any] = field(factory=list, init=False)
    log = Logger()

    def startService(self) -> None:
        """Listen."""
        super().startService()
        if self.station is not None:
            # Not before somebody wants it: it needs goiptwist[calls].
            from goiptwist.simulator.station import SimulatedStation, StationMood

            self._listen(
                SimulatedStation(self.reactor, StationMood(self.mood)), self.station, "calls by SIP"
            )
        if self.receiver is not None:
            self._listen(SimulatedDc09Receiver(self.reactor), self.receiver, "DC-09")

    def _listen(self, taker: Any, place: HostPort, what: str) -> None:
        port = taker.listen(place.host, place.port)
        self._open.append(taker)
        self.log.info(
            "Alarms are taken at {place}: {what}", place=HostPort(place.host, port), what=what
        )

    def stopService(self) -> Deferred[None]:
        """Hang up."""
        super().stopService()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        takers, self._open = self._open, []
        for taker in takers:
            await taker.close()
