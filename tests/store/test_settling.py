"""What became of a delivery, written in one place; and what a restart finds open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from goiptwist.delivery.retry import RetryPolicy, expired, outcome_of
from goiptwist.errors import Refused, TryLater, Unsure
from goiptwist.model.delivery import Delivered, QueueEntry, Settlement
from goiptwist.model.messages import HandsetReport, Message, OnUnknown, State
from goiptwist.model.transmissions import LateAnswer, Transmission
from goiptwist.store.commands.device_reports import same_number
from tests.store.conftest import AT, Kept
from tests.wire import HeldBack
from tests.world import now, unknown

POLICY = RetryPolicy(schedule=(5.0,), lifetime=1000.0, circuit_breaker=False, at_once=1)


def entry(message: Message) -> QueueEntry:
    """A row of it, as it was kept."""
    return QueueEntry(destination="b:a", message=message, due=AT)


def give(kept: Kept, message: Message, session: int = 7, telid: int = 1, at: float = AT) -> None:
    """Write down that a SIM is about to get it."""
    now(
        kept.store.record_transmission(
            Transmission(message_id=message.id, line="goip1", session=session, telid=telid, at=at)
        )
    )


def settle(
    kept: Kept, message: Message, answer: Any, at: float = AT + 1, policy: RetryPolicy = POLICY
) -> Settlement:
    """Have the destination say something."""
    name = "pool:a" if message.direction == "out" else "b:a"
    settlement = outcome_of(answer, entry(message), name, policy, at)
    now(kept.store.settle(settlement))
    return settlement


def words(kept: Kept, message: Message) -> list[tuple[str, str]]:
    """The journey, without times and details."""
    return [(step.what, step.where) for step in now(kept.store.journey(message.id))]


SENT = Delivered("OK", "goip1", "32")

JOURNEYS = {
    "sent": (SENT, "sent", [("sent", "goip1")]),
    "failed": (Refused("no such number"), "failed", [("failed", "goip1")]),
    "put off": (TryLater("busy"), "queued", [("deferred", "goip1")]),
    "not reached": (TryLater("away", attempted=False), "queued", [("deferred", "goip1")]),
    "unknown": (Unsure("silence"), "unknown", [("unknown", "goip1")]),
}


@pytest.mark.parametrize(("answer", "state", "steps"), JOURNEYS.values(), ids=JOURNEYS)
def test_outgoing(kept: Kept, answer: Any, state: str, steps: list[tuple[str, str]]) -> None:
    """
    The message, its row in the queue and its journey agree, and no step is
    told twice. Which line had it is seen for as long as it stands so.
    """
    [message] = kept.order()
    give(kept, message)
    settlement = settle(kept, message, answer)
    found = kept.message(message)
    assert found is not None
    assert found == evolve(settlement.after(), line=found.line)
    assert found.state == state
    assert found.line == ("" if state == "queued" else "goip1")
    assert words(kept, message)[1:] == [("given to the SIM", "goip1"), *steps]
    waiting = [row.message.id for row in now(kept.store.waiting("pool:a", 9))]
    assert waiting == ([message.id] if state == "queued" else [])


def test_expired(kept: Kept) -> None:
    """It never left."""
    [message] = kept.order()
    now(kept.store.settle(expired(entry(message), "pool:a", POLICY, AT + 9)))
    found = kept.message(message)
    assert found is not None
    assert (found.state, found.reason) == ("expired", "expired: no line took it in time")
    assert words(kept, message) == [("accepted", ""), ("expired", "pool:a")]


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([None, None], "delivered"),
        ([None], "received"),
        ([Refused("no"), None], "failed"),
        ([None, Refused("no")], "failed"),
        ([Refused("no")], "received"),
        ([None, TryLater("busy")], "received"),
    ],
)
def test_incoming(kept: Kept, answers: list[Any], state: str) -> None:
    """It stands where its worst destination stands: waiting, else failed, else handed on."""
    message = kept.arrival(to=("b:a", "b:b"))
    assert message is not None
    for name, answer in zip(("b:a", "b:b"), answers, strict=False):
        now(kept.store.settle(outcome_of(answer, entry(message), name, POLICY, AT)))
    found = kept.message(message)
    assert found is not None
    assert found.state == state


def test_an_id_of_another_store(kept: Kept) -> None:
    """That would be a bug; it must not settle some other message."""
    [message] = kept.order()
    with pytest.raises(ValueError, match="is not an id of this store"):
        settle(kept, evolve(message, id="xxxxxx-1"), SENT)
    found = kept.message(message)
    assert found is not None
    assert found.state == "queued"


def test_reports_for_some_of_a_group(tmp_path: Path) -> None:
    """
    Of texts that are settled together, each gets the report that is its own:
    by number, by recipient, or none.
    """
    disk = HeldBack(holding=False)
    kept = Kept(tmp_path, disk)
    for number, recipient in ((32, "+36300000001"), (33, "+36300000003")):
        report = HandsetReport(
            line="goip1", number=number, sms_no=str(number), state=0, recipient=recipient, at=AT
        )
        now(kept.store.report(report))
    messages = [kept.order(f"+3630000000{n}")[0] for n in (1, 2, 3)]
    for telid, message in enumerate(messages):
        give(kept, message, telid=telid)
    incoming = kept.arrival()
    assert incoming is not None
    disk.holding = True
    now_held = kept.store.reserve("session", 1)
    answers = [SENT, Delivered("OK", "goip1"), Unsure("silence")]
    settled = [
        kept.store.settle(outcome_of(answer, entry(m), "pool:a", POLICY, AT + 1))
        for m, answer in zip(messages, answers, strict=True)
    ]
    waiting = entry(incoming)
    settled.append(kept.store.settle(outcome_of(Unsure("?"), waiting, "b:a", POLICY, AT + 1)))
    disk.release()
    now(now_held)
    found = [now(each) for each in settled]
    assert [m and (m.state, m.report) for m in found] == [
        ("sent", "delivered"),
        None,
        ("sent", "delivered"),
        None,
    ]
    kept.store.close()


class TestLateAnswers:
    """A verdict from a session that nobody waits for."""

    def late(self, kept: Kept, sent: bool = True, **other: Any) -> Message | None:
        known = {"line": "goip1", "session": 7, "telid": 1, "detail": "OK, late", **other}
        answer: Message | None = now(
            kept.store.late_answer(LateAnswer(sent=sent, at=AT + 99, **known))
        )
        return answer

    @pytest.mark.parametrize(("sent", "state"), [(True, "sent"), (False, "failed")])
    def test_it_settles_what_is_unknown(self, kept: Kept, sent: bool, state: str) -> None:
        """And is told as one step more."""
        [message] = kept.order()
        give(kept, message)
        settle(kept, message, Unsure("silence"))
        found = self.late(kept, sent)
        assert found is not None
        assert found.state == state
        assert unknown(kept.store) == 0
        assert words(kept, message)[2:] == [
            ("unknown", "pool:a"),
            (state, "goip1"),
        ]
        assert self.late(kept, not sent) is None  # the first one counts

    @pytest.mark.parametrize("policy", [OnUnknown.FAIL, OnUnknown.RESEND])
    def test_when_the_policy_has_decided(self, kept: Kept, policy: OnUnknown) -> None:
        """The submitter was told, or the next attempt begun: that stands."""
        [message] = kept.order()
        give(kept, message)
        settle(kept, message, Unsure("silence"), policy=evolve(POLICY, on_unknown=policy))
        before = kept.message(message)
        assert self.late(kept) == before
        assert [what for what, _ in words(kept, message)][-2:] == ["unknown", "sent"]

    @pytest.mark.parametrize("other", [{"session": 8}, {"telid": 2}, {"line": "goip2"}])
    def test_of_something_else(self, kept: Kept, other: dict[str, Any]) -> None:
        """Session, telid and line must all be the same."""
        [message] = kept.order()
        give(kept, message)
        settle(kept, message, Unsure("silence"))
        assert self.late(kept, **other) is None
        assert unknown(kept.store) == 1

    def test_what_is_settled_stays(self, kept: Kept) -> None:
        """A late copy of another verdict does not change a message."""
        [message] = kept.order()
        give(kept, message)
        settle(kept, message, SENT)
        assert self.late(kept, False) is None
        found = kept.message(message)
        assert found is not None
        assert found.state == "sent"


class TestAfterARestart:
    """What was given to a SIM and never settled: nobody knows."""

    @pytest.mark.parametrize(
        ("policy", "state", "waiting"),
        [
            (OnUnknown.HOLD, State.UNKNOWN, 0),
            (OnUnknown.RESEND, State.QUEUED, 1),
            (OnUnknown.FAIL, State.FAILED, 0),
        ],
    )
    def test_policies(self, kept: Kept, policy: OnUnknown, state: State, waiting: int) -> None:
        """Only C{resend} may lead to a second copy."""
        [message] = kept.order()
        give(kept, message)
        kept.again()
        assert now(kept.store.after_restart(AT + 9, policy)) == 1
        found = kept.message(message)
        assert found is not None
        assert found.state is state
        assert found.reason == "the gateway stopped before the device said what became of it"
        assert len(now(kept.store.waiting("pool:a", 9))) == waiting
        assert now(kept.store.after_restart(AT + 9, policy)) == 0
        assert [what for what, _ in words(kept, message)] == [
            *("accepted", "given to the SIM", "unknown"),
        ]

    def test_what_was_not_given(self, kept: Kept) -> None:
        """It waits as before."""
        [message] = kept.order()
        kept.again()
        assert now(kept.store.after_restart(AT + 9, OnUnknown.HOLD)) == 0
        assert [r.message for r in now(kept.store.waiting("pool:a", 9))] == [message]

    def test_what_was_settled(self, kept: Kept) -> None:
        """It stays as it is."""
        [message] = kept.order()
        give(kept, message)
        settle(kept, message, SENT)
        kept.again()
        assert now(kept.store.after_restart(AT + 9, OnUnknown.HOLD)) == 0
        found = kept.message(message)
        assert found is not None
        assert found.state == "sent"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+36301234567", "06301234567", True),
        ("+36301234567", "36 30 123-4567", True),
        ("+36301234567", "+36301234568", False),
        ("1234", "1234", True),
        ("1234", "+361234", False),
        ("+36301231234", "1234", False),
        ("", "", True),
    ],
)
def test_same_number(one: str, other: str, same: bool) -> None:
    """The national part decides; short codes must be equal."""
    assert same_number(one, other) is same
    assert same_number(other, one) is same
