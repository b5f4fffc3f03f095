"""All queues: taken up from disk, fed, and ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, define, field
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs

from goiptwist.delivery.dispatcher import GRACE, Dispatcher, Nexthop
from goiptwist.delivery.retry import RetryPolicy
from goiptwist.interfaces import IDestination
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import IncomingSms, Message
from goiptwist.store import Arrival, Store, lock
from tests.world import BEGINNING, PromptBus, now

POLICY = RetryPolicy(schedule=(5.0,), lifetime=1000.0, circuit_breaker=True, at_once=2)


@define(eq=False)
class Slow:
    """
    A destination that answers when the test says so.

    @ivar clock: whose next turn comes after each answer.
    """

    clock: Clock = field(factory=Clock)
    asked: list[tuple[Message, Deferred[Delivered | None]]] = field(factory=list)

    def deliver(self, message: Message) -> Deferred[Delivered | None]:
        answer: Deferred[Delivered | None] = Deferred()
        self.asked.append((message, answer))
        return answer

    def answers(self, answer: Any = None) -> None:
        """Answer the oldest question."""
        waiting = self.asked.pop(0)[1]
        if isinstance(answer, Exception):
            waiting.errback(answer)
        else:
            waiting.callback(answer)
        self.clock.advance(0)


@define(eq=False)
class Room:
    """A delivery, its destination C{bridge:a}, and its store."""

    path: Path
    clock: Clock = field(factory=Clock)
    a: Slow = field(default=Factory(lambda self: Slow(self.clock), takes_self=True))
    routes: dict[str, Nexthop] = field(factory=dict)
    store: Store = field(init=False)
    delivery: Dispatcher = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clock.advance(BEGINNING)
        self.routes["bridge:a"] = Nexthop(_as_destination(self.a), POLICY)
        self.start()

    def start(self) -> None:
        self.store = Store.open(self.path, lock(self.path), execute, execute, PromptBus(self.clock))
        self.delivery = Dispatcher(self.store, self.clock, self.routes.get)

    def again(self) -> None:
        """The gateway died, and comes back."""
        for call in list(self.clock.getDelayedCalls()):
            call.cancel()
        self.store.close()
        self.a.asked.clear()
        self.start()
        now(Deferred.fromCoroutine(self.delivery.start()))

    def arrives(self, text: str, *destinations: str) -> Message:
        sms = IncomingSms(
            line="goip1", number=hash(text), sender="1", text=text, at=self.clock.seconds()
        )
        message = now(self.store.keep_arrival(Arrival(sms, destinations or ("bridge:a",))))
        assert isinstance(message, Message)
        return message


def _as_destination(slow: Any) -> IDestination:
    return slow  # type: ignore[no-any-return]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.store.close()


def test_each_destination_has_its_own_queue(room: Room) -> None:
    """One that is slow does not hold up another."""
    b = Slow()
    room.routes["bridge:b"] = Nexthop(_as_destination(b), POLICY)
    message = room.arrives("hello", "bridge:a", "bridge:b")
    b.answers()
    assert now(room.store.message(message.id)).state == "received"
    room.a.answers()
    assert now(room.store.message(message.id)).state == "delivered"


def test_taken_up_from_disk(room: Room) -> None:
    """What waited when the gateway died waits no more when it is back."""
    room.arrives("hello")
    room.again()
    assert [m.text for m, _ in room.a.asked] == ["hello"]


def test_orphans(room: Room) -> None:
    """
    Messages for a bridge that the configuration has no more are kept and
    shown: an operator may bring it back.
    """
    message = room.arrives("hello", "bridge:gone")
    with capturedLogs() as logs:
        room.again()
    assert [(e["log_level"], e["destination"]) for e in logs] == [(LogLevel.warn, "bridge:gone")]
    assert room.delivery.problems() == ["messages wait for bridge:gone, which is not configured"]
    assert now(room.store.message(message.id)).state == "received"
    room.routes["bridge:gone"] = room.routes["bridge:a"]
    room.again()
    assert [m.text for m, _ in room.a.asked] == ["hello"]


def test_depth(room: Room) -> None:
    """What waits and what is in hand; two at once are in hand here."""
    for text in ("one", "two", "three"):
        room.arrives(text)
    assert len(room.a.asked) == 2
    assert room.delivery.depth == 3


class TestStopping:
    """The gateway stops: nothing begins, and what is in hand may end."""

    def stop(self, room: Room) -> Deferred[None]:
        return Deferred.fromCoroutine(room.delivery.stop())

    def test_nothing_in_hand(self, room: Room) -> None:
        """Then it is done at once, and nothing ticks."""
        room.arrives("hello")
        room.a.answers()
        now(self.stop(room))
        assert room.clock.getDelayedCalls() == []

    def test_waits_for_what_is_in_hand(self, room: Room) -> None:
        """Its verdict is worth waiting for; what is due is not begun."""
        for text in ("one", "two", "three"):
            room.arrives(text)
        stopping = self.stop(room)
        room.a.answers()
        assert not stopping.called
        room.a.answers()
        now(stopping)
        assert room.a.asked == []
        assert room.clock.getDelayedCalls() == []

    def test_not_for_ever(self, room: Room) -> None:
        """
        A far side that never answers does not keep the gateway from stopping,
        nor does the log fill with what nobody waited for.
        """
        message = room.arrives("hello")
        stopping = self.stop(room)
        room.clock.advance(GRACE - 1)
        assert not stopping.called
        room.clock.advance(1)
        now(stopping)
        room.a.answers()  # too late to be waited for, and still written down
        assert now(room.store.message(message.id)).state == "delivered"
        assert room.clock.getDelayedCalls() == []

    def test_what_comes_meanwhile(self, room: Room) -> None:
        """
        What is committed while the gateway stops waits for the next start: no
        queue is made or fed that nobody would end.
        """
        now(self.stop(room))
        room.routes["bridge:b"] = Nexthop(_as_destination(room.a), POLICY)
        message = room.arrives("hello", "bridge:a", "bridge:b")
        assert (room.a.asked, room.delivery.queues) == ([], {})
        assert room.clock.getDelayedCalls() == []
        room.again()
        assert [asked.id for asked, _ in room.a.asked] == [message.id] * 2
