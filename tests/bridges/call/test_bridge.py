"""Whole calls on loopback, in real time: SIP, audio and tones. Many go on at once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import LogLevel, capturedLogs
from zope.interface.verify import verifyObject

from goiptwist.bridges.call.bridge import CallBridge
from goiptwist.bridges.call.kind import CallKind
from goiptwist.bridges.call.settings import CallSettings, SipUri
from goiptwist.bridges.call.sip.transports import SipStreamSplitter
from goiptwist.config.values import Password
from goiptwist.errors import Away, Refused, TryLater
from goiptwist.interfaces import IBridge, IChecksItself, IConnectorKind
from goiptwist.model.delivery import Delivered
from goiptwist.simulator.station import SimulatedStation, StationMood
from goiptwist.testing.stubs import StandInGateway, alarm, sms
from tests.bridges.call.spandsp import NEEDS_SPANDSP, SpandspReceiver
from tests.bridges.call.world import bridge_to, calling, core, outcome

pytestmark = pytest.mark.real
SEED = "1113,18,1,123,03,003"
WORDS = "Account: 1113, Type: Preferred, Event: NewEvent, Code: 123, Partition: 03, Zone: 003"


async def outcomes(bridge: Any, count: int) -> list[Any]:
    """Of so many events at once, each of its own zone."""
    wanted = [alarm(f"1113,18,1,130,01,{n:03}", id=f"a{n}") for n in range(count)]
    asked = [ensureDeferred(outcome(bridge, message)) for message in wanted]
    return list(await gatherResults(asked))


def test_what_it_can() -> None:
    """The powers that it claims are there."""
    bridge = bridge_to(9)
    assert verifyObject(IBridge, bridge)
    assert verifyObject(IChecksItself, bridge)
    assert verifyObject(IConnectorKind, CallKind())
    assert bridge.at_once == 40


async def test_only_alarms() -> None:
    """A plain SMS is no event, and tones cannot carry every event; neither is ever dialled."""
    bridge = bridge_to(9)
    for message in (sms(), alarm("ADFF,18,1,123,03,003"), alarm("123456,18,1,123,03,003")):
        answer = await outcome(bridge, message)
        assert isinstance(answer, Refused)
    assert "A" in str(await outcome(bridge, alarm("ADFF,18,1,123,03,003")))


async def test_the_seed_in_the_words_of_its_log() -> None:
    """Dialling, transmission, success, hanging up; nothing of it is a warning."""
    with capturedLogs() as logs:
        async with calling() as (bridge, station):
            answer = await outcome(bridge, alarm(SEED))
            assert station.events == ["1113181123030032"]
    assert isinstance(answer, Delivered)
    assert WORDS in answer.detail
    ours = [event for event in logs if event.get("destination") == "station"]
    assert {event["log_level"] for event in ours} == {LogLevel.info}
    assert [event["step"] for event in ours] == [
        "Dialing number '9999' to send contact ID alarm",
        "starting the transmission",
        f"contact ID send successful. {WORDS}",
        "send completed. Hanging up call.",
    ]


@NEEDS_SPANDSP
async def test_ten_calls_to_a_receiver_that_is_not_ours() -> None:
    """Each has its own audio, and libspandsp hears every digit of each."""
    receivers: list[SpandspReceiver] = []

    def receiver() -> SpandspReceiver:
        receivers.append(SpandspReceiver())
        return receivers[-1]

    async with calling(endpoints=receiver) as (bridge, station):
        answers = await outcomes(bridge, 10)
    assert all(isinstance(answer, Delivered) for answer in answers), answers
    assert len(receivers) == 10
    heard = sorted(event for one in receivers for event in one.events)
    assert [event.replace("A", "0") for event in heard] == sorted(
        f"1113,18,1,130,01,{n:03}" for n in range(10)
    )
    assert station.seen.count("BYE") == 10
    for one in receivers:
        one.close()


async def test_more_events_than_calls() -> None:
    """Those that find no call of their own join one that is open."""
    async with calling(calls=2) as (bridge, station):
        answers = await outcomes(bridge, 4)
        assert all(isinstance(answer, Delivered) for answer in answers), answers
        assert len(station.events) == 4
        assert station.seen.count("INVITE") == 2


async def test_what_goes_wrong() -> None:
    """Each way in which a call can fail, in words, and what the queue makes of it."""
    expected = {
        StationMood.BUSY: (TryLater, "486 Busy Here"),
        StationMood.REJECTS: (Refused, "404 Not Found"),
        StationMood.RINGS: (TryLater, "nobody picked up in 3 seconds"),
        StationMood.MUTE: (TryLater, "no handshake in 3 seconds"),
        StationMood.HANGS_UP: (TryLater, "hung up before the kissoff"),
        StationMood.SILENT: (TryLater, "no kissoff after four tries"),
    }

    async def one(mood: StationMood, error: type[Exception], words: str) -> None:
        async with calling(mood=mood, wait=3.0) as (bridge, station):
            answer = await outcome(bridge, alarm(SEED))
            assert type(answer) is error, (mood, answer)
            assert words in str(answer)
            assert getattr(answer, "attempted", True)
            assert not station.events
            heard = [getattr(call.endpoint, "frames", []) for call in station.calls.values()]
            assert mood is not StationMood.SILENT or heard == [["1113181123030032"] * 4]

    await gatherResults([ensureDeferred(one(m, *rest)) for m, rest in expected.items()])


class TcpStation(Protocol):
    """The station, spoken to by TCP."""

    def __init__(self, station: SimulatedStation) -> None:
        self.station, self.stream = station, SipStreamSplitter()

    def connectionMade(self) -> None:
        self.station.transport = self

    def write(self, message: bytes, _: Any) -> None:
        self.transport.write(message)  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        for message in self.stream.split(data):
            self.station.datagramReceived(message, ("127.0.0.1", 0))


async def test_tcp_and_ipv6() -> None:
    """The same calls on other ways."""

    async def tcp() -> None:
        station = SimulatedStation(core)
        station.listen()
        port = core.listenTCP(0, Factory.forProtocol(lambda: TcpStation(station)))
        bridge = bridge_to(port.getHost().port, "tcp")
        answers = await outcomes(bridge, 2)
        assert all(isinstance(answer, Delivered) for answer in answers), answers
        ways = {call.invite.via[0].transport for call in station.calls.values()}
        assert ways == {"TCP"}
        await bridge.stopService()
        await port.stopListening()
        await deferLater(core, 0.05, lambda: None)  # the last BYE is on its way
        await station.close()

    async def ipv6() -> None:
        station = SimulatedStation(core)
        port = station.listen("::1")
        uri = SipUri.from_setting(f"sip:9999@[::1]:{port}")
        settings = CallSettings(uri=uri)
        bridge = CallBridge("station", settings, StandInGateway(core, core))
        answer = await outcome(bridge, alarm(SEED))
        assert isinstance(answer, Delivered), answer
        await bridge.stopService()
        await station.close()

    await gatherResults([ensureDeferred(tcp()), ensureDeferred(ipv6())])


async def test_nobody_there() -> None:
    """Nothing listens: no attempt is used up."""
    bridge = bridge_to(9, wait=1.0)
    answer = await outcome(bridge, alarm(SEED))
    assert isinstance(answer, Away)
    await bridge.stopService()
    tcp = bridge_to(9, transport="tcp")
    answer = await outcome(tcp, alarm(SEED))
    assert isinstance(answer, Away)
    assert "takes no TCP connection" in str(answer)
    await tcp.stopService()


async def test_check() -> None:
    """C{--check-config} says who answered, and leaves nothing open."""
    async with calling() as (bridge, _):
        assert await bridge.check() == "goiptwist station answered 200 OK to SIP OPTIONS"
    async with calling(username="x", password=Password("secret"), register=True) as (bridge, _):
        assert (await bridge.check()).startswith("registered at 127.0.0.1 for")


async def test_a_gateway_that_is_stopped() -> None:
    """It hangs up, and the event stays in the queue."""
    async with calling() as (bridge, station):
        asked: Deferred[Any] = ensureDeferred(outcome(bridge, alarm(SEED)))
        await deferLater(core, 1.0, lambda: None)
        await bridge.stopService()
        answer = await asked
        await deferLater(core, 0.05, lambda: None)
        assert "BYE" in station.seen
    assert isinstance(answer, TryLater)


async def test_a_gateway_that_is_busy() -> None:
    """
    Pauses of 120 ms break neither a digit nor the ear: what is owed leaves as
    if it had left in time, and what waited is heard as it was sent.
    """
    blocking = LoopingCall(time.sleep, 0.12)
    async with calling() as (bridge, station):
        blocking.start(0.4)
        try:
            answers = await outcomes(bridge, 3)
        finally:
            blocking.stop()
        assert all(isinstance(answer, Delivered) for answer in answers), answers
        frames = [call.endpoint.frames for call in station.calls.values()]  # type: ignore[attr-defined]
        assert [len(heard) for heard in frames] == [1, 1, 1]
