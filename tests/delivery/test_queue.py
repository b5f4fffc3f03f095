"""
The queue of one destination: a bounded window of what waits on disk, attempts
that begin when they can, and outcomes that reach the disk whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, define, evolve, field
from sqlalchemy import text
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from zope.interface import implementer

from goiptwist.contact_id import notation
from goiptwist.delivery import queue as queue_module
from goiptwist.delivery.queue import OUTAGE_PAUSES, SWEEP, Queue
from goiptwist.delivery.retry import RetryPolicy
from goiptwist.device_interfaces import ILease, ILends
from goiptwist.errors import Refused, TryLater, Unsure
from goiptwist.interfaces import IDeliversEach
from goiptwist.messaging.events import BusEvent
from goiptwist.model.delivery import Delivered, QueueEntry
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import AlarmReport, Message, OnUnknown
from goiptwist.store import AlarmAcknowledgement, NewAlarm
from tests.conftest import FailureLog
from tests.delivery.test_dispatcher import Slow
from tests.store.conftest import AT, Kept
from tests.wire import HeldBack, refuse_writes
from tests.world import now

BRIDGE = RetryPolicy(schedule=(5.0, 30.0), lifetime=1000.0, circuit_breaker=True, at_once=2)
LINES = RetryPolicy(
    schedule=(5.0, 30.0), attempts=3, lifetime=1000.0, circuit_breaker=False, at_once=2
)


def entry(message: Message, destination: str = "b:a") -> QueueEntry:
    """The row of a message that has just been kept."""
    return QueueEntry(destination=destination, message=message, due=message.at)


@define(eq=False)
class Counter:
    """
    A queue, its destination, and the counter that hands messages in.

    @ivar reads: where questions to the store are asked; hold it back to have
        things happen while a load is under way.
    """

    path: Path
    policy: RetryPolicy = BRIDGE
    clock: Clock = field(factory=Clock, init=False)
    reads: HeldBack = field(factory=lambda: HeldBack(holding=False), init=False)
    writes: HeldBack = field(factory=lambda: HeldBack(holding=False), init=False)
    slow: Slow = field(default=Factory(lambda self: Slow(self.clock), takes_self=True))
    settled: list[Message] = field(factory=list, init=False)  # as it was published
    count: int = field(default=0, init=False)
    kept: Kept = field(init=False)
    queue: Queue = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clock.advance(AT)
        self.kept = Kept(self.path, self.writes)
        self.kept.store.run_reading = self.reads
        self.queue = Queue(
            "b:a",
            self.slow,  # type: ignore[arg-type]
            self.policy,
            self.kept.store,
            self.clock,
        )
        self.kept.bus.subscribe(self._published)

    def _published(self, event: BusEvent) -> None:
        if event.subject.reason or event.kind not in ("message.queued", "message.received"):
            self.settled.append(event.subject)

    def arrives(self, text: str, add: bool = True) -> Message:
        """A message is kept, and the queue told."""
        self.count += 1
        message = self.kept.arrival(self.count, text, self.clock.seconds())
        assert message is not None
        if add:
            self.queue.add([entry(message)])
        return message

    def asked(self) -> list[str]:
        """What the destination has in hand, in the next turn."""
        self.clock.advance(0)
        return [message.text for message, _ in self.slow.asked]

    def state(self, message: Message) -> tuple[str, str]:
        found = self.kept.message(message)
        assert found is not None
        return found.state.value, found.reason


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    made = Counter(tmp_path)
    yield made
    made.kept.store.close()


class TestAttempts:
    """When they begin, and what follows."""

    def test_as_many_at_once_as_the_policy_says(self, counter: Counter) -> None:
        """The next begins when one is done, in the order of arrival."""
        for body in "abcd":
            counter.arrives(body)
        assert counter.asked() == ["a", "b"]
        counter.slow.answers()
        assert counter.asked() == ["b", "c"]
        assert (counter.queue.depth, counter.queue.in_hand) == (1, 2)

    def test_put_off(self, counter: Counter) -> None:
        """Tried again by the schedule, whose last entry repeats; the others go on."""
        message = counter.arrives("a")
        for wait in (5, 30, 30):
            counter.slow.answers(TryLater("busy"))
            assert counter.state(message) == ("received", "busy")
            counter.clock.advance(wait - 1)
            assert counter.asked() == []
            counter.clock.advance(1)
            assert counter.asked() == ["a"]
        counter.slow.answers()
        assert counter.state(message) == ("delivered", "")
        assert counter.clock.getDelayedCalls() == []

    def test_refused(self, counter: Counter) -> None:
        """Never again."""
        message = counter.arrives("a")
        counter.slow.answers(Refused("no such user"))
        assert counter.state(message) == ("failed", "no such user")
        assert counter.clock.getDelayedCalls() == []

    def test_a_bug_in_the_destination(self, counter: Counter, logged_failures: FailureLog) -> None:
        """It loses no message, and is logged as what it is."""
        message = counter.arrives("a")
        counter.slow.answers(KeyError("bug"))
        [event] = logged_failures.flush()
        assert event["message_id"] == message.id
        assert counter.state(message) == ("received", "internal error, see the log")
        counter.clock.advance(5)
        assert counter.asked() == ["a"]

    def test_too_old(self, counter: Counter) -> None:
        """Given up without another try."""
        message = counter.arrives("a")
        counter.slow.answers(TryLater("busy", after=999))
        counter.clock.advance(1000)
        assert counter.asked() == []
        assert counter.state(message)[0] == "failed"


@implementer(ILends)
@define(eq=False)
class Lender(Slow):
    """
    A destination that lends.

    @ivar free: how many leases it has.
    @ivar quick: whether it answers at once.
    @ivar subscribers: those who wait for one.
    """

    free: int = 0
    quick: bool = False
    subscribers: list[Callable[[], None]] = field(factory=list)

    def acquire(self, message: Message) -> Lent | None:
        if not self.free:
            return None
        self.free -= 1
        return Lent(self)

    def on_available(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.subscribers.append(callback)
        return lambda: self.subscribers.remove(callback)

    def give_back(self) -> None:
        self.free += 1
        if self.free == 1:
            for callback in self.subscribers:
                callback()


@implementer(ILease)
@define(eq=False)
class Lent:
    """One lease."""

    lender: Lender
    released: bool = False

    def deliver(self, message: Message) -> Deferred[Delivered | None]:
        answer = self.lender.deliver(message)
        if self.lender.quick:
            answer.callback(None)
        return answer

    def release(self) -> None:
        assert not self.released
        self.released = True
        self.lender.give_back()


class TestLeases:
    """A destination that lends is given no more than it lends."""

    @pytest.fixture
    def lender(self) -> Lender:
        return Lender()

    @pytest.fixture
    def counter(self, tmp_path: Path, lender: Lender) -> Iterator[Counter]:
        made = Counter(tmp_path, LINES, slow=lender)
        lender.clock = made.clock
        yield made
        made.kept.store.close()

    def test_nothing_is_free(self, counter: Counter, lender: Lender) -> None:
        """It is not asked, however long, until it has something to lend."""
        counter.arrives("a")
        counter.clock.advance(SWEEP * 3)
        assert counter.asked() == []
        lender.give_back()
        assert counter.slow.asked == []  # not in the middle of what gave it back
        assert counter.asked() == ["a"]

    def test_too_old_though_nothing_is_free(self, counter: Counter) -> None:
        """Nobody calls when no line ever comes back: a look now and then is enough."""
        message = counter.arrives("a")
        for _ in range(40):
            counter.clock.advance(SWEEP)
        assert counter.state(message)[0] == "failed"

    @pytest.mark.parametrize(
        "answer", [None, Refused("no"), TryLater("busy"), Unsure("silence"), KeyError("bug")]
    )
    def test_given_back(
        self, counter: Counter, lender: Lender, answer: Any, logged_failures: FailureLog
    ) -> None:
        """However the attempt ends; and the next one begins."""
        lender.free = 1
        for body in "ab":
            counter.arrives(body)
        assert counter.asked() == ["a"]
        assert lender.free == 0
        counter.slow.answers(answer)
        assert counter.asked() == ["b"]
        counter.slow.answers()
        assert lender.free == 1
        assert len(logged_failures.flush()) == isinstance(answer, KeyError)

    def test_a_thousand_that_end_at_once(self, counter: Counter, lender: Lender) -> None:
        """Each in a turn of its own: the stack does not grow with the queue."""
        lender.free = 1
        lender.quick = True
        for n in range(1000):
            counter.arrives(str(n))
        counter.clock.advance(0)
        assert [message.text for message, _ in lender.asked] == [str(n) for n in range(1000)]

    def test_stopped(self, counter: Counter, lender: Lender) -> None:
        """A queue that has stopped does not listen any more."""
        counter.arrives("a")
        counter.queue.stop()
        assert lender.subscribers == []
        assert counter.clock.getDelayedCalls() == []


class TestUnknown:
    """Nobody knows whether a text went out."""

    @pytest.mark.parametrize(
        ("policy", "state", "asked"),
        [
            (OnUnknown.HOLD, "unknown", []),
            (OnUnknown.FAIL, "failed", []),
            (OnUnknown.RESEND, "queued", ["hello"]),
        ],
    )
    def test_policies(
        self, tmp_path: Path, policy: OnUnknown, state: str, asked: list[str]
    ) -> None:
        """Held for an operator, given up, or tried again at once."""
        counter = Counter(tmp_path, evolve(LINES, on_unknown=policy))
        counter.queue.name = "pool:a"
        [message] = counter.kept.order()
        counter.queue.add([entry(message)])
        counter.slow.answers(Unsure("silence"))
        assert counter.state(message) == (state, "silence")
        assert counter.asked() == asked
        assert [m.state for m in counter.settled] == [state]
        counter.kept.store.close()


class TestRests:
    """A far side that is away is left alone as a whole, not tried message by message."""

    def test_one_rest_for_all(self, counter: Counter) -> None:
        """Longer each time; no attempt of any message is used up."""
        messages = [counter.arrives(body) for body in "abcd"]
        with capturedLogs() as logs:
            for rest in (*OUTAGE_PAUSES, OUTAGE_PAUSES[-1]):
                for _ in range(2):
                    counter.slow.answers(TryLater("no route", attempted=False))
                assert counter.queue.outage == "no route"
                counter.clock.advance(rest - 0.5)
                assert counter.asked() == []
                counter.clock.advance(0.5)
                assert len(counter.asked()) == 2
        assert [e["log_level"] for e in logs] == [LogLevel.warn]  # said once
        assert all(row.attempts == 0 for row in now(counter.kept.store.waiting("b:a", 9)))
        assert counter.state(messages[0]) == ("received", "")

    def test_reached_again(self, counter: Counter) -> None:
        """Any word of the far side ends it, also a no; the next rest is short again."""
        for body in "abc":
            counter.arrives(body)
        for _ in range(2):
            counter.slow.answers(TryLater("no route", attempted=False))
        counter.clock.advance(OUTAGE_PAUSES[0])
        with capturedLogs() as logs:
            counter.slow.answers(Refused("no"))
        assert [e["log_level"] for e in logs] == [LogLevel.info]
        assert counter.queue.outage == ""
        counter.slow.answers(TryLater("no route", attempted=False))
        counter.slow.answers(TryLater("no route", attempted=False))
        counter.clock.advance(OUTAGE_PAUSES[0])
        assert len(counter.asked()) == 2

    def test_the_far_side_asks_for_more(self, counter: Counter) -> None:
        """Retry-After of one message is kept for that message."""
        counter.arrives("a")
        counter.slow.answers(TryLater("later", after=100, attempted=False))
        counter.clock.advance(99)
        assert counter.asked() == []
        counter.clock.advance(1)
        assert counter.asked() == ["a"]


class TestWindow:
    """Only so many rows are in memory; the rest stays on disk."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(queue_module, "WINDOW", 4)

    def drain(self, counter: Counter) -> list[str]:
        """Take everything that ever comes, in order."""
        seen = []
        while counter.slow.asked:
            seen.append(counter.slow.asked[0][0].text)
            counter.slow.answers()
        return seen

    def test_loaded_again_and_again(self, counter: Counter) -> None:
        """Everything on disk comes by, once."""
        bodies = [f"{n:02}" for n in range(25)]
        for body in bodies:
            counter.arrives(body, add=False)
        now(counter.queue.load())
        assert counter.queue.depth <= 4
        assert self.drain(counter) == bodies
        assert (counter.queue.depth, counter.queue._known) == (0, set())

    def test_it_has_a_bound(self, counter: Counter) -> None:
        """Also for what arrives while the far side is away: a million fit the disk."""
        bodies = [f"{n:02}" for n in range(25)]
        for body in bodies:
            counter.arrives(body)
        assert counter.queue.depth <= 4
        assert self.drain(counter) == bodies

    def test_what_arrives_while_the_window_is_full(self, counter: Counter) -> None:
        """It waits on disk, and comes after the others."""
        for n in range(10):
            counter.arrives(f"old {n}", add=False)
        now(counter.queue.load())
        counter.arrives("new")
        assert self.drain(counter) == [*(f"old {n}" for n in range(10)), "new"]

    def test_settled_while_a_load_is_under_way(self, counter: Counter) -> None:
        """It still stands in the answer, and must not go out twice."""
        for n in range(10):
            counter.arrives(f"{n}", add=False)
        now(counter.queue.load())
        told_late: list[tuple[Deferred[Any], Any]] = []

        def reads_now_tells_later(work: Callable[[], Any]) -> Deferred[Any]:
            told_late.append((Deferred(), work()))
            return told_late[-1][0]

        counter.kept.store.run_reading = reads_now_tells_later
        seen = []
        while counter.slow.asked:
            seen.append(counter.slow.asked[0][0].text)
            counter.slow.answers()
        assert len(told_late) == 1
        counter.kept.store.run_reading = counter.reads
        told_late[0][0].callback(told_late[0][1])
        seen += self.drain(counter)
        assert seen == [f"{n}" for n in range(10)]

    def test_read_before_it_was_told(self, counter: Counter) -> None:
        """
        The reader is another thread than the writer: it may see a message
        before the queue is told of it, which must not make it two.
        """
        message = counter.arrives("a", add=False)
        now(counter.queue.load())
        counter.queue.add([entry(message)])
        assert counter.asked() == ["a"]
        assert counter.queue.depth == 0

    def test_arrived_while_a_load_is_under_way(self, counter: Counter) -> None:
        """Whether the answer has it or not, it comes once."""
        counter.reads.holding = True
        loading = counter.queue.load()
        for body in "abcdef":
            counter.arrives(body)
        counter.reads.release()
        now(loading)
        assert self.drain(counter) == list("abcdef")

    def test_a_load_that_fails(self, counter: Counter, logged_failures: FailureLog) -> None:
        """Tried again, also the very first one."""
        counter.arrives("a", add=False)
        with counter.kept.store.writer.connection.begin():
            counter.kept.store.writer.connection.execute(
                text("ALTER TABLE delivery RENAME TO away")
            )
        now(counter.queue.load())
        assert len(logged_failures.flush()) == 1
        with counter.kept.store.writer.connection.begin():
            counter.kept.store.writer.connection.execute(
                text("ALTER TABLE away RENAME TO delivery")
            )
        counter.clock.advance(1)
        assert counter.asked() == ["a"]


class TestTheDisk:
    """An outcome is known, and the store does not take it."""

    def test_told_again_until_it_is_written(
        self, counter: Counter, logged_failures: FailureLog
    ) -> None:
        """The far side has spoken: its word is not lost, nor is it asked again."""
        message = counter.arrives("a")
        refuse_writes(counter.kept.store)
        counter.slow.answers()
        for _ in range(10):
            counter.clock.advance(1)
        assert counter.asked() == []
        assert counter.queue.in_hand == 1
        refuse_writes(counter.kept.store, False)
        counter.clock.advance(1)
        assert counter.state(message) == ("delivered", "")
        assert counter.queue.in_hand == 0
        assert len(logged_failures.flush()) == 1

    def test_the_submitter_is_told_after_the_commit(self, tmp_path: Path) -> None:
        """Not before: the gateway might die in between."""
        counter = Counter(tmp_path, LINES)
        counter.queue.name = "pool:a"
        [message] = counter.kept.order()
        counter.queue.add([entry(message)])
        counter.writes.holding = True
        counter.slow.answers()
        assert counter.settled == []
        counter.writes.release()
        assert [m.state for m in counter.settled] == ["sent"]
        counter.kept.store.close()


class TestStopping:
    """Nothing new begins."""

    def test_what_is_put_off_stays_on_disk(self, counter: Counter) -> None:
        """For the next start; nothing ticks."""
        counter.arrives("a")
        stopped = counter.queue.stop()
        counter.slow.answers(TryLater("busy"))
        now(stopped)
        assert counter.clock.getDelayedCalls() == []
        counter.queue.pump()
        counter.clock.advance(100)
        assert counter.asked() == []


@implementer(IDeliversEach)
class Each(Slow):
    """Several recipients; the text that is asked says which."""

    def deliver_to(self, message: Message, recipient: str) -> Deferred[Delivered | None]:
        return self.deliver(evolve(message, text=recipient))


class TestRecipients:
    """A destination that delivers to each by itself."""

    @pytest.fixture
    def each(self, tmp_path: Path) -> Iterator[Counter]:
        made = Counter(tmp_path, evolve(BRIDGE, at_once=9), slow=Each())
        made.slow.clock = made.clock
        made.kept.store.recipients["b:a"] = ("anna", "bela", "cili")
        yield made
        made.kept.store.close()

    def arrives(self, each: Counter) -> Message:
        message = each.arrives("x", add=False)
        each.queue.add(each.kept.enqueued)
        each.clock.advance(0)
        return message

    def test_each_by_itself(self, each: Counter) -> None:
        """One is put off, and nobody else hears it again."""
        message = self.arrives(each)
        assert each.asked() == ["anna", "bela", "cili"]
        each.slow.answers()
        each.slow.answers(TryLater("greylisted"))
        each.slow.answers()
        assert each.asked() == []
        each.clock.advance(5)
        assert each.asked() == ["bela"]
        each.slow.answers()
        assert each.state(message) == ("delivered", "")
        assert (each.queue.depth, each.queue._known) == (0, set())

    def test_dropped(self, each: Counter) -> None:
        """For all of them, whether it waits or is under way."""
        report = AlarmReport(event=notation.read("1113,18,1,123,03,003"), origin="panel")
        steps = (EscalationStep("b:a"),)
        alarm = now(each.kept.store.keep_alarm(NewAlarm(report=report, steps=steps, at=AT)))
        each.queue.add(each.kept.enqueued)
        each.clock.advance(0)
        each.slow.answers(TryLater("busy"))
        now(each.kept.store.acknowledge(AlarmAcknowledgement(message_id=alarm.id, by="Ann", at=AT)))
        each.queue.drop({alarm.id})
        each.slow.answers(TryLater("busy"))
        each.slow.answers(TryLater("busy"))
        each.clock.advance(100)
        assert each.asked() == []
        assert each.queue._known == set()

    def test_settings_that_have_changed(self, tmp_path: Path) -> None:
        """The bridge takes whole messages now: it gets it so."""
        whole = Counter(tmp_path, evolve(BRIDGE, at_once=9))
        whole.kept.store.recipients["b:a"] = ("anna", "bela", "cili")
        self.arrives(whole)
        assert whole.asked() == ["x"] * 3
        whole.kept.store.close()
