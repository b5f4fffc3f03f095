"""
The monitoring station of a benchmark: answers calls, hears digits, gives
kissoffs.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor

from bench.orders import obey
from goiptwist.bridges.call.audio.media import AudioEndpoint
from goiptwist.simulator.station import SimulatedStation, SimulatedToneReceiver


def main() -> None:
    """Run the station until the orders end."""
    core: Any = reactor
    receivers: list[SimulatedToneReceiver] = []

    def endpoint() -> AudioEndpoint:
        receivers.append(SimulatedToneReceiver(lambda frame: None))
        return receivers[-1]

    station = SimulatedStation(core, endpoints=endpoint)
    port = station.listen()

    def standing() -> dict[str, Any]:
        return {
            "calls": len(receivers),
            "frames": sum(len(receiver.frames) for receiver in receivers),
            "events": sum(len(receiver.events) for receiver in receivers),
        }

    obey({"standing": standing}, {"port": port})
    core.run()


if __name__ == "__main__":
    main()
