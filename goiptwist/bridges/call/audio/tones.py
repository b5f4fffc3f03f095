"""
Tones made and recognized (Contact ID, SIA DC-05): sixteen digits as DTMF, and the
1400 and 2300 Hz of a receiver. Pure.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt
from attrs import define, field, frozen

from goiptwist.bridges.call.audio.g711 import RATE, Samples, silence

#: The amplitude of a tone of 0 dBm0 in 16 bits: full scale is 3.14 dBm0 (G.711 section 4).
REFERENCE = 32768 / 10 ** (3.14 / 20)
#: How loud each of the two tones of a digit is, in dBm0: well heard, and both
#: together far from clipping.
DIGIT_LEVEL = -9.0
#: How long a digit and the pause behind it last, in seconds (DC-05: 50 to 60 ms).
DIGIT, GAP = 0.05, 0.05

#: Each digit of Contact ID and its two frequencies in Hz. B to F are the keys
#: * # A B C; A is no digit of Contact ID, and the key D is not used (DC-05).
FREQUENCIES = {
    digit: (low, high)
    for low, row in ((697, "123D"), (770, "456E"), (852, "789F"), (941, "B0C"))
    for digit, high in zip(row, (1209, 1336, 1477, 1633), strict=False)
}


def amplitude(level: float) -> float:
    """@param level: in dBm0."""
    return float(REFERENCE * 10 ** (level / 20))


def tone(seconds: float, level: float, *frequencies: float) -> Samples:
    """Tones that sound together, each so loud (dBm0)."""
    times = np.arange(round(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * frequency * times) for frequency in frequencies)
    return np.asarray(amplitude(level) * sound, np.int16)


def digits(frame: str) -> Samples:
    """
    A whole frame as it is heard, made beforehand so that nothing can delay a
    digit in its middle.

    @raise KeyError: there is a digit that no tones stand for.
    """
    gap = silence(round(GAP * RATE))
    sounds = [part for digit in frame for part in (_SOUNDS[digit], gap)]
    return np.concatenate(sounds)


_SOUNDS = {
    digit: tone(DIGIT, DIGIT_LEVEL, *frequencies) for digit, frequencies in FREQUENCIES.items()
}


class Tone(Enum):
    """What is heard of a receiver."""

    NONE = "nothing"
    LOW = "1400 Hz"
    HIGH = "2300 Hz"


#: Samples in which a tone is looked for: 10 ms.
BLOCK = 80
#: What is below this level, in dBm0, is silence (as spandsp has it).
FLOOR = -42.0
#: How much of all that is heard must be the tone.
DOMINANCE = 0.6
#: Around each frequency, as parts of it: a sender must accept 5 % more or less
#: (DC-05), and a block of 10 ms hears 30 Hz to either side.
_AROUND = {Tone.LOW: (1400, (-0.03, 0.0, 0.03)), Tone.HIGH: (2300, (-0.04, -0.02, 0.0, 0.02, 0.04))}


def _probes(frequencies: list[float], block: int) -> npt.NDArray[np.complex128]:
    """What Goertzel's sum multiplies a block with, a row for each frequency."""
    times = np.arange(block) / RATE
    return np.asarray(np.exp(-2j * np.pi * np.outer(frequencies, times)), np.complex128)


def shares(
    probes: npt.NDArray[np.complex128], block: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """How much of the energy of a block lies at each frequency, 0 to 1."""
    energy = float(block @ block) or 1.0
    return np.asarray(np.abs(probes @ block) ** 2 * 2 / (len(block) * energy))


def audible(block: npt.NDArray[np.float64]) -> bool:
    """Whether there is more than silence."""
    return float(block @ block) / len(block) > amplitude(FLOOR) ** 2 / 2


_PLACES = [
    (which, middle * (1 + part)) for which, (middle, parts) in _AROUND.items() for part in parts
]
_RECEIVER = _probes([frequency for _, frequency in _PLACES], BLOCK)


def tone_in(samples: Samples) -> Tone:
    """Which tone fills a block of L{BLOCK} samples."""
    block = samples.astype(np.float64)
    if not audible(block):
        return Tone.NONE
    share = shares(_RECEIVER, block)
    best = int(np.argmax(share))
    return _PLACES[best][0] if share[best] >= DOMINANCE else Tone.NONE


@define
class BlockSplitter:
    """Cuts what comes in pieces of any length into blocks of one length."""

    length: int
    _rest: Samples = field(factory=lambda: silence(0))

    def split(self, samples: Samples) -> list[Samples]:
        """@return: the blocks that are whole by now."""
        whole = np.concatenate([self._rest, samples])
        count = len(whole) // self.length
        self._rest = whole[count * self.length :]
        return [whole[n * self.length : (n + 1) * self.length] for n in range(count)]


#: Samples in which a digit is looked for, so that its neighbours 73 Hz away are told apart.
DIGIT_BLOCK = 102
#: How much of all that is heard the two tones of a digit must be, and each alone.
DIGIT_DOMINANCE, DIGIT_SHARE = 0.7, 0.1
_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_KEYPAD = _probes([*_ROWS, *_COLUMNS], DIGIT_BLOCK)
_DIGITS = {frequencies: digit for digit, frequencies in FREQUENCIES.items()}


@define
class DtmfDetector:
    """Hears digits, as a receiver does: two equal blocks are a digit."""

    _blocks: BlockSplitter = field(factory=lambda: BlockSplitter(DIGIT_BLOCK))
    _last: str = ""
    _sounding: str = ""

    def feed(self, samples: Samples) -> str:
        """@return: the digits that began."""
        found = ""
        for block in self._blocks.split(samples):
            digit = _digit_in(block.astype(np.float64))
            if digit == self._last and digit != self._sounding:
                self._sounding = digit
                found += digit
            self._last = digit
        return found


def _digit_in(block: npt.NDArray[np.float64]) -> str:
    if not audible(block):
        return ""
    share = shares(_KEYPAD, block)
    row, column = int(np.argmax(share[:4])), int(np.argmax(share[4:]))
    low, high = share[row], share[4 + column]
    if low + high < DIGIT_DOMINANCE or min(low, high) < DIGIT_SHARE:
        return ""
    return _DIGITS.get((_ROWS[row], _COLUMNS[column]), "")


@frozen
class ToneInterval:
    """
    Something that was heard and has ended.

    @ivar began: counted in samples from the beginning of all that was heard.
    """

    tone: Tone
    began: int
    ended: int

    @property
    def seconds(self) -> float:
        return (self.ended - self.began) / RATE
