"""
A row for each recipient of a destination: a failure for one repeats to nobody
else, and the destination as a whole counts as delivered when one of them has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import execute

from goiptwist.contact_id import notation
from goiptwist.delivery.retry import RetryPolicy, outcome_of
from goiptwist.errors import Refused, TryLater
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import AlarmReport, Message
from goiptwist.store import AlarmAcknowledgement, Bounce, NewAlarm, Redelivery
from tests.store.conftest import AT, Kept
from tests.world import now

POLICY = RetryPolicy(
    schedule=(5.0,), lifetime=1000.0, circuit_breaker=False, at_once=9, fallback="b:log"
)
PEOPLE = ("anna", "bela", "cili")
CHAIN = (EscalationStep("b:people", 1, ("b:duty",), 60.0),)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path, execute)
    made.store.recipients["b:people"] = PEOPLE
    yield made
    made.store.close()


def alarm(kept: Kept, *steps: EscalationStep) -> Message:
    report = AlarmReport(event=notation.read("1113,18,1,123,03,003"), origin="user:panel")
    message = now(kept.store.keep_alarm(NewAlarm(report=report, steps=steps or CHAIN, at=AT)))
    assert isinstance(message, Message)
    return message


def waits(kept: Kept, destination: str = "b:people") -> dict[str, QueueEntry]:
    return {row.recipient: row for row in now(kept.store.waiting(destination, 9))}


def says(kept: Kept, recipient: str, answer: Any, destination: str = "b:people") -> None:
    row = waits(kept, destination)[recipient]
    now(kept.store.settle(outcome_of(answer, row, destination, POLICY, AT + 1)))


def state(kept: Kept, message: Message) -> str:
    found = kept.message(message)
    assert found is not None
    return found.state.value


def steps_of(kept: Kept, message: Message) -> list[tuple[str, str]]:
    return [(step.what, step.where) for step in now(kept.store.journey(message.id))]


def test_a_row_for_each(kept: Kept) -> None:
    """Of an SMS and of an alarm; another destination has the message as a whole."""
    sms = kept.arrival(to=("b:people", "b:log"))
    assert sms is not None
    assert list(waits(kept)) == list(PEOPLE)
    assert list(waits(kept, "b:log")) == [""]
    assert [row.recipient for row in kept.enqueued] == [*PEOPLE, ""]
    kept.again()
    alarm(kept)
    assert len(now(kept.store.waiting("b:people", 9))) == 4  # it knew of no recipients


def test_one_is_put_off(kept: Kept) -> None:
    """The others have it once; the journey shows each."""
    sms = kept.arrival(to=("b:people",))
    assert sms is not None
    says(kept, "anna", None)
    says(kept, "bela", TryLater("greylisted"))
    says(kept, "cili", None)
    assert state(kept, sms) == "received"
    assert list(waits(kept)) == ["bela"]
    says(kept, "bela", None)
    assert state(kept, sms) == "delivered"
    assert sorted(steps_of(kept, sms)[1:]) == [
        ("deferred", "b:people bela"),
        *(("delivered", f"b:people {name}") for name in PEOPLE),
    ]


def test_one_is_refused(kept: Kept) -> None:
    """Somebody has it: the destination has not failed, and no fallback gets it."""
    sms = kept.arrival(to=("b:people",))
    assert sms is not None
    says(kept, "anna", Refused("no such user"))
    says(kept, "bela", None)
    says(kept, "cili", None)
    assert state(kept, sms) == "delivered"
    assert waits(kept, "b:log") == {}
    assert ("failed", "b:people anna") in steps_of(kept, sms)


@pytest.mark.parametrize("order", [PEOPLE, PEOPLE[::-1]])
def test_all_are_refused(kept: Kept, order: tuple[str, ...]) -> None:
    """The fallback gets it, once, when the last one has failed."""
    sms = kept.arrival(to=("b:people",))
    assert sms is not None
    for name in order:
        assert waits(kept, "b:log") == {}
        says(kept, name, Refused("no"))
    assert list(waits(kept, "b:log")) == [""]
    assert steps_of(kept, sms).count(("goes on", "b:log")) == 1
    says(kept, "", None, "b:log")
    assert state(kept, sms) == "delivered"


def test_all_are_refused_at_once(kept: Kept) -> None:
    """In one commit: the next of the chain gets it once."""
    first = alarm(kept, EscalationStep("b:people", 1, ("b:duty", "b:last"), 60.0))
    settlements = [
        outcome_of(Refused("no"), row, "b:people", POLICY, AT + 1) for row in waits(kept).values()
    ]
    with kept.store.writer.connection.begin():
        kept.store._settlements.settlements(kept.store.writer.connection, settlements)
    assert now(kept.store.waits_for(first.id)) == ["b:duty"]


def test_a_fallback_with_recipients(kept: Kept) -> None:
    """Each of them gets it."""
    chain = EscalationStep("b:duty", 1, ("b:people",), 60.0)
    alarm(kept, chain)
    says(kept, "", Refused("no"), "b:duty")
    assert list(waits(kept)) == list(PEOPLE)


def test_a_step_in_time(kept: Kept) -> None:
    """Nobody had it in time: the next step gets it once, and the rows of this one are over."""
    first = alarm(kept)
    assert now(kept.store.escalate(AT + 60)) is None
    assert now(kept.store.waits_for(first.id)) == ["b:duty"]
    assert kept.withdrawn == [(first.id, "b:people")]


def test_a_step_that_one_has(kept: Kept) -> None:
    """It has delivered: the others of it still get it, and the next step does not."""
    first = alarm(kept)
    says(kept, "bela", None)
    assert now(kept.store.escalate(AT + 60)) is None
    assert list(waits(kept)) == ["anna", "cili"]
    says(kept, "anna", None)
    says(kept, "cili", Refused("no"))
    assert state(kept, first) == "delivered"
    assert waits(kept, "b:duty") == {}


def test_acknowledged(kept: Kept) -> None:
    """Nothing more begins for anybody."""
    first = alarm(kept)
    says(kept, "bela", None)
    now(kept.store.acknowledge(AlarmAcknowledgement(message_id=first.id, by="Ann", at=AT + 2)))
    assert waits(kept) == {}
    assert state(kept, first) == "delivered"
    statuses = {one.recipient: one.state for one in now(kept.store.deliveries(first.id))}
    assert statuses == {"anna": "escalated", "bela": "done", "cili": "escalated"}


def test_came_back(kept: Kept) -> None:
    """A mail that bounced: those who still wait for theirs get it all the same."""
    sms = kept.arrival(to=("b:people",))
    assert sms is not None
    says(kept, "anna", None)
    back = Bounce(message_id=sms.id, reason="5.1.1", at=AT + 9, instead={"b:people": "b:log"})
    now(kept.store.record_bounce(back))
    assert list(waits(kept)) == ["bela", "cili"]
    assert list(waits(kept, "b:log")) == [""]


def bounced(kept: Kept, sms: Message, recipient: str) -> None:
    back = Bounce(
        message_id=sms.id,
        recipient=recipient,
        reason="5.1.1",
        at=AT + 9,
        instead={"b:people": "b:log"},
    )
    now(kept.store.record_bounce(back))


def test_came_back_from_one(kept: Kept) -> None:
    """Only that mail has failed: nobody gets the SMS instead while others have it."""
    sms = kept.arrival(to=("b:people",))
    assert sms is not None
    for name in PEOPLE:
        says(kept, name, None)
    bounced(kept, sms, "bela")
    assert steps_of(kept, sms).count(("came back", "b:people bela")) == 1
    assert (state(kept, sms), waits(kept, "b:log")) == ("delivered", {})
    bounced(kept, sms, "bela")  # the same bounce once more
    bounced(kept, sms, "anna")
    assert waits(kept, "b:log") == {}


def test_came_back_from_each(kept: Kept) -> None:
    """When the last mail has come back the fallback gets the SMS, once."""
    sms = kept.arrival(to=("b:people",))
    assert sms is not None
    for name in PEOPLE:
        says(kept, name, None)
    for name in (*PEOPLE, "anna"):
        bounced(kept, sms, name)
    assert list(waits(kept, "b:log")) == [""]
    assert [step for step in steps_of(kept, sms) if step[0] == "goes on"] == [("goes on", "b:log")]
    assert state(kept, sms) == "received"


def test_came_back_while_others_wait(kept: Kept) -> None:
    """Whether somebody else must get it is known when the last one is refused, too."""
    sms = kept.arrival(to=("b:people",))
    assert sms is not None
    says(kept, "anna", None)
    bounced(kept, sms, "anna")
    assert waits(kept, "b:log") == {}
    for name in ("bela", "cili"):
        says(kept, name, Refused("no such mailbox"))
    assert list(waits(kept, "b:log")) == [""]


def test_redelivered(kept: Kept) -> None:
    """To each of those who had it."""
    sms = kept.arrival(to=("b:people",))
    assert sms is not None
    for name in PEOPLE:
        says(kept, name, None)
    now(
        kept.store.redeliver(
            Redelivery(message_id=sms.id, destination="b:people", by="ops", at=AT + 9)
        )
    )
    assert list(waits(kept)) == list(PEOPLE)
    assert steps_of(kept, sms).count(("redelivered", "b:people")) == 1
