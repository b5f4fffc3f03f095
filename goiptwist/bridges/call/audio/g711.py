"""
The two laws of telephone audio, ITU-T G.711: 8000 samples a second, a byte each. Pure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

#: Samples of linear audio, 16 bits each.
Samples = npt.NDArray[np.int16]

#: Samples a second (G.711 section 2).
RATE = 8000


def silence(count: int) -> Samples:
    """So many samples of nothing."""
    return np.zeros(count, np.int16)


def _mu_levels() -> npt.NDArray[np.int32]:
    """What each octet stands for, G.711 table 2, in 16 bits."""
    octet = np.arange(256, dtype=np.int32) ^ 0xFF
    magnitude = ((((octet & 0x0F) << 3) + 0x84) << ((octet & 0x70) >> 4)) - 0x84
    return np.where(octet & 0x80, -magnitude, magnitude).astype(np.int32)


def _a_levels() -> npt.NDArray[np.int32]:
    """What each octet stands for, G.711 table 1, in 16 bits."""
    octet = np.arange(256, dtype=np.int32) ^ 0x55
    step, segment = (octet & 0x0F) << 4, (octet & 0x70) >> 4
    higher = (step + 0x108) << np.maximum(segment - 1, 0)
    magnitude = np.where(segment == 0, step + 8, higher)
    return np.where(octet & 0x80, magnitude, -magnitude).astype(np.int32)


@frozen(eq=False)
class G711Law:
    """
    One of the two.

    @ivar name: as SDP calls it.
    @ivar payload: the RTP payload type (RFC 3551 section 6).
    """

    name: str
    payload: int
    _levels: npt.NDArray[np.int32] = field(repr=False)
    _nearest: npt.NDArray[np.uint8] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        order = np.argsort(self._levels, kind="stable")
        levels = self._levels[order]
        middles = (levels[1:] + levels[:-1]) / 2
        every = np.arange(-32768, 32768)
        nearest = order[np.searchsorted(middles, every)].astype(np.uint8)
        object.__setattr__(self, "_nearest", nearest)

    def encode(self, samples: Samples) -> bytes:
        """One octet for each sample."""
        place: npt.NDArray[Any] = samples.astype(np.int32) + 32768
        return bytes(self._nearest[place].tobytes())

    def decode(self, octets: bytes) -> Samples:
        """One sample for each octet."""
        return self._levels[np.frombuffer(octets, np.uint8)].astype(np.int16)


PCMU = G711Law("PCMU", 0, _mu_levels())
PCMA = G711Law("PCMA", 8, _a_levels())
LAWS = {law.payload: law for law in (PCMU, PCMA)}
