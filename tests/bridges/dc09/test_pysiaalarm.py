"""
A real receiver that is not ours: pysiaalarm, which Home Assistant has, on real
sockets. It runs in a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define, field
from pysiaalarm import CommunicationsProtocol, SIAAccount, SIAClient
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from goiptwist.alarm.panels import Key
from goiptwist.bridges.dc09.bridge import Dc09Bridge
from goiptwist.config.values import HostPort
from goiptwist.errors import TryLater
from goiptwist.testing.stubs import StandInGateway, alarm
from tests.bridges.dc09.far_ends import settings

pytestmark = pytest.mark.real
core: Any = reactor

#: As the library, and the panels that it is for, have them: text, that is hex.
KEYS = ("", "0123456789ABCDEF", "0123456789ABCDEF01234567", "0123456789ABCDEF0123456789ABCDEF")
IDS = ("plain", "128", "192", "256")


@define(eq=False)
class PysiaalarmServer:
    """A station with pysiaalarm, and our bridge to it."""

    events: list[Any] = field(factory=list)
    server: Any = None

    def start(self, transport: str, key: str, account: str) -> HostPort:
        protocol = CommunicationsProtocol(transport.upper())
        known = SIAAccount(account, key or None)
        self.server = SIAClient("127.0.0.1", 0, [known], self.events.append, protocol)
        self.server.start(poll_interval=0.02)
        return HostPort("127.0.0.1", self.server.sia_server.server_address[1])


@asynccontextmanager
async def joined(
    transport: str, key: str = "", *, theirs: str | None = None, account: str = "1113", **keys: Any
) -> AsyncIterator[tuple[Dc09Bridge, PysiaalarmServer]]:
    """@param theirs: their key, if another."""
    station = PysiaalarmServer()
    place = station.start(transport, key if theirs is None else theirs, account)
    own = settings(
        receiver=place,
        transport=transport,
        key=Key.from_setting(key) if key else None,
        **{"timeout": 2.0, "tries": 2, **keys},
    )
    bridge = Dc09Bridge("station", own, StandInGateway(core, core))
    bridge.startService()
    try:
        yield bridge, station
    finally:
        bridge.stopService()
        await deferLater(core, 0.0)
        await deferToThread(station.server.stop)


async def heard(station: PysiaalarmServer, count: int) -> list[Any]:
    """What the library made of it; it tells after its answer."""
    for _ in range(500):
        if len(station.events) >= count:
            break
        await deferLater(core, 0.01)
    return station.events


@pytest.mark.parametrize("key", KEYS, ids=IDS)
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_delivered(transport: str, key: str) -> None:
    """It takes what we report, in clear and with all lengths of key, by both transports."""
    async with joined(transport, key) as (bridge, station):
        handover = await bridge.deliver(alarm())
        second = await bridge.deliver(alarm("1113,18,3,401,01,031", id="a2"))
        events = await heard(station, 2)
    assert handover.detail.endswith("sequence 0001")
    assert second.detail.endswith("sequence 0002")
    said = [
        (e.account, e.event_qualifier, e.event_type, e.partition, e.ri, e.sequence) for e in events
    ]
    assert said == [
        ("1113", "1", "123", "03", "003", "0001"),
        ("1113", "3", "401", "01", "031", "0002"),
    ]
    assert all(e.valid_message and e.encrypted == bool(key) for e in events)


@pytest.mark.parametrize("key", KEYS[:2], ids=IDS[:2])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_link_test(transport: str, key: str) -> None:
    """It answers a link test."""
    async with joined(transport, key, account="13E3186") as (bridge, _):
        said = await bridge.check()
    assert "a link test was answered" in said


async def test_many_at_once() -> None:
    """Twenty at once go one after the other, and each is heard once."""
    async with joined("tcp") as (bridge, station):
        deliveries = [ensureDeferred(bridge.deliver(alarm(id=f"a{n}"))) for n in range(20)]
        await gatherResults(deliveries)
        events = await heard(station, 20)
    assert [event.sequence for event in events] == [f"{n:04d}" for n in range(1, 21)]


@pytest.mark.parametrize("theirs", [KEYS[1][::-1], ""], ids=["another key", "no key"])
async def test_wrong_key(theirs: str) -> None:
    """A key that is another's is said, and the alarm is not delivered."""
    async with joined("tcp", KEYS[1], theirs=theirs) as (bridge, station):
        with pytest.raises(TryLater, match="another key") as caught:
            await bridge.deliver(alarm())
    assert caught.value.attempted
    assert station.events == []


async def test_unknown_account() -> None:
    """It says no more than a naked NAK to an account that it does not know."""
    async with joined("tcp", account="4711") as (bridge, station):
        with pytest.raises(TryLater, match="does not know the account"):
            await bridge.deliver(alarm())
    assert station.events == []
