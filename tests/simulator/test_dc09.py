"""The receiver of the simulator, as the gateway's own sender finds it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred

from goiptwist.bridges.dc09.kind import Dc09Kind
from goiptwist.bridges.dc09.settings import Dc09Settings
from goiptwist.config.values import HostPort
from goiptwist.errors import TryLater
from goiptwist.model.messages import Direction
from goiptwist.simulator.dc09 import MOST, SimulatedDc09Receiver
from goiptwist.testing.stubs import StandInGateway, sms

pytestmark = pytest.mark.real
ALARM = evolve(sms("a panic alarm"), direction=Direction.ALARM, alarm="1113,18,1,123,03,003")


@asynccontextmanager
async def joined(transport: str) -> AsyncIterator[tuple[SimulatedDc09Receiver, object]]:
    """A receiver, and a bridge to it."""
    receiver = SimulatedDc09Receiver(reactor)
    settings = Dc09Settings(
        receiver=HostPort("127.0.0.1", receiver.listen()),
        transport=transport,
        timeout=0.3,
        tries=1,
    )
    bridge = Dc09Kind().build("station", settings, StandInGateway(reactor, reactor))
    bridge.startService()
    try:
        yield receiver, bridge
    finally:
        await maybeDeferred(bridge.stopService)
        await receiver.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_it_takes_alarms(transport: str) -> None:
    """Our sender counts its ACK, and it has what was sent."""
    async with joined(transport) as (receiver, bridge):
        handover = await bridge.deliver(ALARM)
        assert "ACK" in handover.detail
        assert receiver.events == ["1113,18,1,123,03,003"]
        assert "ACK" in await bridge.check()


async def test_it_can_be_silent() -> None:
    """As a receiver that is broken: nothing is delivered."""
    async with joined("udp") as (receiver, bridge):
        receiver.silent = True
        with pytest.raises(TryLater):
            await bridge.deliver(ALARM)
        assert receiver.events == []


@pytest.mark.parametrize("raw", [b"", b"hello", b'\n0000000A"NULL"0000L0#1[]\r', b"\xff" * MOST])
def test_nonsense(raw: bytes) -> None:
    """It answers no nonsense, and survives it."""
    assert SimulatedDc09Receiver(reactor).answer(raw) == b""
