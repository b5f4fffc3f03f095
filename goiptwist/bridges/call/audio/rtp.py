"""
RTP (RFC 3550, RFC 3551): packets, and a continuous sound made of those that come
in late, twice, in the wrong order, or not at all. Pure.
"""

from __future__ import annotations

import struct

import numpy as np
from attrs import define, field, frozen

from goiptwist.bridges.call.audio.g711 import RATE, G711Law, Samples, silence

#: Samples of a packet: 20 ms, the usual packet of G.711 (RFC 3551 section 4.2).
PACKET = 160
#: How long what is missing is waited for, in samples: 80 ms.
JITTER = 640
#: A hole up to this long, in samples, is filled with what stood before it: a
#: tone goes on, and a lost packet is not taken for its end.
CONCEALED = 320
#: Further away than this from the clock, in samples, time stamps have begun anew.
FAR = 2 * RATE

_HEAD = struct.Struct("!BBHII")


@frozen
class RtpPacket:
    """One packet of audio. C{marker} says that silence was before it."""

    payload: int
    sequence: int
    timestamp: int
    ssrc: int
    audio: bytes = field(repr=False)
    marker: bool = False

    def __bytes__(self) -> bytes:
        kind = self.payload | (0x80 if self.marker else 0)
        return _HEAD.pack(0x80, kind, self.sequence, self.timestamp, self.ssrc) + self.audio

    @classmethod
    def parse(cls, datagram: bytes) -> RtpPacket:
        """@raise ValueError: it is no RTP."""
        if len(datagram) < _HEAD.size or datagram[0] >> 6 != 2:
            raise ValueError("no RTP")
        flags, kind, sequence, timestamp, ssrc = _HEAD.unpack_from(datagram)
        start, end = _HEAD.size + 4 * (flags & 0x0F), len(datagram)
        if flags & 0x10 and start + 4 <= end:  # a header extension, RFC 3550 section 5.3.1
            start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4])
        if flags & 0x20:  # padding
            end -= datagram[-1]
        if start > end:
            raise ValueError("cut RTP")
        return cls(kind & 0x7F, sequence, timestamp, ssrc, datagram[start:end], marker=kind >= 0x80)


@define
class RtpPacketizer:
    """Numbers what goes out, without a hole, whenever it leaves."""

    law: G711Law
    ssrc: int
    sequence: int
    timestamp: int
    _first: bool = True

    def packet(self, samples: Samples) -> bytes:
        """The next datagram."""
        made = RtpPacket(
            self.law.payload,
            self.sequence,
            self.timestamp,
            self.ssrc,
            self.law.encode(samples),
            marker=self._first,
        )
        self._first = False
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + len(samples)) & 0xFFFFFFFF
        return bytes(made)


def _signed(difference: int, bits: int) -> int:
    """How far apart two numbers are that begin again at 0."""
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half


@define
class JitterBuffer:
    """
    The sound that came in, one sample for each that the clock counts. A sender that
    sends nothing is silent (Asterisk sends no packets in silence).

    @ivar concealed: up to how many samples a hole is filled with what stood
        before it; 0 leaves it silent.
    @ivar position: how many samples were taken out.
    @ivar lost: packets that never came, as their numbers show.
    """

    laws: dict[int, G711Law]
    concealed: int = CONCEALED
    position: int = 0
    lost: int = 0
    _anchor: tuple[int, int, int] | None = None  # ssrc, timestamp, position
    _pending: dict[int, tuple[int, Samples]] = field(factory=dict)
    _last: int | None = None  # the number of the packet that was taken out last
    _newest: int | None = None
    _before: Samples = field(factory=lambda: silence(0))
    _filled: int = 0

    def packet(self, packet: RtpPacket, now: int) -> None:
        """@param now: the clock, in samples."""
        law = self.laws.get(packet.payload)
        if law is None or not packet.audio:
            return
        place = self._place(packet, max(now, self.position))
        if place + len(packet.audio) > self.position:
            self._pending.setdefault(place, (packet.sequence, law.decode(packet.audio)))

    def _place(self, packet: RtpPacket, now: int) -> int:
        """Where a packet belongs."""
        newer = self._newest is None or _signed(packet.sequence - self._newest, 16) > 0
        if self._anchor is not None and self._anchor[0] == packet.ssrc:
            _, timestamp, position = self._anchor
            place = position + _signed(packet.timestamp - timestamp, 32)
            begins_anew = newer and (
                abs(place - now) > FAR
                # Silence that the sender's time stamps do not count:
                or (place + len(packet.audio) <= self.position)
                or (packet.marker and place == self._end() and now - place >= CONCEALED)
            )
            if not begins_anew:
                self._newest = packet.sequence if newer else self._newest
                return place
        else:
            self._last = None
        self._newest = packet.sequence
        self._anchor = (packet.ssrc, packet.timestamp, now)
        return now

    def _end(self) -> int:
        """Where the newest sound ends."""
        if not self._pending:
            return self.position
        place = max(self._pending)
        return place + len(self._pending[place][1])

    def take(self, now: int) -> Samples:
        """
        What can be known by now.

        @param now: a moment of the clock, in samples, up to which every packet
            that has come was given to L{packet}.
        """
        parts: list[Samples] = []
        while True:
            following = min(self._pending, default=None)
            if following is not None and following <= self.position:
                sequence, sound = self._pending.pop(following)
                parts.append(self._sounded(sequence, sound[self.position - following :]))
                continue
            known = now - JITTER if following is None else min(now - JITTER, following)
            missing = known - self.position
            if missing <= 0:
                break
            parts.append(self._hole(missing, following))
        return np.concatenate(parts) if parts else silence(0)

    def _sounded(self, sequence: int, sound: Samples) -> Samples:
        if len(sound):
            if self._last is not None:
                self.lost += max(_signed(sequence - self._last, 16) - 1, 0)
            self._last, self._before, self._filled = sequence, sound, 0
            self.position += len(sound)
        return sound

    def _hole(self, missing: int, following: int | None) -> Samples:
        self.position += missing
        fill = silence(missing)
        if following is None or self._last is None or not len(self._before):
            return fill
        gone = _signed(self._pending[following][0] - self._last, 16) - 1
        if gone <= 0:
            return fill  # nothing was lost: the sender was silent
        self._filled += missing
        return np.resize(self._before, missing) if self._filled <= self.concealed else fill


@frozen
class RtpTarget:
    """
    Where audio goes to, and in what.

    @ivar laws: in the order in which they are preferred; empty where none of
        ours is offered.
    """

    host: str
    port: int
    laws: tuple[G711Law, ...]
