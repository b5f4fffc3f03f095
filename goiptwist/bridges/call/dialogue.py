"""
The dialogue with a receiver of Contact ID in one call (SIA DC-05): wait for the
handshake, send a frame, wait for the kissoff, again. Pure; time is counted in
samples, of which as many are received as are produced.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import define, field

from goiptwist.bridges.call.audio.detection import ReceiverSignalDetector
from goiptwist.bridges.call.audio.g711 import RATE, Samples, silence
from goiptwist.bridges.call.audio.tones import digits

#: Seconds between a handshake or kissoff and the next frame (DC-05: 250 to 300 ms).
PAUSE = 0.27
#: Seconds after the last digit in which a kissoff has to begin (DC-05).
PATIENCE = 1.25
#: How much earlier than the end of what we said a kissoff may seem to begin, in
#: seconds: some receivers begin with it in the last digit's pause, and what is
#: heard and what is said are not counted from quite the same moment.
EARLY = 0.5
#: How often a frame is sent in one call (DC-05).
TRIES = 4
#: The longest kissoff whose end is waited for, in seconds; receivers send up to 1.
ENDLESS = 4.0


@define(eq=False)
class PendingFrame:
    """
    One frame to be sent.

    @ivar digits: its 16 digits.
    @ivar settled: called once: with an empty text on the kissoff, else with why not.
    @ivar tries: how often it was sent.
    """

    digits: str = field(repr=False)
    settled: Callable[[str], None] = field(repr=False)
    tries: int = 0
    #: Where its first transmission ended; no kissoff before that is meant for it.
    first_end: int | None = None


@define(eq=False)
class ContactIdDialogue:
    """
    @ivar wait: seconds after the answer in which a handshake has to come.
    @ivar starting: called when the first frame begins.
    @ivar over: whether there is nothing more to say: hang up.
    @ivar failed: whether a frame had no kissoff.
    """

    wait: float
    starting: Callable[[], None] = field(default=lambda: None, repr=False)
    over: bool = field(default=False, init=False)
    failed: bool = field(default=False, init=False)
    _detector: ReceiverSignalDetector = field(factory=ReceiverSignalDetector, init=False)
    _pending: deque[PendingFrame] = field(factory=deque, init=False)
    _produced: int = field(default=0, init=False)
    _answered_at: int | None = field(default=None, init=False)
    _script: Samples = field(factory=lambda: silence(0), init=False)
    _script_from: int = field(default=0, init=False)

    @property
    def pending(self) -> int:
        """How many frames wait for their kissoff."""
        return len(self._pending)

    def add(self, frame: PendingFrame) -> None:
        """One more frame for this call, as long as it is not over."""
        self._pending.append(frame)

    def call_answered(self) -> None:
        """The far side has picked up: what is said now is heard."""
        self._answered_at = self._produced

    def abort(self, reason: str) -> None:
        """The call is over, and each frame without a kissoff is not delivered."""
        self.over = True
        while self._pending:
            self.failed = True
            self._pending.popleft().settled(reason)

    def receive(self, samples: Samples) -> None:
        """What came in."""
        kissoffs = self._detector.feed(samples)
        if self.over or self._answered_at is None or not self._pending:
            return
        current = self._pending[0]
        if current.first_end is None:
            self._await_handshake(current, self._answered_at)
        elif any(sound.began >= current.first_end - EARLY * RATE for sound in kissoffs):
            self._acknowledged(kissoffs[-1].ended)
        else:
            self._await_kissoff(current)

    def produce(self, count: int) -> Samples:
        """What goes out next."""
        out, start = silence(count), self._produced
        self._produced += count
        begin = max(start, self._script_from)
        end = min(self._produced, self._script_from + len(self._script))
        if begin < end:
            cut = slice(begin - self._script_from, end - self._script_from)
            out[begin - start : end - start] = self._script[cut]
        return out

    def _await_handshake(self, first: PendingFrame, answered: int) -> None:
        if self._detector.handshake_end is not None:
            self.starting()
            self._send(first, self._detector.handshake_end)
        elif self._detector.position - answered > self.wait * RATE:
            self.abort(f"no handshake in {self.wait:g} seconds after the answer")

    def _await_kissoff(self, current: PendingFrame) -> None:
        silent = self._detector.position - self._script_from - len(self._script)
        if silent <= PATIENCE * RATE:
            return
        if self._detector.kissoff_sounds and silent <= (PATIENCE + ENDLESS) * RATE:
            return  # it counts when it has ended
        if current.tries < TRIES:
            self._send(current, self._detector.position - round(PAUSE * RATE))
            return
        self.failed = True
        self._pending.popleft().settled("no kissoff after four tries")
        self.abort("the station gave no kissoff for the event before this one")

    def _acknowledged(self, at: int) -> None:
        self._pending.popleft().settled("")
        if self._pending:
            self._send(self._pending[0], at)
        else:
            self.over = True

    def _send(self, frame: PendingFrame, heard_until: int) -> None:
        """Put a frame where it has to begin: a pause behind what was heard."""
        frame.tries += 1
        self._script = digits(frame.digits)
        self._script_from = max(self._produced, heard_until + round(PAUSE * RATE))
        end = self._script_from + len(self._script)
        frame.first_end = frame.first_end or end
