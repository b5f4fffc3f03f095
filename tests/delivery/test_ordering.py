"""
News about one message is told in the order in which it happened, whatever is
put off, however much goes on at once, and across a restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from goiptwist.delivery import queue as queue_module
from goiptwist.delivery.queue import Queue
from goiptwist.delivery.retry import RetryPolicy
from goiptwist.errors import Refused, TryLater
from goiptwist.interfaces import IDestination, INotifies
from goiptwist.model.commit import Commit
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import HandsetReport, Message
from goiptwist.model.notifications import Notification
from goiptwist.model.subscriptions import Subscription
from tests.conftest import FailureLog
from tests.store.conftest import AT, Kept
from tests.store.test_settling import give, settle
from tests.wire import HeldBack, refuse_writes
from tests.world import now

POLICY = RetryPolicy(schedule=(600.0,), lifetime=5000.0, circuit_breaker=True, at_once=10)


@implementer(IDestination, INotifies)
@define(eq=False)
class Teller:
    """Tells when the test says so; texts that came in it takes at once."""

    clock: Clock
    asked: list[tuple[Notification, Deferred[None]]] = field(factory=list)
    taken: list[str] = field(factory=list)

    async def deliver(self, message: Message) -> None:
        self.taken.append(message.text)

    async def notify(self, notification: Notification) -> None:
        answer: Deferred[None] = Deferred()
        self.asked.append((notification, answer))
        await answer

    def in_hand(self) -> list[str]:
        """What is being told, about whom, in the next turn."""
        self.clock.advance(0)
        return [
            f"{notification.message.text} {notification.status}" for notification, _ in self.asked
        ]

    def says(self, about: str, answer: Any = None) -> None:
        """What the far side says of one notification."""
        [found] = [
            pair for pair in self.asked if f"{pair[0].message.text} {pair[0].status}" == about
        ]
        self.asked.remove(found)
        if isinstance(answer, Exception):
            found[1].errback(answer)
        else:
            found[1].callback(None)


@define(eq=False)
class Desk:
    """The queue of one bridge, and the texts that it tells of."""

    path: Path
    clock: Clock = field(factory=Clock, init=False)
    reads: HeldBack = field(factory=lambda: HeldBack(holding=False), init=False)
    teller: Teller = field(init=False)
    kept: Kept = field(init=False)
    queue: Queue = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clock.advance(AT + 10)
        self.kept = Kept(self.path)
        self.kept.bus.subscribe_commits(self._committed)
        self.begin()

    def begin(self) -> None:
        """As a new process does."""
        self.teller = Teller(self.clock)
        store = self.kept.store
        store.run_reading = self.reads
        self.queue = Queue("b:a", self.teller, POLICY, store, self.clock)

    def again(self) -> Deferred[None]:
        """The process ends in the middle of everything, and another begins."""
        for call in list(self.clock.getDelayedCalls()):
            call.cancel()
        self.kept.again()
        self.begin()
        return self.queue.load()

    def _committed(self, commits: Sequence[Commit[Any]]) -> None:
        """The store has put something into the queue."""
        rows = [row for commit in commits for row in commit.enqueued]
        self.queue.add([row for row in rows if row.destination == "b:a"])

    def sent(self, text: str, number: int) -> None:
        """A text goes out."""
        wish: Any = (Subscription("b:a"),)
        [message] = self.kept.order(text=text, subscriptions=wish)
        give(self.kept, message, number)
        settle(self.kept, message, Delivered("OK", "goip1", str(number)))

    def delivered(self, number: int) -> None:
        """Its handset has it."""
        report = HandsetReport(
            line="goip1", number=number, sms_no=str(number), state=0, at=self.clock.seconds()
        )
        now(self.kept.store.report(report))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.kept.store.close()


def test_one_after_the_other(desk: Desk) -> None:
    """Though ten may go at once, the second about one message waits for the first."""
    desk.sent("a", 1)
    desk.delivered(1)
    desk.sent("b", 2)
    assert desk.teller.in_hand() == ["a sent", "b sent"]
    assert desk.queue.depth == 1
    desk.teller.says("a sent")
    assert desk.teller.in_hand() == ["b sent", "a delivered"]
    assert desk.queue.depth == 0


def test_behind_one_that_is_put_off(desk: Desk) -> None:
    """It keeps its place; only its own message waits for it."""
    desk.sent("a", 1)
    desk.teller.says("a sent", TryLater("busy"))
    desk.delivered(1)
    desk.sent("b", 2)
    assert desk.teller.in_hand() == ["b sent"]
    desk.clock.advance(600)
    assert desk.teller.in_hand() == ["b sent", "a sent"]
    desk.teller.says("a sent")
    assert desk.teller.in_hand() == ["b sent", "a delivered"]


@pytest.mark.parametrize("seconds", [0, 6000])
def test_behind_one_that_is_given_up(desk: Desk, seconds: float) -> None:
    """What is refused, or too old, stands in nobody's way."""
    desk.sent("a", 1)
    desk.teller.says("a sent", Refused("gone") if not seconds else TryLater("busy", after=5000))
    desk.clock.advance(seconds)
    desk.delivered(1)
    assert desk.teller.in_hand() == ["a delivered"]


def test_after_a_restart(desk: Desk) -> None:
    """
    The older one was put off, so it is due after the younger one: the order
    in which they are due is not the order in which they happened.
    """
    desk.sent("a", 1)
    desk.teller.says("a sent", TryLater("busy"))
    desk.delivered(1)
    now(desk.again())
    assert desk.teller.in_hand() == []
    desk.clock.advance(600)
    assert desk.teller.in_hand() == ["a sent"]
    desk.teller.says("a sent")
    assert desk.teller.in_hand() == ["a delivered"]
    desk.teller.says("a delivered")
    assert (desk.queue.depth, desk.queue.in_hand, desk.queue._known) == (0, 0, set())


def test_a_small_window(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much waits, the older one is in memory before the younger one may go."""
    monkeypatch.setattr(queue_module, "WINDOW", 4)
    for number in range(20):
        desk.sent(f"{number:02}", number)
        for about in desk.teller.in_hand():
            desk.teller.says(about, TryLater("busy"))
    for number in range(20):
        desk.delivered(number)
    now(desk.again())
    told = []
    for _ in range(20):
        while desk.teller.asked:
            told.append(desk.teller.in_hand()[0])
            desk.teller.says(told[-1])
        desk.clock.advance(100)
    assert len(told) == 40
    for number in range(20):
        own = [about for about in told if about.startswith(f"{number:02}")]
        assert own == [f"{number:02} sent", f"{number:02} delivered"]
    assert (desk.queue.depth, desk.queue._known) == (0, set())


def test_while_a_load_is_under_way(desk: Desk) -> None:
    """What happens meanwhile may have an elder in the answer that is to come."""
    desk.sent("a", 1)
    desk.teller.says("a sent", TryLater("busy"))
    desk.reads.holding = True
    loading = desk.again()
    desk.delivered(1)
    desk.queue.pump()
    assert desk.teller.in_hand() == []
    desk.reads.release()
    now(loading)
    assert desk.teller.in_hand() == []
    desk.clock.advance(600)
    desk.teller.says("a sent")
    assert desk.teller.in_hand() == ["a delivered"]


def test_while_a_load_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, logged_failures: FailureLog
) -> None:
    """What came meanwhile is on disk, and is found by the next one."""
    store: Any = desk.kept.store
    answer: Deferred[Any] = Deferred()
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "waiting", lambda *_: answer)
        loading = desk.queue.load()
    desk.sent("a", 1)
    assert desk.teller.in_hand() == []
    answer.errback(OSError("no disk"))
    now(loading)
    desk.clock.advance(1)
    assert desk.teller.in_hand() == ["a sent"]
    logged_failures.flush()


def test_others_pay_nothing(desk: Desk) -> None:
    """What is no notification about anything is in no chain."""
    message = desk.kept.arrival()
    assert message is not None
    assert desk.teller.taken == ["hello"]
    assert desk.queue._groups._behind == {}


def test_an_outcome_that_cannot_be_written(desk: Desk, logged_failures: FailureLog) -> None:
    """The next may not go before the disk knows that the first has gone."""
    desk.sent("a", 1)
    desk.delivered(1)
    refuse_writes(desk.kept.store)
    desk.teller.says("a sent")
    desk.clock.advance(5)
    assert desk.teller.in_hand() == []
    refuse_writes(desk.kept.store, False)
    desk.clock.advance(1)
    assert desk.teller.in_hand() == ["a delivered"]
    logged_failures.flush()


def test_withheld_and_given_back(desk: Desk) -> None:
    """Somebody tries to withdraw a notification: it keeps its place."""
    desk.sent("a", 1)
    first = desk.teller.asked[0][0].id
    desk.teller.says("a sent", TryLater("busy"))
    desk.delivered(1)
    assert desk.queue.withhold(first)
    desk.clock.advance(600)
    assert desk.teller.in_hand() == []
    desk.queue.give_back(first)
    assert desk.teller.in_hand() == ["a sent"]
    desk.teller.says("a sent")
    assert desk.teller.in_hand() == ["a delivered"]
