"""What a line offers to the server by itself, until it is acknowledged."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from goiptwist.goip.frames import DeliveryReport, DevicePush, PushAcknowledgement, ReceivedSms
from goiptwist.simulator.book import PushOutcome

#: Seconds without an answer after which a push is sent again (seed, section
#: "Receive SMS"; for kinds other than RECEIVE and DELIVER it is an assumption).
RESEND_AFTER = 3.0
#: How often it is sent again at the most (same section).
RESENDS = 3
#: Seconds from one round of an insisting device to the next. Our invention:
#: real devices give up after the first.
NEXT_ROUND = 30.0

Pushed = ReceivedSms | DeliveryReport | DevicePush


@define
class _PendingPush:
    datagram: bytes
    settled: Callable[[PushOutcome], None]
    resends_left: int = RESENDS
    timer: IDelayedCall | None = None


@define
class PushQueue:
    """
    All pushes of one line. They share one counter, which starts at the clock
    and counts down; it is small or negative on a device that does not know
    the time.
    """

    _clock: IReactorTime
    _write: Callable[[bytes], None]
    _insists: bool
    _next_number: int = field(init=False)
    #: Made with the first push: most lines of a big device never push.
    _offered: dict[tuple[str, int], _PendingPush] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.restart_numbers()

    @property
    def next_number(self) -> int:
        """The number that the next push will have."""
        return self._next_number

    @property
    def waiting(self) -> int:
        """How many are not settled yet."""
        return len(self._offered or ())

    def restart_numbers(self, first: int | None = None) -> None:
        """
        @param first: the number of the next push, or C{None}: from the clock,
            as after a reboot.
        """
        self._next_number = int(self._clock.seconds()) if first is None else first

    def offer(
        self,
        make: Callable[[int], Pushed],
        settled: Callable[[PushOutcome], None] = lambda outcome: None,
    ) -> int:
        """
        Send a push, and send it again until it is answered.

        @param make: builds the frame with the number it is given.
        @param settled: called with how it ended.
        @return: the number.
        """
        number = self._next_number
        self._next_number -= 1
        frame = make(number)
        name = _name(frame)
        if self._offered is None:
            self._offered = {}
        self._settle((name, number), PushOutcome.FORGOTTEN)  # numbers may come twice
        offered = self._offered[name, number] = _PendingPush(frame.format(), settled)
        self._transmit((name, number), offered)
        return number

    def answered(self, answer: PushAcknowledgement) -> None:
        """The server said OK or ERROR; late repeats of that mean nothing."""
        outcome = PushOutcome.ACKNOWLEDGED if answer.error is None else PushOutcome.REFUSED
        self._settle((answer.name, answer.number), outcome)

    def forget(self) -> None:
        """The power is gone."""
        for key in list(self._offered or ()):
            self._settle(key, PushOutcome.FORGOTTEN)

    def _transmit(self, key: tuple[str, int], offered: _PendingPush) -> None:
        # The timer first: the answer may come from within the write.
        offered.timer = self._clock.callLater(RESEND_AFTER, self._unanswered, key, offered)
        self._write(offered.datagram)

    def _unanswered(self, key: tuple[str, int], offered: _PendingPush) -> None:
        offered.timer = None
        if offered.resends_left:
            offered.resends_left -= 1
            self._transmit(key, offered)
        elif self._insists:
            offered.resends_left = RESENDS
            offered.timer = self._clock.callLater(NEXT_ROUND, self._transmit, key, offered)
        else:
            self._settle(key, PushOutcome.GIVEN_UP)

    def _settle(self, key: tuple[str, int], outcome: PushOutcome) -> None:
        offered = (self._offered or {}).pop(key, None)
        if offered is None:
            return
        if offered.timer is not None:
            offered.timer.cancel()
        offered.settled(outcome)


def _name(frame: Pushed) -> str:
    if isinstance(frame, ReceivedSms):
        return "RECEIVE"
    return "DELIVER" if isinstance(frame, DeliveryReport) else frame.name
