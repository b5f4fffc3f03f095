"""
Panels on real sockets: cut streams, strangers, crowds, and a dialler that is
not ours.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import DatagramProtocol, Protocol
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread

from goiptwist.alarm.panels import Key, Panels, PanelSettings
from goiptwist.bridges.dc09 import frames, service
from goiptwist.bridges.dc09.bridge import Dc09Bridge
from goiptwist.bridges.dc09.frames import Dc09Frame
from goiptwist.bridges.dc09.intake import ReportIntake
from goiptwist.bridges.dc09.service import Dc09Receiver, PanelFactory
from goiptwist.config.values import HostPort, HostPorts
from goiptwist.errors import BadConfiguration
from goiptwist.net.listening import Listening
from goiptwist.testing.stubs import alarm
from tests.bridges.dc09 import far_ends
from tests.bridges.dc09.far_ends import KEY
from tests.bridges.dc09.test_frames import framed
from tests.bridges.dc09.test_intake import KEYED, PLAIN, SECRET, CountedRejections, FailingGateway

core: Any = reactor
LOOPBACK = HostPorts.from_setting("127.0.0.1:0")


class PanelRig:
    """A receiver that listens on loopback."""

    def __init__(self) -> None:
        self.gateway = FailingGateway(core, core)
        self.rejections = CountedRejections()
        settings = PanelSettings(
            dc09_listen=LOOPBACK,
            dc09_udp=LOOPBACK,
            accounts=Panels.from_setting({"1113": "", KEYED: KEY}),
        )
        self.receiver = Dc09Receiver(self.gateway, settings, self.rejections)

    @property
    def tcp(self) -> int:
        return int(self.receiver.ports[0].getHost().port)

    @property
    def udp(self) -> int:
        return int(self.receiver.udp_ports[0].getHost().port)

    @property
    def events(self) -> list[str]:
        return [report.event.machine for report in self.gateway.reports]


@asynccontextmanager
async def listening() -> AsyncIterator[PanelRig]:
    rig = PanelRig()
    rig.receiver.startService()
    try:
        yield rig
    finally:
        await rig.receiver.stopService()


class ConnectedPanel(Protocol):
    """A panel at the end of a connection."""

    transport: Any

    def __init__(self) -> None:
        self.said = b""
        self.gone = False

    def dataReceived(self, data: bytes) -> None:
        self.said += data

    def connectionLost(self, reason: Any = None) -> None:
        self.gone = True

    @property
    def names(self) -> list[str]:
        return [frames.read(raw).name for raw in frames.cut(self.said)[0]]


async def connected(rig: PanelRig) -> ConnectedPanel:
    return await connectProtocol(TCP4ClientEndpoint(core, "127.0.0.1", rig.tcp), ConnectedPanel())


async def until(happened: Callable[[], bool]) -> None:
    """Bounded; ends as soon as it is so."""
    for _ in range(500):
        if happened():
            return
        await deferLater(core, 0.01)
    raise AssertionError("it did not happen")


@pytest.mark.real
async def test_a_stream_in_pieces() -> None:
    """Three frames that come byte by byte, or all at once, get three answers in their order."""
    stream = b"".join(evolve(PLAIN, sequence=f"000{n}").format() for n in (1, 2, 3))
    for pieces in ([stream[n : n + 1] for n in range(len(stream))], [stream]):
        async with listening() as rig:
            panel = await connected(rig)
            panel.transport.setTcpNoDelay(True)
            for piece in pieces:
                panel.transport.write(piece)
                await deferLater(core, 0.0)
            await until(lambda: len(panel.names) == 3)  # noqa: B023
            answers = [frames.read(raw).sequence for raw in frames.cut(panel.said)[0]]
            panel.transport.loseConnection()
            await until(lambda: panel.gone)  # noqa: B023
        assert answers == ["0001", "0002", "0003"]
        assert len(rig.events) == 3


class Stranger(DatagramProtocol):
    """Somebody who sends datagrams."""

    noisy = False
    transport: Any

    def __init__(self) -> None:
        self.said: list[bytes] = []

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.said.append(datagram)


async def datagrams(rig: PanelRig, *sent: bytes, answers: int) -> list[bytes]:
    """What comes back."""
    stranger = Stranger()
    port = core.listenUDP(0, stranger, interface="127.0.0.1")
    try:
        for datagram in sent:
            stranger.transport.write(datagram, ("127.0.0.1", rig.udp))
        await until(lambda: len(stranger.said) >= answers)
        return stranger.said
    finally:
        await port.stopListening()


@pytest.mark.real
async def test_datagrams() -> None:
    """In clear and encrypted; a repeat is answered again."""
    async with listening() as rig:
        raw = evolve(SECRET, time=core.seconds()).format(KEY.encode())
        said = await datagrams(rig, PLAIN.format(), PLAIN.format(), raw, answers=3)
    assert [frames.read(answer).name for answer in said] == ["ACK"] * 3
    assert len({report.client_id for report in rig.gateway.reports}) == 2


@pytest.mark.real
async def test_nothing_grows_on_its_way() -> None:
    """
    A NAK with its time would be longer than a short question of a stranger, who
    may have written somebody else's address on it: there is none then.
    """
    short = framed('"NULL"0000L0#4711[]')
    long = framed('"ADM-CID"0007R0L0#4711[#4711|1123 03 003]')
    async with listening() as rig:
        said = await datagrams(rig, short, long, PLAIN.format(), answers=2)
    assert [frames.read(answer).name for answer in said] == ["NAK", "ACK"]
    assert len(said[0]) <= len(long)
    assert rig.rejections["dc09_unknown"] == 2


@pytest.mark.real
@pytest.mark.skipif(
    importlib.util.find_spec("dc09_spt") is None, reason="dc09-spt is not installed"
)
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_a_dialler_that_is_not_ours(transport: str) -> None:
    """dc09-spt reports, and is satisfied with the answer: its CRC, length and number."""
    from dc09_spt.comm.transpath import TransPath
    from dc09_spt.dc09_spt import dc09_spt
    from dc09_spt.msg.dc05_msg import dc05_msg

    def dial(port: int) -> list[bool]:
        path = TransPath("127.0.0.1", port, "1113", line=0, type=transport)
        event = {"account": "1113", "code": "130", "q": "3", "area": "1", "zone": "15"}
        dialler = dc09_spt("1113")
        message = dc05_msg.dc05event("1113", event)
        return [
            dialler.transfer_msg(7, "ADM-CID", message, path),
            dialler.transfer_msg(10, "ADM-CID", message, path),
            dialler.transfer_msg(0, "NULL", "]", path),
        ]

    async with listening() as rig:
        port = rig.tcp if transport == "tcp" else rig.udp
        taken = await deferToThread(dial, port)
    assert taken == [True] * 3
    assert rig.events == ["1113,18,3,130,01,015"] * 2


@pytest.mark.real
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(("account", "key"), [("1113", None), (KEYED, KEY)])
async def test_from_one_gateway_to_another(transport: str, account: str, key: str | None) -> None:
    """What our bridge reports, our receiver keeps, whichever way."""
    async with listening() as rig:
        port = rig.tcp if transport == "tcp" else rig.udp
        keys = {"key": Key.from_setting(key) if key else None, "transport": transport}
        own = far_ends.settings(receiver=HostPort("127.0.0.1", port), account=account, **keys)
        bridge = Dc09Bridge("station", own, FailingGateway(core, core))
        bridge.startService()
        handover = await bridge.deliver(alarm())
        await bridge.check()
        bridge.stopService()
        await until(lambda: len(rig.receiver._factory.open) == 0)
    assert handover.detail.endswith("sequence 0001")
    assert rig.events == [f"{account},18,1,123,03,003"]


@pytest.mark.real
async def test_what_does_not_end() -> None:
    """A stream without an end is cut off, and takes no memory."""
    async with listening() as rig:
        panel = await connected(rig)
        panel.transport.write(b"x" * (frames.LONGEST + 1))
        await until(lambda: panel.gone)
    assert rig.rejections["dc09_malformed"] == 1


@pytest.mark.real
async def test_a_crowd_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One address cannot take all connections."""
    monkeypatch.setattr(service, "BY_SOURCE", 2)
    async with listening() as rig:
        panels = [await connected(rig) for _ in range(3)]
        await until(lambda: panels[2].gone)
        assert not panels[0].gone
        panels[0].transport.loseConnection()
        await until(lambda: len(rig.receiver._factory.open) == 1)
        again = await connected(rig)
        again.transport.write(PLAIN.format())
        await until(lambda: again.names == ["ACK"])
    await until(lambda: all(panel.gone for panel in (*panels, again)))
    assert rig.rejections["dc09_crowded"] == 1


@pytest.mark.real
async def test_stopping_while_one_is_kept() -> None:
    """A panel whose report is under way gets its answer, then the connection closes."""
    async with listening() as rig:
        rig.gateway.commits = Deferred()
        panel = await connected(rig)
        panel.transport.write(PLAIN.format())
        await until(lambda: bool(rig.gateway.notes))
        stopped = rig.receiver.stopService()
        rig.gateway.commits.callback(None)
        await stopped
        await until(lambda: panel.gone)
    assert panel.names == ["ACK"]


@pytest.mark.real
async def test_a_port_that_is_taken() -> None:
    """The sentence names the key, and nothing is left open."""
    async with listening() as rig:
        for key, port in (("dc09_listen", rig.tcp), ("dc09_udp", rig.udp)):
            places = {key: HostPorts.from_setting(f"127.0.0.1:{port}")}
            settings = PanelSettings(accounts=Panels.from_setting(["1113"]), **places)
            second = Dc09Receiver(rig.gateway, settings, rig.rejections)
            with pytest.raises(BadConfiguration, match=f"{key}.*running already"):
                second.startService()
            assert second.ports + second.udp_ports == []


def conversation(clock: Clock) -> tuple[Any, StringTransport, FailingGateway]:
    """One connection, under a clock."""
    gateway, rejections = FailingGateway(None, clock), CountedRejections()
    intake = ReportIntake(gateway, Panels.from_setting(["1113"]), rejections)
    made: Any = PanelFactory(clock, intake, rejections).buildProtocol(None)
    transport = StringTransport()
    transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
    made.makeConnection(transport)
    return made, transport, gateway


def test_who_says_nothing() -> None:
    """A connection without a frame is short; a panel may stay between two link tests."""
    clock = Clock()
    panel, transport, _ = conversation(clock)
    clock.advance(service.NEWCOMER - 1)
    panel.dataReceived(Dc09Frame(name="NULL", sequence="0000", account="1113").format())
    clock.advance(service.QUIET - 1)
    assert not transport.disconnecting
    clock.advance(1)
    assert transport.disconnecting
    panel.connectionLost()
    assert clock.getDelayedCalls() == []

    silent, transport, _ = conversation(clock)
    clock.advance(service.NEWCOMER)
    assert transport.disconnecting
    silent.connectionLost()


def test_a_stranger_does_not_stay() -> None:
    """Only what is accepted makes a connection one of a panel's."""
    clock = Clock()
    stranger, transport, _ = conversation(clock)
    clock.advance(service.NEWCOMER - 1)
    stranger.dataReceived(Dc09Frame(name="NULL", sequence="0000", account="9999").format())
    assert b"NAK" in transport.value()
    clock.advance(1)
    assert transport.disconnecting
    stranger.connectionLost()


def test_thousands_of_frames_at_once() -> None:
    """They are read in a loop, and who sends nothing right is let go."""
    panel, transport, gateway = conversation(Clock())
    panel.dataReceived(PLAIN.format() * 3000)
    assert len(gateway.reports) == 3000
    assert transport.producerState == "producing"
    panel.dataReceived(b"x\r" * 5000)
    assert transport.disconnecting
    panel.connectionLost()


def test_who_hangs_up_before_the_answer() -> None:
    """The alarm is kept all the same, and nothing is left ticking."""
    clock = Clock()
    panel, transport, gateway = conversation(clock)
    gateway.commits = Deferred()
    panel.dataReceived(PLAIN.format() * 2)
    assert transport.producerState == "paused"
    panel.connectionLost()
    gateway.commits.callback(None)
    assert len(gateway.reports) == 1
    assert transport.value() == b""
    assert clock.getDelayedCalls() == []


def test_it_is_a_listening_service() -> None:
    """It opens its ports with all others of the gateway."""
    assert issubclass(Dc09Receiver, Listening)
