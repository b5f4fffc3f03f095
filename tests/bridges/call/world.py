"""A bridge that calls, and whom it calls, on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred

from goiptwist.bridges.call.bridge import CallBridge
from goiptwist.bridges.call.settings import CallSettings, SipUri
from goiptwist.config.values import HostPort
from goiptwist.errors import GoipTwistError
from goiptwist.model.messages import Message
from goiptwist.simulator.station import SimulatedStation
from goiptwist.testing.stubs import StandInGateway

core: Any = reactor
HERE = HostPort("127.0.0.1", 0)


def bridge_to(port: int, transport: str = "udp", **keys: Any) -> CallBridge:
    """A bridge, not started."""
    uri = SipUri.from_setting(f"sip:9999@127.0.0.1:{port};transport={transport}")
    settings = CallSettings(uri=uri, **{"local": HERE, "wait": 8.0, **keys})
    return CallBridge("station", settings, StandInGateway(core, core))


@asynccontextmanager
async def calling(**keys: Any) -> AsyncIterator[tuple[CallBridge, SimulatedStation]]:
    """A bridge and a station; nothing is left open."""
    station = SimulatedStation(core, **{k: keys.pop(k) for k in ("mood", "endpoints") if k in keys})
    bridge = bridge_to(station.listen(), **keys)
    bridge.startService()
    try:
        yield bridge, station
    finally:
        await bridge.stopService()
        await station.close()


async def outcome(bridge: CallBridge, message: Message) -> Any:
    """What C{deliver} returned, or the error that it raised."""
    try:
        return await maybeDeferred(bridge.deliver, message)
    except GoipTwistError as error:
        return error
