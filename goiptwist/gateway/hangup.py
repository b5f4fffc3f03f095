"""SIGHUP: many programs read their settings again by it; this one does not yet."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from attrs import define, field
from twisted.logger import Logger


@define(eq=False)
class HangupIgnored:
    """While it is on, SIGHUP ends nothing: it is logged, with what to do instead."""

    _before: signal._HANDLER = field(default=None, init=False)
    log = Logger()

    def on(self) -> None:
        """Begin. Signals are those of the main thread; elsewhere this does nothing."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGHUP, self._hung_up)

    def off(self) -> None:
        """What was done at SIGHUP before is done again."""
        if self._before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGHUP, self._before)
        self._before = None

    def _hung_up(self, number: int, frame: FrameType | None) -> None:
        self.log.warn("SIGHUP changes nothing: restart the gateway for new settings")
