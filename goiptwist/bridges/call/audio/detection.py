"""
What a receiver means by its tones: go on (the handshake), and got it (the
kissoff). Pure; time is counted in samples.
"""

from __future__ import annotations

from attrs import define, field

from goiptwist.bridges.call.audio.g711 import RATE, Samples
from goiptwist.bridges.call.audio.tones import (
    BLOCK,
    BlockSplitter,
    Tone,
    ToneInterval,
    tone_in,
)

#: How long each part of a handshake may last, in seconds: 100 ms (DC-05), of
#: which receivers are seen to take 70 to 130, and one block more or less.
SHORTEST, LONGEST = 0.06, 0.14
#: How long 1400 Hz must sound to be a kissoff, in seconds (DC-05).
KISSOFF = 0.4
#: A hole in a kissoff up to this long, in seconds, is a lost packet and not its end.
HOLE = 0.05


@define
class ReceiverSignalDetector:
    """
    Listens to a receiver.

    @ivar position: how many samples were looked at.
    @ivar handshake_end: where the last handshake ended, or C{None}.
    """

    position: int = 0
    handshake_end: int | None = None
    _blocks: BlockSplitter = field(factory=lambda: BlockSplitter(BLOCK))
    _last: Tone = Tone.NONE
    _tone: Tone = Tone.NONE
    _since: int = 0
    _sounds: list[ToneInterval] = field(factory=list)
    _low_from: int | None = None
    _low_until: int = 0

    @property
    def kissoff_sounds(self) -> bool:
        """Whether 1400 Hz sounds, so that a kissoff may be under way."""
        return self._low_from is not None

    def feed(self, samples: Samples) -> list[ToneInterval]:
        """@return: the kissoffs that have ended; those that still sound are none yet."""
        kissoffs = []
        for block in self._blocks.split(samples):
            found = tone_in(block)
            kissoffs += self._kissoff(found)
            self._change(found)
            self.position += BLOCK
        return kissoffs

    def _kissoff(self, found: Tone) -> list[ToneInterval]:
        if found is Tone.LOW:
            if self._low_from is None:
                self._low_from = self.position
            self._low_until = self.position + BLOCK
        elif self._low_from is not None and self.position - self._low_until >= HOLE * RATE:
            sound = ToneInterval(Tone.LOW, self._low_from, self._low_until)
            self._low_from = None
            if sound.seconds >= KISSOFF:
                return [sound]
        return []

    def _change(self, found: Tone) -> None:
        """Two equal blocks make a change, which was where the first of them began."""
        if found is self._last and found is not self._tone:
            began = self.position - BLOCK
            self._sounds = [*self._sounds[-2:], ToneInterval(self._tone, self._since, began)]
            self._tone, self._since = found, began
            self._handshake()
        self._last = found

    def _handshake(self) -> None:
        tones = [sound.tone for sound in self._sounds]
        if tones == [Tone.LOW, Tone.NONE, Tone.HIGH] and all(
            SHORTEST <= sound.seconds <= LONGEST for sound in self._sounds
        ):
            self.handshake_end = self._sounds[-1].ended
