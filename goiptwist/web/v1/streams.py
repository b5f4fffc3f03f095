"""
What happens, sent live to clients that watch: server-sent events (WHATWG HTML,
section 9.2).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from zope.interface import implementer

from goiptwist.messaging.events import KEPT, BusEvent
from goiptwist.model.messages import Message
from goiptwist.operator_interfaces import IEventBus
from goiptwist.web.http.problems import Problem, retry_after
from goiptwist.web.http.timestamps import format_timestamp
from goiptwist.web.v1 import responses

#: Seconds between two signs of life, so that proxies keep the connection.
SIGN_OF_LIFE = 15.0

#: Signs of life for which a client may read nothing before it is cut off.
MISSED_SIGNS = 4

#: Events that may wait for a client. One that is farther behind could not have all
#: of them after a new connection either.
MAX_WAITING = KEPT

#: Clients that may watch at a time; each holds a connection.
MAX_STREAMS = 200

#: Seconds after which a client that was cut off is asked to come again.
COME_AGAIN = 3.0

EVENT_STREAM = b"text/event-stream"


def encoded(event: BusEvent) -> bytes:
    """One event, as it stands on the wire."""
    subject = event.subject
    document: dict[str, object] = {"at": format_timestamp(event.at), "kind": event.kind}
    if isinstance(subject, Message):
        document["message"] = responses.message(subject)
    else:
        document |= {"line": subject.line, "fields": dict(subject.fields)}
    # In ASCII, and so without any line break that could end the event.
    data = json.dumps(document, separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode("ascii")


#: What happened since the last event that the client knows is not known any
#: more, all of it: it must read the messages.
GAP = b"event: gap\ndata: {}\n\n"


def is_chosen(kind: str, kinds: Sequence[str]) -> bool:
    """@param kinds: words, or beginnings with C{*}; none is all."""
    return not kinds or any(
        kind.startswith(one[:-1]) if one.endswith("*") else kind == one for one in kinds
    )


@implementer(IPushProducer)
@define(eq=False, repr=False)
class EventStream:
    """
    One client that watches.

    @ivar request: its headers are set.
    @ivar kinds: what it wants to hear of.
    @ivar follows: whether it stays when all that was missed is told.
    @ivar ended: fires when it is over, unless the client has gone.
    """

    request: Any
    kinds: Sequence[str]
    follows: bool
    ended: Deferred[None] = field(factory=Deferred, init=False)
    _waiting: deque[BusEvent] = field(factory=deque, init=False)
    _is_paused: bool = field(default=False, init=False)
    _missed_signs: int = field(default=0, init=False)

    def begin(self, missed: Iterable[BusEvent] | None) -> None:
        """@param missed: to be sent first; C{None} where nobody knows."""
        self.request.registerProducer(self, True)
        self.request.write(b"retry: %d\n\n" % (1000 * COME_AGAIN))
        if missed is None:
            self.request.write(GAP)
        self._waiting.extend(one for one in missed or () if is_chosen(one.kind, self.kinds))
        self.resumeProducing()

    def publish(self, event: BusEvent) -> None:
        """It happened now."""
        if not is_chosen(event.kind, self.kinds):
            return
        self._waiting.append(event)
        if not self._is_paused:
            self.resumeProducing()
        elif len(self._waiting) > MAX_WAITING:
            self.cut_off()

    def sign(self) -> None:
        """Some time has passed."""
        if not self._is_paused:
            self._missed_signs = 0
            self.request.write(b":\n\n")
            return
        self._missed_signs += 1
        if self._missed_signs >= MISSED_SIGNS:
            self.cut_off()

    def cut_off(self) -> None:
        """The client reads too slowly; it may come again and say where it was."""
        self._waiting.clear()
        self.request.channel.abort()

    def end(self) -> None:
        """The answer is over."""
        if not self.ended.called:
            self.ended.callback(None)

    def resumeProducing(self) -> None:
        """Twisted calls this when there is room for more."""
        self._is_paused = False
        while self._waiting and not self._is_paused:
            self.request.write(encoded(self._waiting.popleft()))
        if not self.follows and not self._waiting:
            self.end()

    def pauseProducing(self) -> None:
        """Twisted calls this when enough is waiting to be read."""
        self._is_paused = True

    def stopProducing(self) -> None:
        """Twisted calls this when the client has gone."""
        self._is_paused = True
        self._waiting.clear()


@define(eq=False, repr=False)
class EventStreams:
    """All clients that watch."""

    clock: IReactorTime
    _open: set[EventStream] = field(factory=set, init=False)

    def __len__(self) -> int:
        return len(self._open)

    async def watch(self, events: IEventBus, stream: EventStream, last: str) -> None:
        """
        Tell a client what happens, until it goes or the gateway stops.

        @param last: the last that it knows, or empty.
        @raise Problem: too many watch already.
        """
        if len(self._open) >= MAX_STREAMS:
            sentence = f"{MAX_STREAMS} watch already"
            raise Problem(503, sentence, headers=retry_after(SIGN_OF_LIFE))
        self._open.add(stream)
        signs = LoopingCall(stream.sign)
        signs.clock = self.clock
        end_listening = events.subscribe(stream.publish)
        try:
            stream.begin(events.replay(last) if last else ())
            signs.start(SIGN_OF_LIFE, now=False)
            await stream.ended
            stream.request.unregisterProducer()
        finally:
            end_listening()
            if signs.running:
                signs.stop()
            self._open.discard(stream)

    def close(self) -> None:
        """The gateway stops: end them all."""
        for stream in tuple(self._open):
            stream.end()
