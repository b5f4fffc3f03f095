"""
The audio of one call: an UDP port of its own, paced by the clock.

A gateway that was busy for a moment sends what it owes, numbered as if it had
left in time, and a little ahead of the clock: the receiver's digits stay whole.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from attrs import Factory, define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import DatagramProtocol

from goiptwist.bridges.call.audio.g711 import LAWS, PCMU, RATE, G711Law, Samples
from goiptwist.bridges.call.audio.rtp import (
    JITTER,
    PACKET,
    JitterBuffer,
    RtpPacket,
    RtpPacketizer,
    RtpTarget,
)

#: Seconds between two looks at the clock.
TICK = PACKET / RATE
#: How far ahead of the clock packets leave, in samples: 60 ms. So short a pause
#: of the gateway is noticed by nobody.
AHEAD = 3 * PACKET
#: After a pause longer than this, in samples, what is owed is not sent at once
#: but forgotten: the machine slept, and so many packets would only drown.
SLEPT = 10 * RATE


class AudioEndpoint(Protocol):
    """One end of the audio of a call; time is counted in samples."""

    @property
    def over(self) -> bool: ...

    def receive(self, samples: Samples) -> None: ...

    def produce(self, count: int) -> Samples: ...


@define(eq=False, repr=False, slots=False)
class RtpSession(DatagramProtocol):
    """
    @ivar write: sends a datagram to an address; the socket, unless a test has
        something better.
    @ivar ended: called once, when the endpoint is over.
    @ivar monotonic: what paces it, in seconds: outside of tests a clock that
        nobody sets, as the reactor's is.
    """

    clock: IReactorTime
    endpoint: AudioEndpoint
    ended: Callable[[], None] = field(default=lambda: None)
    write: Callable[[bytes, tuple[str, int]], object] | None = field(default=None)
    monotonic: Callable[[], float] = field(
        default=Factory(lambda self: self.clock.seconds, takes_self=True)
    )
    law: G711Law = field(default=PCMU)
    noisy = False
    _packetizer: RtpPacketizer | None = field(default=None, init=False)
    jitter_buffer: JitterBuffer = field(factory=lambda: JitterBuffer(LAWS), init=False)
    _target: tuple[str, int] | None = field(default=None, init=False)
    _promised: tuple[str, int] | None = field(default=None, init=False)
    _natted: str = field(default="", init=False)
    _source: tuple[str, int] | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    _received_until: int = field(default=0, init=False)
    _sent_until: int = field(default=0, init=False)
    _next: IDelayedCall | None = field(default=None, init=False)

    def connect(self, audio: RtpTarget, peer: str) -> None:
        """
        Start, or go on elsewhere.

        @param audio: where to, and in what.
        @param peer: the host that speaks SIP with us: where the other side does not
            know its own address, audio comes from there, from any port.
        """
        self._target = self._promised = (audio.host, audio.port)
        self._natted = "" if peer == audio.host else peer
        self._source = None
        self.law = audio.laws[0]
        self.jitter_buffer.laws = {law.payload: law for law in audio.laws}
        if self._packetizer is None:
            number = secrets.randbits
            self._packetizer = RtpPacketizer(self.law, number(32), number(15), number(32))
            self._began = self.monotonic()
            self._tick()
        self._packetizer.law = self.law

    @property
    def _now(self) -> int:
        return int((self.monotonic() - self._began) * RATE)

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """
        Audio, if it comes from where the SDP says, or behind NAT from the first port
        of the host that signals, and then from no other. Anybody else on that host
        could play the tones of a kissoff.
        """
        address = addr[:2]
        if self._packetizer is None or self._target is None:
            return
        if self._source is None:
            is_theirs = address == self._promised or address[0] == self._natted
        else:
            is_theirs = address == self._source
        if not is_theirs:
            return
        try:
            packet = RtpPacket.parse(datagram)
        except ValueError:
            return
        if packet.payload not in self.jitter_buffer.laws:
            return  # nothing that was agreed
        self._source = address
        if address[0] != self._target[0]:
            self._target = address  # symmetric RTP: what it said is not where it is
        self.jitter_buffer.packet(packet, self._now)

    def _tick(self) -> None:
        self._next = None
        now = self._now
        # What came until the last look has been read from the socket since.
        samples = self.jitter_buffer.take(self._received_until)
        self._received_until = now
        if len(samples):
            self.endpoint.receive(samples)
        if now - self._sent_until > SLEPT:
            self._sent_until = now
        while self._packetizer is not None and self._sent_until < now + AHEAD:
            self._send(self._packetizer.packet(self.endpoint.produce(PACKET)))
            self._sent_until += PACKET
        if self.endpoint.over:
            self.ended()
        elif self._packetizer is not None:
            due = self._began + (now // PACKET + 1) * TICK
            self._next = self.clock.callLater(max(due - self.monotonic(), 0), self._tick)

    def drain(self) -> None:
        """
        The other side has gone: nothing follows what has come, and so a kissoff
        that still sounded has ended.
        """
        if self._packetizer is not None:
            self.endpoint.receive(self.jitter_buffer.take(self._now + 2 * JITTER))

    def _send(self, datagram: bytes) -> None:
        write = self.write or (self.transport.write if self.transport else None)
        if write is None or self._target is None:
            return
        with suppress(OSError, ValueError):  # as if it were lost on its way
            write(datagram, self._target)

    def stop(self) -> Any:
        """Fall silent, and give the port back."""
        self._packetizer = None
        if self._next is not None and self._next.active():
            self._next.cancel()
        self._next = None
        port, self.transport = self.transport, None
        return port.stopListening() if port is not None else None
