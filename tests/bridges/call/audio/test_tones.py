"""Tones: what we make is heard by others, and what others make is heard by us."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from goiptwist.bridges.call.audio.detection import ReceiverSignalDetector
from goiptwist.bridges.call.audio.g711 import PCMA, PCMU, RATE, Samples, silence
from goiptwist.bridges.call.audio.tones import (
    BLOCK,
    DtmfDetector,
    Tone,
    digits,
    tone,
    tone_in,
)

#: Frames with every digit, and with the check digits that others get wrong: 0 and F.
FRAMES = (
    "1113181123030032",  # the example of the seed
    "1234181131010158",  # the standard's own
    "655618340201015D",
    "123418113001000F",
    "1234181130010190",
    "B0DF181602000008",
    "BCDEF18160200000",  # no frame; every letter
)
KEYS = str.maketrans("BCDEF", "*#ABC")


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("law", "octet", "level"),
    [
        (PCMU, 0xFF, 0), (PCMU, 0x7F, 0), (PCMU, 0x80, 32124), (PCMU, 0x00, -32124),
        (PCMU, 0xF0, 120), (PCMA, 0xD5, 8), (PCMA, 0x55, -8), (PCMA, 0xAA, 32256),
        (PCMA, 0x2A, -32256)
    ],
)  # fmt: skip
def test_laws(law: object, octet: int, level: int) -> None:
    """The ends and the middle of both tables, as ITU-T G.711 has them."""
    assert law.decode(bytes([octet])).tolist() == [level]  # type: ignore[attr-defined]


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_a_law_keeps_what_it_said(law: object) -> None:
    """Whatever an octet stands for is coded as it, and nothing is far off."""
    levels = law.decode(bytes(range(256)))  # type: ignore[attr-defined]
    again = law.decode(law.encode(levels))  # type: ignore[attr-defined]
    assert again.tolist() == levels.tolist()
    every = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)
    coded = law.decode(law.encode(every)).astype(int)  # type: ignore[attr-defined]
    off = np.abs(coded - every.astype(int))
    assert (off <= np.maximum(np.abs(every.astype(int)) / 16, 24)).all()


@pytest.mark.parametrize("law", [PCMU, PCMA])
@pytest.mark.parametrize("frame", FRAMES)
def test_our_own_ear(frame: str, law: object) -> None:
    """Each digit is heard once, in both laws."""
    sound = law.decode(law.encode(digits(frame)))  # type: ignore[attr-defined]
    assert DtmfDetector().feed(joined(silence(777), sound, silence(400))) == frame


@pytest.mark.real
@pytest.mark.skipif(shutil.which("multimon-ng") is None, reason="multimon-ng is not installed")
@pytest.mark.parametrize("frame", FRAMES)
def test_multimon_reads_the_digits(frame: str, tmp_path: Path) -> None:
    """An detector that is not ours reads the keys of each digit."""
    sound = joined(silence(1600), digits(frame), silence(1600)).astype(float)
    at = np.arange(0, len(sound) / RATE, 1 / 22050)
    resampled = np.interp(at, np.arange(len(sound)) / RATE, sound).astype("<i2")
    (tmp_path / "sound.raw").write_bytes(resampled.tobytes())
    said = subprocess.run(
        ["multimon-ng", "-q", "-t", "raw", "-a", "DTMF", str(tmp_path / "sound.raw")],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    heard = "".join(line.partition("DTMF: ")[2].strip() for line in said.splitlines())
    assert heard == frame.translate(KEYS)


@pytest.mark.parametrize("part", [0.95, 0.97, 1.0, 1.03, 1.05])
@pytest.mark.parametrize("hertz", [1400, 2300])
@pytest.mark.parametrize("level", [-3, -11, -30, -40])
def test_tones_off_their_frequency(hertz: int, part: float, level: float) -> None:
    """A sender must take 5 % more or less (DC-05), and what a long line left of it."""
    wanted = Tone.LOW if hertz == 1400 else Tone.HIGH
    assert tone_in(tone(0.01, level, hertz * part)) is wanted


def test_what_is_no_tone() -> None:
    """Neither silence, nor noise, nor digits, nor the other tones of a telephone."""
    noise = np.random.default_rng(6).normal(0, 3000, 200 * BLOCK).astype(np.int16)
    heard = {tone_in(noise[n : n + BLOCK]) for n in range(0, len(noise), BLOCK)}
    for frame in FRAMES:
        sound = digits(frame)
        heard |= {tone_in(sound[n : n + BLOCK]) for n in range(0, len(sound) - BLOCK, BLOCK)}
    heard |= {tone_in(tone(0.01, -10, hertz)) for hertz in (350, 425, 1004, 1100, 1800, 2100)}
    heard |= {tone_in(tone(0.01, -10, 1400, 2300)), tone_in(tone(0.01, -50, 1400))}
    assert heard == {Tone.NONE}


def handshake(first: float = 0.1, gap: float = 0.1, second: float = 0.1, off: float = 1) -> Samples:
    low, high = tone(first, -11, 1400 * off), tone(second, -11, 2300 * off)
    return joined(silence(8000), low, silence(round(gap * RATE)), high, silence(800))


@pytest.mark.parametrize("length", [0.07, 0.1, 0.13])
@pytest.mark.parametrize("off", [0.95, 1, 1.05])
@pytest.mark.parametrize("shift", [0, 13, 40, 79])
def test_handshake(length: float, off: float, shift: int) -> None:
    """It is known by its lengths, wherever it falls into our blocks."""
    detector = ReceiverSignalDetector()
    detector.feed(joined(silence(shift), handshake(length, length, length, off)))
    assert detector.handshake_end is not None
    ended = 8000 + shift + round(3 * length * RATE)
    assert abs(detector.handshake_end - ended) <= BLOCK


@pytest.mark.parametrize(
    "sound",
    [
        handshake(first=0.2), handshake(second=0.2), handshake(gap=0.3), handshake(gap=0),
        handshake(first=0.03), handshake(second=0.03),
        joined(tone(0.1, -11, 2300), silence(800), tone(0.1, -11, 1400), silence(800)),
        joined(tone(0.1, -11, 1400), silence(800), tone(0.1, -11, 1400), silence(800)),
    ],
)  # fmt: skip
def test_no_handshake(sound: Samples) -> None:
    """Digits before a receiver listens would be lost."""
    detector = ReceiverSignalDetector()
    detector.feed(sound)
    assert detector.handshake_end is None


def test_a_handshake_is_no_kissoff() -> None:
    """Its 1400 Hz is too short, however often it comes."""
    assert ReceiverSignalDetector().feed(joined(*[handshake()] * 5)) == []


@pytest.mark.parametrize(("seconds", "counts"), [(0.1, 0), (0.37, 0), (0.42, 1), (0.8, 1), (1, 1)])
def test_kissoff(seconds: float, counts: int) -> None:
    """400 ms at the least (DC-05)."""
    found = ReceiverSignalDetector().feed(
        joined(silence(800), tone(seconds, -11, 1400), silence(800))
    )
    assert len(found) == counts


def test_a_kissoff_counts_when_it_has_ended() -> None:
    """What goes on may be anything."""
    detector = ReceiverSignalDetector()
    assert detector.feed(tone(0.8, -11, 1400)) == []
    assert detector.kissoff_sounds
    [sound] = detector.feed(silence(800))
    assert not detector.kissoff_sounds
    assert abs(sound.ended - 6400) <= BLOCK


def test_a_hole_does_not_end_a_kissoff() -> None:
    """Two packets were lost in its middle, and it is still one."""
    sound = tone(0.8, -11, 1400)
    sound[3000:3320] = 0
    assert len(ReceiverSignalDetector().feed(joined(sound, silence(800)))) == 1
