"""Alarms on disk: kept once, passed on in the commit that says so, taken over."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from goiptwist.contact_id import notation
from goiptwist.delivery.retry import RetryPolicy, outcome_of
from goiptwist.errors import Conflict, OverQuota, Refused, TryLater, Unsure
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import AlarmReport, Direction, Message, State, Step
from goiptwist.model.queries import Search
from goiptwist.model.quota import Quota
from goiptwist.model.subscriptions import Subscription
from goiptwist.store import AlarmAcknowledgement, Bounce, NewAlarm
from tests.store.conftest import AT, Kept
from tests.wire import HeldBack
from tests.world import now

PANIC = "1113,18,1,123,03,003"
CHAIN = (EscalationStep("b:a", 1, ("b:b", "b:c"), 60.0),)
POLICY = RetryPolicy(schedule=(5.0,), lifetime=1000.0, circuit_breaker=False, at_once=9)


def raised(
    machine: str = PANIC, steps: tuple[EscalationStep, ...] = CHAIN, **more: Any
) -> NewAlarm:
    at, quota = more.pop("at", AT), more.pop("quota", Quota())
    about = {"origin": "user:panel", **more}
    report = AlarmReport(event=notation.read(machine), **about)
    return NewAlarm(report=report, steps=steps, at=at, quota=quota)


def keep(kept: Kept, *given: Any, **more: Any) -> Message:
    made: Message = now(kept.store.keep_alarm(raised(*given, **more)))
    return made


def waiting(kept: Kept, destination: str) -> QueueEntry:
    (row,) = now(kept.store.waiting(destination, 9))
    assert isinstance(row, QueueEntry)
    return row


def says(kept: Kept, destination: str, answer: Any, at: float = AT + 1) -> Message | None:
    """A destination has answered the only alarm that waits for it."""
    row = waiting(kept, destination)
    result: Message | None = now(
        kept.store.settle(outcome_of(answer, row, destination, POLICY, at))
    )
    return result


def stands(kept: Kept, alarm: Message) -> tuple[str, list[str]]:
    """Its state, and whom it waits for."""
    found = kept.message(alarm)
    assert found is not None
    return found.state.value, now(kept.store.waits_for(alarm.id))


def look(kept: Kept, at: float) -> float | None:
    """Let chains go on; nothing comes to an end by that."""
    ended = len(kept.events)
    when = now(kept.store.escalate(at))
    assert kept.events[ended:] == []
    assert when is None or isinstance(when, float)
    return when


def steps(kept: Kept, alarm: Message) -> list[tuple[str, str, str]]:
    journey: list[Step] = now(kept.store.journey(alarm.id))
    return [(step.what, step.where.removeprefix("b:"), step.detail) for step in journey]


class TestKeeping:
    """What is told yes is on disk, once."""

    def test_the_whole_of_it(self, kept: Kept) -> None:
        """As it was handed in, also after a restart; the way is kept with it."""
        more = {"recipient": "06201234567", "client_id": "x", "context": "c", "line": "goip1"}
        alarm = keep(kept, subscriptions=(Subscription("b:hooks"),), **more)
        kept.again()
        assert kept.message(alarm) == Message(
            id=alarm.id,
            direction=Direction.ALARM,
            sender="Alarm 1113",
            text=f"{notation.read(PANIC).words}\n{PANIC}",
            alarm=PANIC,
            at=AT,
            state=State.RECEIVED,
            origin="user:panel",
            subscriptions=(Subscription("b:hooks"),),
            **more,  # type: ignore[arg-type]
        )
        row = waiting(kept, "b:a")
        assert (row.step, row.begin, row.due) == (CHAIN[0], AT, AT)
        assert steps(kept, alarm) == [("received", "goip1", "user:panel")]

    def test_a_repeat(self, kept: Kept) -> None:
        """The same client id is the same alarm; another origin's is another."""
        first = now(kept.store.keep_alarm(raised(client_id="x")))
        again = now(kept.store.keep_alarm(raised(client_id="x", recipient="other")))
        assert again == first
        assert [kind for kind, _ in kept.events] == ["alarm.received"]
        assert len(kept.enqueued) == 1
        assert keep(kept, client_id="x", origin="user:b").id != first.id
        assert keep(kept).id != keep(kept).id
        with pytest.raises(Conflict, match="'x' was used before"):
            keep(kept, "1113,18,1,130,03,003", client_id="x")

    def test_an_id_of_a_text(self, kept: Kept) -> None:
        """One id is one thing, whether text or alarm."""
        kept.order(client_id="x", origin="user:panel")
        with pytest.raises(Conflict):
            keep(kept, client_id="x")
        keep(kept, client_id="y")
        with pytest.raises(Conflict):
            kept.order(client_id="y", origin="user:panel")

    def test_in_one_commit(self, keeps: Any) -> None:
        """Repeats that arrive together are one as well."""
        disk = HeldBack(holding=False)
        kept = keeps(disk)
        disk.holding = True
        first = kept.store.keep_alarm(raised())  # the commit that the others wait for
        answers = [
            kept.store.keep_alarm(raised(machine, client_id=client_id))
            for machine, client_id in (
                (PANIC, "x"), (PANIC, "x"), ("1113,18,1,130,03,003", "x"), (PANIC, ""), (PANIC, ""),
            )
        ]  # fmt: skip
        disk.release()
        now(first)
        a, b, _, d, e = (deferred.result for deferred in answers)
        assert a == b
        assert len(kept.enqueued) == 4
        with pytest.raises(Conflict):
            now(answers[2])
        assert len({a.id, d.id, e.id}) == 3

    def test_quota(self, kept: Kept) -> None:
        """An alarm counts as a message of its origin, a repeat does not."""
        one = Quota(messages=1)
        keep(kept, client_id="x", quota=one)
        keep(kept, client_id="x", quota=one)
        with pytest.raises(OverQuota):
            keep(kept, client_id="y", quota=one)
        assert now(kept.store.used("user:panel", int(AT // 86400))) == (1, 0)

    def test_who_sees_it(self, kept: Kept) -> None:
        """It stands in history and among what its user sent, and in nobody's inbox of SMS."""
        alarm = keep(kept)
        for direction in (None, Direction.ALARM):
            assert now(kept.store.messages(direction, "", 9)) == [alarm]
            assert now(kept.store.search(Search(direction=direction))).messages == [alarm]
        assert now(kept.store.messages(Direction.IN, "", 9)) == []
        assert now(kept.store.inbox("user:panel", "", 9)) == []
        assert now(kept.store.sent("user:panel", list(State), 9)) == [alarm]
        assert now(kept.store.sent("user:other", list(State), 9)) == []


class TestChain:
    """Who follows is queued in the commit that gives up the one before."""

    def test_failures(self, kept: Kept) -> None:
        """One after another; the last word counts."""
        alarm = keep(kept)
        kept.enqueued.clear()
        assert says(kept, "b:a", Refused("401"), AT + 1) is None
        assert [(one.destination, one.step) for one in kept.enqueued] == [("b:b", CHAIN[0].next)]
        assert stands(kept, alarm) == ("received", ["b:b"])
        kept.again()
        assert says(kept, "b:b", Refused("503"), AT + 2) is None
        assert waiting(kept, "b:c").since == AT + 2
        done = says(kept, "b:c", None, AT + 3)
        assert done is not None
        assert (done.state, stands(kept, alarm)) == (State.DELIVERED, ("delivered", []))
        assert steps(kept, alarm) == [
            ("received", "", "user:panel"),
            ("failed", "a", "401"),
            ("goes on", "b", "b:a failed"),
            ("failed", "b", "503"),
            ("goes on", "c", "b:b failed"),
            ("delivered", "c", ""),
        ]

    def test_exhausted(self, kept: Kept) -> None:
        """When nobody is left it has failed, and that is told."""
        alarm = keep(kept, subscriptions=(Subscription("b:hooks", ("failed",)),))
        for name in "abc":
            ended = says(kept, f"b:{name}", Refused("no"))
        assert ended is not None
        assert (ended.state, ended.reason) == (State.FAILED, "no")
        assert stands(kept, alarm) == ("failed", [])
        assert now(kept.store.failed_alarms(AT)) == [ended]
        assert now(kept.store.failed_alarms(AT + 1)) == []
        news = waiting(kept, "b:hooks").message
        assert (news.topic, news.about, news.text) == ("failed", alarm.id, "no")

    def test_attempts(self, kept: Kept) -> None:
        """What is only put off stays where it is, until its tries are used up."""
        policy = evolve(POLICY, attempts=2)
        alarm = keep(kept)
        for attempt, waits_for in ((0, ["b:a"]), (1, ["b:b"])):
            row = evolve(waiting(kept, "b:a"), attempts=attempt)
            now(kept.store.settle(outcome_of(TryLater("486"), row, "b:a", policy, AT + attempt)))
            assert stands(kept, alarm) == ("received", waits_for)
        assert ("failed", "a", "gave up after 2 attempts: 486") in steps(kept, alarm)

    def test_several_ways(self, kept: Kept) -> None:
        """It has gone well only if each of them ended with a delivery."""
        alarm = keep(
            kept,
            steps=(
                EscalationStep("b:x"),
                EscalationStep("b:y"),
                EscalationStep("b:a", 1, ("b:b",), 60.0),
            ),
        )
        says(kept, "b:x", Refused("no"))
        says(kept, "b:a", Refused("no"))
        says(kept, "b:b", None)
        assert stands(kept, alarm) == ("received", ["b:y"])
        assert says(kept, "b:y", None) is not None
        assert stands(kept, alarm)[0] == "failed"

    def test_who_follows_has_it_already(self, kept: Kept) -> None:
        """Another route gave it to the next one: passed over while it tries, enough if it did."""
        chain = (EscalationStep("b:b"), *CHAIN)
        alarm = keep(kept, steps=chain)
        says(kept, "b:a", Refused("no"))
        assert stands(kept, alarm)[1] == ["b:b", "b:c"]
        other = keep(kept, steps=(EscalationStep("b:y"), EscalationStep("b:x", 1, ("b:y",), 60.0)))
        says(kept, "b:y", None)
        says(kept, "b:x", Refused("no"))
        assert stands(kept, other) == ("delivered", [])

    def test_unsure(self, kept: Kept) -> None:
        """A second copy of an alarm is better than none: it is tried again."""
        alarm = keep(kept)
        says(kept, "b:a", Unsure("no kissoff heard"))
        assert stands(kept, alarm) == ("received", ["b:a"])
        assert waiting(kept, "b:a").attempts == 1


class TestInTime:
    """A step that has had its time is passed on, whatever its queue does."""

    def test_overdue(self, kept: Kept) -> None:
        """Not before its time; and then the next one's time begins."""
        alarm = keep(kept)
        kept.withdrawn.clear()
        assert look(kept, AT + 59) == AT + 60
        assert kept.withdrawn == []
        assert look(kept, AT + 60) == AT + 120
        assert kept.withdrawn == [(alarm.id, "b:a")]
        assert stands(kept, alarm) == ("received", ["b:b"])
        assert look(kept, AT + 120) is None
        assert stands(kept, alarm) == ("received", ["b:c"])
        said = "has not delivered it within 60 s"
        assert steps(kept, alarm)[1:] == [
            ("goes on", "b", f"b:a {said}"),
            ("goes on", "c", f"b:b {said}"),
        ]

    def test_a_failure_that_comes_late(self, kept: Kept) -> None:
        """It brings nothing back, and nobody gets it twice."""
        alarm = keep(kept)
        row = waiting(kept, "b:a")
        look(kept, AT + 60)
        for answer in (TryLater("busy"), Refused("no")):
            now(kept.store.settle(outcome_of(answer, row, "b:a", POLICY, AT + 61)))
            assert stands(kept, alarm) == ("received", ["b:b"])
        assert ("failed", "a", "no") in steps(kept, alarm)

    @pytest.mark.parametrize("exhausted", [False, True])
    def test_a_delivery_that_comes_late(self, kept: Kept, exhausted: bool) -> None:
        """It counts, and who was asked meanwhile is not asked any more."""
        alarm = keep(kept)
        row = waiting(kept, "b:a")
        look(kept, AT + 60)
        if exhausted:
            says(kept, "b:b", Refused("no"))
            says(kept, "b:c", Refused("no"))
            assert stands(kept, alarm)[0] == "failed"
        kept.withdrawn.clear()
        ended = now(kept.store.settle(outcome_of(None, row, "b:a", POLICY, AT + 61)))
        assert ended.state is State.DELIVERED
        assert stands(kept, alarm) == ("delivered", [])
        assert kept.withdrawn == [(alarm.id, "b:c" if exhausted else "b:b")]
        assert look(kept, AT + 999) is None

    def test_another_chain_goes_on(self, kept: Kept) -> None:
        """A delivery ends the chain that it belongs to."""
        chains = (
            EscalationStep("b:a", 1, ("b:b",), 60.0),
            EscalationStep("b:x", 2, ("b:y",), 60.0),
        )
        alarm = keep(kept, steps=chains)
        says(kept, "b:a", None)
        assert stands(kept, alarm) == ("received", ["b:x"])
        look(kept, AT + 60)
        assert stands(kept, alarm) == ("received", ["b:y"])

    def test_told_once(self, kept: Kept) -> None:
        """When it has come to an end, a late word of somebody else tells nobody anything new."""
        alarm = keep(kept, subscriptions=(Subscription("b:hooks"),))
        row = waiting(kept, "b:a")
        look(kept, AT + 60)
        says(kept, "b:b", None)
        for answer in (TryLater("hung up"), Refused("no"), None):
            outcome = outcome_of(answer, row, "b:a", POLICY, AT + 61)
            assert now(kept.store.settle(outcome)) is None
            found = kept.message(alarm)
            assert found is not None
            assert (found.state, found.reason) == (State.DELIVERED, "")
        assert waiting(kept, "b:hooks").message.topic == "delivered"

    def test_two_in_one_commit(self, keeps: Any) -> None:
        """Both ways end together: that is one end."""
        disk = HeldBack(holding=False)
        kept = keeps(disk)
        alarm = keep(
            kept,
            steps=(EscalationStep("b:x"), EscalationStep("b:y")),
            subscriptions=(Subscription("b:hooks"),),
        )
        rows = {name: waiting(kept, name) for name in ("b:x", "b:y")}
        disk.holding = True
        other = kept.store.put_value("k", "v", AT)  # the commit that both wait for
        both = [
            kept.store.settle(outcome_of(None, row, name, POLICY, AT + 1))
            for name, row in rows.items()
        ]
        disk.release()
        now(other)
        assert [one is not None for one in map(now, both)] == [True, False]
        assert stands(kept, alarm) == ("delivered", [])
        assert waiting(kept, "b:hooks").message.topic == "delivered"

    def test_who_follows_had_it(self, kept: Kept) -> None:
        """Another route gave it to the next one, which has delivered: that is the end."""
        keep(kept, steps=(EscalationStep("b:b"), EscalationStep("b:a", 1, ("b:b",), 60.0)))
        says(kept, "b:b", None)
        assert now(kept.store.escalate(AT + 60)) is None
        assert [kind for kind, _ in kept.events] == ["alarm.received", "alarm.delivered"]

    def test_nobody_is_left(self, kept: Kept) -> None:
        """Who would follow tries already: the first goes on trying too."""
        alarm = keep(kept, steps=(EscalationStep("b:b"), EscalationStep("b:a", 1, ("b:b",), 60.0)))
        assert look(kept, AT + 60) is None
        assert stands(kept, alarm)[1] == ["b:a", "b:b"]


class TestAcknowledged:
    """A person has it: nothing more begins."""

    def acknowledge(self, kept: Kept, alarm_id: str) -> Message:
        done = now(
            kept.store.acknowledge(AlarmAcknowledgement(message_id=alarm_id, by="Ann", at=AT + 9))
        )
        assert isinstance(done, Message)
        return done

    def test_while_it_waits(self, kept: Kept) -> None:
        alarm = keep(
            kept, steps=(EscalationStep("b:x"), *CHAIN), subscriptions=(Subscription("b:hooks"),)
        )
        kept.withdrawn.clear()
        done = self.acknowledge(kept, alarm.id)
        assert (done.state, done.reason) == (State.DELIVERED, "acknowledged by Ann")
        assert kept.withdrawn == [(alarm.id, "b:a"), (alarm.id, "b:x")]
        assert stands(kept, alarm) == ("delivered", [])
        assert look(kept, AT + 999) is None
        assert steps(kept, alarm)[1] == ("acknowledged", "", "by Ann")
        assert waiting(kept, "b:hooks").message.topic == "delivered"

    def test_after_all_have_failed(self, kept: Kept) -> None:
        alarm = keep(kept, steps=(EscalationStep("b:x"),))
        says(kept, "b:x", Refused("no"))
        self.acknowledge(kept, alarm.id)
        assert stands(kept, alarm) == ("delivered", [])
        assert now(kept.store.failed_alarms(AT)) == []

    def test_twice(self, kept: Kept) -> None:
        """Two persons may: both stand in the journey, nothing is told twice."""
        alarm = keep(kept, steps=(EscalationStep("b:x"),), subscriptions=(Subscription("b:hooks"),))
        assert self.acknowledge(kept, alarm.id).id == self.acknowledge(kept, alarm.id).id
        assert [what for what, *_ in steps(kept, alarm)].count("acknowledged") == 2
        assert waiting(kept, "b:hooks").message.topic == "delivered"

    @pytest.mark.parametrize("given", ["", "x-1", "an SMS"])
    def test_no_alarm(self, kept: Kept, given: str) -> None:
        arrival = kept.arrival()
        assert arrival is not None
        with pytest.raises(Conflict, match="there is no alarm"):
            self.acknowledge(kept, arrival.id if given == "an SMS" else given)


class TestComingBack:
    """The mail of a chain was taken, and bounced."""

    def test_the_chain_goes_on(self, kept: Kept) -> None:
        """As if it had been refused; when nobody is left it has failed after all."""
        chain = (EscalationStep("b:a", 1, ("b:b",), 60.0),)
        alarm = keep(kept, steps=chain)
        says(kept, "b:a", None)
        assert stands(kept, alarm) == ("delivered", [])
        back = Bounce(
            message_id=alarm.id, reason="5.1.1", at=AT + 9, instead={"b:a": "b:f", "b:b": ""}
        )
        assert now(kept.store.record_bounce(back)) is None
        assert stands(kept, alarm) == ("received", ["b:b"])
        says(kept, "b:b", None)
        failed = now(kept.store.record_bounce(back))
        assert (failed.state, failed.reason) == (State.FAILED, "5.1.1")
        assert stands(kept, alarm) == ("failed", [])
        assert ("goes on", "b", "b:a got it back") in steps(kept, alarm)
