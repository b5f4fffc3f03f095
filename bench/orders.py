"""How a process with a reactor takes the orders of L{bench.children.Child}."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet import reactor, stdio
from twisted.internet.defer import maybeDeferred
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

#: Does what is ordered; gives an answer or a Deferred of one.
Does = Callable[..., Any]

_reactor: Any = reactor


class Orders(LineReceiver):
    """Reads orders, has them done, answers; the end of the input is the end."""

    delimiter = b"\n"

    def __init__(self, orders: Mapping[str, Does], ready: Mapping[str, Any]) -> None:
        self.orders = {"usage": usage, **orders}
        self.ready = ready

    def connectionMade(self) -> None:
        self._say(self.ready)

    def lineReceived(self, line: bytes) -> None:
        how = json.loads(line)
        done = maybeDeferred(self.orders[how.pop("order")], **how)
        done.addCallback(lambda answer: self._say(answer or {}))
        done.addErrback(self._broken)

    def connectionLost(self, reason: object = None) -> None:
        if _reactor.running:
            _reactor.stop()

    def _say(self, answer: Mapping[str, Any]) -> None:
        self.sendLine(json.dumps(answer).encode())

    def _broken(self, failure: Failure) -> None:
        self._say({"trouble": failure.getTraceback()})


def obey(orders: Mapping[str, Does], ready: Mapping[str, Any]) -> None:
    """Take orders from now on; call it before the reactor runs, or from within."""
    _reactor.callWhenRunning(lambda: stdio.StandardIO(Orders(orders, ready)))


def usage() -> dict[str, float]:
    """
    @return: seconds of processor time so far, the memory now and at its
        highest in MB, and the time of asking.
    """
    status = dict(
        line.split(":", 1)
        for line in Path("/proc/self/status").read_text().splitlines()
        if ":" in line
    )
    return {
        "cpu": time.process_time(),
        "at": time.monotonic(),
        "rss_mb": int(status["VmRSS"].split()[0]) / 1000,
        "peak_mb": int(status["VmHWM"].split()[0]) / 1000,
    }


def share(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """@return: how many cores were kept busy between two calls of L{usage}."""
    return (after["cpu"] - before["cpu"]) / (after["at"] - before["at"])
