"""The conversation with a receiver, in samples: nothing waits, nothing is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from goiptwist.bridges.call.audio.g711 import PCMA, RATE, Samples, silence
from goiptwist.bridges.call.dialogue import ContactIdDialogue, PendingFrame
from goiptwist.simulator.station import SimulatedToneReceiver, StationMood
from tests.bridges.call.audio.test_tones import FRAMES
from tests.bridges.call.spandsp import NEEDS_SPANDSP, SpandspReceiver

SEED = FRAMES[0]
#: Samples of a step.
STEP = 160


class JoinedEnds:
    """A dialogue and a receiver, joined by a line that does what C{line} does."""

    def __init__(
        self, receiver: Any, *frames: str, wait: float = 10, answered: bool = True
    ) -> None:
        self.receiver = receiver
        self.line: Callable[[Samples], Samples] = lambda s: PCMA.decode(PCMA.encode(s))
        self.outcomes: dict[int, str] = {}
        self.spoken: list[Samples] = []
        self.began: list[float] = []
        self.seconds = 0.0
        self.dialogue = ContactIdDialogue(wait, lambda: self.began.append(self.seconds))
        for number, frame in enumerate(frames):
            self.add(frame, number)
        if answered:
            self.dialogue.call_answered()

    def add(self, frame: str, number: int) -> None:
        self.dialogue.add(PendingFrame(frame, lambda why: self.outcomes.__setitem__(number, why)))

    def run(self, seconds: float = 60) -> JoinedEnds:
        """Until it is over."""
        until = self.seconds + seconds
        while not self.dialogue.over and self.seconds < until:
            self.dialogue.receive(self.line(self.receiver.produce(STEP)))
            said = self.dialogue.produce(STEP)
            self.spoken.append(said)
            self.receiver.receive(self.line(said))
            self.seconds += STEP / RATE
        return self


def station(mood: StationMood = StationMood.TAKES) -> SimulatedToneReceiver:
    return SimulatedToneReceiver(lambda frame: None, mood)


def test_the_seed() -> None:
    """One event: handshake, frame, kissoff, and then there is nothing more to say."""
    ends = JoinedEnds(station(), SEED).run()
    assert ends.receiver.frames == [SEED]
    assert ends.outcomes == {0: ""}
    assert ends.dialogue.over
    assert not ends.dialogue.failed
    assert ends.seconds < 5


def test_digits_begin_after_a_pause() -> None:
    """250 to 300 ms after the handshake (DC-05), which ends 1.3 s after the answer."""
    ends = JoinedEnds(station(), SEED).run()
    spoken = [n for n, said in enumerate(ends.spoken) if said.any()]
    begins = spoken[0] * STEP / RATE
    assert 1.54 <= begins <= 1.61


@NEEDS_SPANDSP
@pytest.mark.parametrize("frame", FRAMES[:-1])
def test_a_receiver_that_is_not_ours(frame: str) -> None:
    """Libspandsp takes every frame, and gives a kissoff that we take."""
    receiver = SpandspReceiver()
    ends = JoinedEnds(receiver, frame).run()
    receiver.close()
    assert ends.outcomes == {0: ""}
    parts = frame[:4], frame[4:6], frame[6], frame[7:10], frame[10:12], frame[12:15]
    # It shows B to F by the value that their keys have, and 0 by ten.
    assert [event.replace("A", "0") for event in receiver.events] == [",".join(parts)]


@NEEDS_SPANDSP
def test_several_events_in_one_call() -> None:
    """One handshake, a kissoff for each, and each has an outcome of its own."""
    receiver = SpandspReceiver()
    ends = JoinedEnds(receiver, *FRAMES[:4]).run()
    receiver.close()
    assert ends.outcomes == {0: "", 1: "", 2: "", 3: ""}
    assert len(receiver.events) == 4
    assert len(ends.began) == 1


def test_one_more_while_it_goes_on() -> None:
    """An event may join a call that is not over."""
    ends = JoinedEnds(station(), SEED).run(3)
    ends.add(FRAMES[1], 1)
    ends.run()
    assert ends.outcomes == {0: "", 1: ""}


def test_a_silent_receiver() -> None:
    """Four tries, then the event is not delivered, nor are those behind it."""
    ends = JoinedEnds(station(StationMood.SILENT), SEED, FRAMES[1]).run()
    assert ends.receiver.frames == [SEED] * 4
    assert ends.outcomes[0] == "no kissoff after four tries"
    assert "before this one" in ends.outcomes[1]
    assert ends.dialogue.failed


def test_a_kissoff_begins_the_count_anew() -> None:
    """Each event has four tries of its own."""
    receiver = station()
    ends = JoinedEnds(receiver, SEED, FRAMES[1])
    while not ends.outcomes:
        ends.run(0.02)
    receiver.mood = StationMood.SILENT
    ends.run()
    assert ends.outcomes == {0: "", 1: "no kissoff after four tries"}
    assert receiver.frames == [SEED] + [FRAMES[1]] * 4


def test_a_digit_that_is_lost() -> None:
    """The receiver says nothing to a frame that it does not understand; it gets it again."""
    ends = JoinedEnds(station(), SEED)
    clean = ends.line

    def noisy(samples: Samples) -> Samples:
        return silence(len(samples)) if 2.0 < ends.seconds < 2.1 else clean(samples)

    ends.line = noisy
    ends.run()
    assert ends.outcomes == {0: ""}
    assert ends.receiver.frames[-1] == SEED


def test_no_handshake() -> None:
    """A far side that picks up and sends no tone is no receiver."""
    ends = JoinedEnds(station(StationMood.MUTE), SEED, wait=5).run()
    assert ends.outcomes == {0: "no handshake in 5 seconds after the answer"}
    assert not any(said.any() for said in ends.spoken)
    assert 5 <= ends.seconds <= 5.2


def test_a_late_handshake() -> None:
    """Asterisk repeats it until it hears a digit; any of them will do."""
    receiver = station(StationMood.MUTE)
    ends = JoinedEnds(receiver, SEED)
    ends.run(6)
    receiver._script = station()._script
    receiver.mood = StationMood.TAKES
    assert ends.run().outcomes == {0: ""}


def test_a_handshake_before_the_answer() -> None:
    """Early media may carry it; digits wait until somebody listens."""
    ends = JoinedEnds(station(), SEED, answered=False)
    ends.run(4)
    assert not any(said.any() for said in ends.spoken)
    ends.dialogue.call_answered()
    assert ends.run().outcomes == {0: ""}


def test_a_kissoff_for_nobody() -> None:
    """One that comes before the frame has gone out is not for it."""
    receiver = station(StationMood.SILENT)
    ends = JoinedEnds(receiver, SEED)
    ends.run(1.7)
    from goiptwist.bridges.call.audio.tones import tone

    receiver._script = tone(0.8, -11, 1400)
    ends.run(1.5)
    assert ends.outcomes == {}


@NEEDS_SPANDSP
@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3])
def test_a_kissoff_that_seems_early(shift: float) -> None:
    """
    Libspandsp begins in the pause behind the last digit, and audio that leaves
    ahead of the clock makes that seem earlier still: the frame is not sent again.
    """
    receiver = SpandspReceiver()
    ends = JoinedEnds(receiver, SEED)
    ends.dialogue.produce(round(shift * RATE))  # what is said runs ahead of what is heard
    ends.run()
    receiver.close()
    assert ends.outcomes == {0: ""}
    assert len(receiver.events) == 1


def test_hanging_up_before_the_kissoff() -> None:
    """It is not delivered, whatever the receiver may have heard."""
    ends = JoinedEnds(station(), SEED)
    ends.run(3.3)
    assert ends.receiver.frames == [SEED]
    ends.dialogue.abort("the other side hung up")
    assert ends.outcomes == {0: "the other side hung up"}
    assert ends.dialogue.over
