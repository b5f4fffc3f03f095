"""Receivers that are none: one without a network, and one with real sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, DeferredList, fail, maybeDeferred, succeed
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.internet.task import Clock

from goiptwist.alarm.panels import Key
from goiptwist.bridges.dc09 import frames
from goiptwist.bridges.dc09.bridge import Dc09Bridge
from goiptwist.bridges.dc09.frames import Dc09Frame
from goiptwist.bridges.dc09.settings import Dc09Settings
from goiptwist.config.values import HostPort
from goiptwist.errors import Away
from goiptwist.testing.stubs import StandInGateway

KEY = "0123456789ABCDEF"
MAIN, BACKUP = HostPort("main.example.org", 7700), HostPort("backup.example.org", 7700)
#: 2026-01-01 00:00:00 UTC
NOW = 1_767_225_600.0


def settings(**keys: Any) -> Dc09Settings:
    return Dc09Settings(**({"receiver": MAIN} | keys))


@define(eq=False)
class Wire:
    """
    The ways to all receivers, without a network.

    @ivar sent: what was sent, and to which.
    @ivar raws: hears the bytes.
    @ivar away: receivers that cannot be connected to.
    """

    clock: Clock = field(factory=Clock)
    key: bytes | None = None
    sent: list[tuple[HostPort, Dc09Frame]] = field(factory=list)
    away: set[HostPort] = field(factory=set)
    opened: int = 0
    listener: Any = None
    closed: int = 0
    raws: Callable[[bytes], None] = bytes.strip

    def opens(self, place: HostPort, listener: Any) -> Deferred[Any]:
        if place in self.away:
            return fail(Away(f"{place} cannot be reached: Connection refused"))
        self.opened, self.listener = self.opened + 1, listener
        return succeed(_WireTransport(self, place))

    def says(self, frame: Dc09Frame | bytes) -> None:
        """The receiver that was connected to last says something."""
        self.listener.received(frame if isinstance(frame, bytes) else frame.format(self.key))

    def answers(self, name: str = "ACK", **changes: Any) -> None:
        """It answers what was sent last."""
        self.says(answer_to(self.sent[-1][1], name, **changes))

    @property
    def sequences(self) -> list[str]:
        return [frame.sequence for _, frame in self.sent]


@define(eq=False)
class _WireTransport:
    wire: Wire
    place: HostPort

    def write(self, raw: bytes) -> None:
        self.wire.raws(raw)
        self.wire.sent.append((self.place, frames.read(raw).decrypted(self.wire.key)))

    def close(self) -> None:
        self.wire.closed += 1


def answer_to(frame: Dc09Frame, name: str, **changes: Any) -> Dc09Frame:
    """What a receiver says to a frame."""
    answer = evolve(frame, name=name, data="", extra="")
    return evolve(answer, **changes)


def bridge_on(wire: Wire, gateway: StandInGateway | None = None, **keys: Any) -> Dc09Bridge:
    """A bridge whose receivers are at the end of a wire."""
    if "key" in keys:
        keys["key"] = Key.from_setting(keys["key"])
        wire.key = keys["key"].clear
    wire.clock.rightNow = max(wire.clock.rightNow, NOW)
    gateway = gateway or StandInGateway(reactor=None, clock=wire.clock)
    return Dc09Bridge("station", settings(**keys), gateway, wire.opens)


Replies = Callable[[Dc09Frame], list[bytes]]


@define(eq=False)
class ScriptedReceiver:
    """
    A receiver with real sockets.

    @ivar replies: what it says to a frame.
    @ivar heard: the frames that came.
    """

    reactor: Any
    replies: Replies
    heard: list[Dc09Frame] = field(factory=list)
    port: Any = None

    def listen(self, transport: str) -> HostPort:
        if transport == "udp":
            self.port = self.reactor.listenUDP(0, _Udp(self), interface="127.0.0.1")
        else:
            factory = Factory.forProtocol(lambda: _Tcp(self))
            factory.noisy = False
            self.port = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        return HostPort("127.0.0.1", self.port.getHost().port)

    def answer(self, raw: bytes) -> list[bytes]:
        frame = frames.read(raw)
        self.heard.append(frame)
        return self.replies(frame)

    def close(self) -> Deferred[Any]:
        return DeferredList([maybeDeferred(self.port.stopListening)])


class _Tcp(Protocol):
    transport: Any

    def __init__(self, receiver: ScriptedReceiver) -> None:
        self.receiver = receiver

    def dataReceived(self, data: bytes) -> None:
        for raw in frames.cut(data)[0]:
            for reply in self.receiver.answer(raw):
                self.transport.write(reply)


class _Udp(DatagramProtocol):
    noisy = False
    transport: Any

    def __init__(self, receiver: ScriptedReceiver) -> None:
        self.receiver = receiver

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        for reply in self.receiver.answer(datagram):
            self.transport.write(reply, addr)
