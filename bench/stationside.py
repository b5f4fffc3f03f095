"""
The monitoring station of a benchmark: answers calls, hears digits, gives
kissoffs.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor

from bench.orders import obey
from goiptwist.bridges.call.media import Talker
from goiptwist.simulator.station import Receiver, Station


def main() -> None:
    """Run the station until the orders end."""
    core: Any = reactor
    receivers: list[Receiver] = []

    def talker() -> Talker:
        receivers.append(Receiver(lambda frame: None))
        return receivers[-1]

    station = Station(core, talkers=talker)
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
