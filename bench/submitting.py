"""Submissions for the gateway, from within its process, as a bridge makes them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from bench.figures import latencies
from goiptwist.errors import GoipTwistError
from goiptwist.model.messages import Message, State, Submission

#: Under which the benchmark submits; also the name of its bridge.
ORIGIN = "bridge:bench"
#: Seconds between two looks at how many submissions are due.
TICK = 0.01


@define(eq=False)
class Submitter:
    """
    Submits single texts, and waits for what becomes of them. A text counts
    when the gateway reports it as sent, which is after the commit.

    @ivar submit: the gateway's.
    """

    reactor: Any
    submit: Callable[[Submission], Awaitable[list[Message]]] = field(init=False)
    _accepted_at: dict[str, float] = field(factory=dict, init=False)
    _took: list[float] = field(factory=list, init=False)
    _states: Counter[str] = field(factory=Counter, init=False)
    _begun: int = field(default=0, init=False)
    _until: float = field(default=0.0, init=False)
    _last: float = field(default=0.0, init=False)
    _done: Deferred[dict[str, Any]] | None = field(default=None, init=False)
    _pace: LoopingCall | None = field(default=None, init=False)

    @property
    def orders(self) -> dict[str, Callable[..., Any]]:
        """What the benchmark may order."""
        return {"send": self.send, "pace": self.pace, "settled": self.settled}

    def send(self, in_flight: int, seconds: float) -> Deferred[dict[str, Any]]:
        """
        For each text that is settled submit the next one, for a while.

        @return: fires with what became of them, once all are settled.
        """
        self._forget()
        began = time.monotonic()
        self._until = began + seconds
        done = self._done = Deferred()
        for _ in range(in_flight):
            self._next()
        return done.addCallback(lambda _: self._counted(self._last - began))

    def pace(self, rate: float) -> None:
        """Submit at a steady rate, whatever becomes of it; 0 ends it."""
        self._forget()
        self._done = None
        if self._pace is not None:
            self._pace.stop()
            self._pace = None
        if not rate:
            return
        began = time.monotonic()

        def tick() -> None:
            while self._begun < (time.monotonic() - began) * rate:
                self._next()

        self._pace = LoopingCall(tick)
        self._pace.start(TICK)

    def settled(self) -> dict[str, Any]:
        """@return: what has become of the texts since C{pace}."""
        return self._counted(0.0)

    def reported(self, message: Message) -> None:
        """The gateway says what became of a text."""
        accepted_at = self._accepted_at.pop(message.id, None)
        if accepted_at is None:
            return
        if message.state in (State.QUEUED, State.SENDING):  # tried, and put off
            self._accepted_at[message.id] = accepted_at
            return
        self._last = time.monotonic()
        self._took.append(self._last - accepted_at)
        self._states[message.state.value] += 1
        if self._done is None:
            return
        if self._last < self._until:
            self._next()
        elif not self._accepted_at and self._settled_all:
            done, self._done = self._done, None
            done.callback({})

    @property
    def _settled_all(self) -> bool:
        return sum(self._states.values()) == self._begun

    def _next(self) -> None:
        self._begun += 1
        number = self._begun
        wanted = Submission(
            origin=ORIGIN,
            recipients=(f"+3630{number % 10_000_000:07}",),
            text=f"Message {number}: a text as long as most that people and machines send.",
        )
        accepting = Deferred.fromCoroutine(self._submitted(wanted))
        accepting.addErrback(self._refused)

    async def _submitted(self, wanted: Submission) -> None:
        (message,) = await self.submit(wanted)
        self._accepted_at[message.id] = time.monotonic()

    def _refused(self, failure: Failure) -> None:
        failure.trap(GoipTwistError)
        self._states["refused"] += 1

    def _forget(self) -> None:
        self._accepted_at.clear()
        self._took.clear()
        self._states.clear()
        self._begun = 0

    def _counted(self, seconds: float) -> dict[str, Any]:
        sent = self._states["sent"]
        return {
            "begun": self._begun,
            "states": dict(self._states),
            "per_second": sent / seconds if seconds else 0.0,
            **latencies(self._took),
        }
