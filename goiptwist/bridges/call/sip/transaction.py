"""
One request and its answers (RFC 3261 section 17.1): repeated until it is
answered, over networks that lose messages.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from goiptwist.bridges.call.sip.messages import Request, Response

#: A guess of the time to the other side and back, and the longest pause between
#: two repeats, in seconds (section 17.1.1.1, T1 and T2).
T1, T2 = 0.5, 4.0
#: After so many seconds without any answer nobody is there (timers B and F, 64 T1).
GIVEN_UP = 64 * T1


@define(eq=False)
class ClientTransaction:
    """
    @ivar reliable: whether the transport loses nothing, as TCP.
    @ivar answered: called with each answer, at most one of them final.
    @ivar unanswered: called instead of a final answer when there is none.
    @ivar patience: how long any answer is waited for, in seconds.
    """

    clock: IReactorTime
    write: Callable[[bytes], None]
    request: Request
    reliable: bool
    answered: Callable[[Response], None]
    unanswered: Callable[[], None]
    patience: float = GIVEN_UP
    over: bool = field(default=False, init=False)
    provisional: bool = field(default=False, init=False)
    _again: IDelayedCall | None = field(default=None, init=False)
    _end: IDelayedCall | None = field(default=None, init=False)
    _pause: float = field(default=T1, init=False)

    @property
    def is_invite(self) -> bool:
        return self.request.method == "INVITE"

    def start(self) -> None:
        """Send it."""
        self._end = self.clock.callLater(self.patience, self._give_up)
        self._send()

    def _send(self) -> None:
        self._again = None
        if not self.reliable:
            self._again = self.clock.callLater(self._pause, self._send)
            # Timer A doubles on and on, timer E up to T2.
            self._pause = self._pause * 2 if self.is_invite else min(self._pause * 2, T2)
        self.write(bytes(self.request))

    def received(self, answer: Response) -> None:
        """An answer to it came."""
        if self.over:
            return
        if answer.code < 200:
            self.provisional = True
            if self.is_invite:  # it rings: however long that takes, somebody has it
                self.stop()
            self.answered(answer)
            return
        self.over = True
        self.stop()
        self.answered(answer)

    def _give_up(self) -> None:
        self._end = None
        self.over = True
        self.stop()
        self.unanswered()

    def stop(self) -> None:
        """Nothing is repeated any more."""
        for call in (self._again, self._end):
            if call is not None and call.active():
                call.cancel()
        self._again = self._end = None
