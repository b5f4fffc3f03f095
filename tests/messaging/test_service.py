"""How messages move, and who is told what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs

from goiptwist.errors import Busy, Conflict, StoreUnavailable, TryLater, Unacceptable
from goiptwist.messaging import service as traffic_module
from goiptwist.messaging.report_subscriber import ReportSubscriber
from goiptwist.messaging.service import SLICE
from goiptwist.model.messages import Message, Submission
from tests.conftest import FailureLog
from tests.wire import HeldBack, Wire, refuse_writes
from tests.world import now


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    made = Wire(tmp_path, monkeypatch)
    made.registers()
    yield made
    made.close()


class TestSubmitting:
    """Keeping a text, and queueing it for its line."""

    def test_the_same_again_is_queued_once(self, wire: Wire) -> None:
        """The client did not hear our yes."""
        first = wire.submit("+36301", client_id="x")
        wire.hears()
        assert wire.submit("+36 301", client_id="x") == first
        assert wire.hears() == []

    def test_the_same_again_when_it_is_sent(self, wire: Wire) -> None:
        """However late the client asks, it is not sent a second time."""
        wire.submit("+36301", client_id="x")
        wire.opens()
        wire.says("OK 11 1\n")
        wire.says("DONE 11\n")
        wire.hears()
        [again] = wire.submit("+36301", client_id="x")
        assert again.state == "sent"
        assert wire.waits(60) == []

    def test_a_conflict(self, wire: Wire) -> None:
        """Nothing is sent of the second."""
        wire.submit("+36301", client_id="x")
        wire.hears()
        with pytest.raises(Conflict):
            wire.submit("+36301", "other", client_id="x")
        assert wire.hears() == []

    @pytest.mark.parametrize(
        "wrong", [{"to": "x"}, {"text": ""}, {"line": "nobody"}, {"pool": "none"}]
    )
    def test_nothing_is_kept_of_what_is_wrong(self, wire: Wire, wrong: dict[str, str]) -> None:
        """It is said before the disk is touched."""
        with pytest.raises(Unacceptable):
            wire.submit(**{"to": "+36301", **wrong})
        assert now(wire.store.messages(None, "", 9)) == []

    def test_national_numbers(self, wire: Wire) -> None:
        """Where the settings name a country, whoever submits may write as people there do."""
        wire.gateway.messaging.country = "HU"
        [one] = wire.submit("06 30 123 4567", client_id="x")
        assert one.recipient == "+36301234567"
        assert wire.submit("+36301234567", client_id="x") == [one]
        with pytest.raises(Unacceptable, match="the area code is missing"):
            wire.submit("0630123")

    def test_no_yes_without_the_disk(self, wire: Wire, logged_failures: FailureLog) -> None:
        """Refused, and the line hears nothing."""
        refuse_writes(wire.store)
        with pytest.raises(StoreUnavailable):
            wire.one()
        refuse_writes(wire.store, False)
        assert wire.hears() == []
        logged_failures.flush()

    def test_overload(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Submissions wait, keepalives and incoming SMS do not."""
        monkeypatch.setattr(traffic_module, "STORE_OVERLOAD", 2)
        disk = HeldBack(holding=False)
        (tmp_path / "slow").mkdir()
        wire = Wire(tmp_path / "slow", monkeypatch, run_writing=disk)
        disk.holding = True

        def submit() -> Deferred[list[Message]]:
            wanted = Submission(origin="u", recipients=("+36301",), text="x")
            return Deferred.fromCoroutine(wire.gateway.messaging.submit(wanted))

        accepted = [submit() for _ in range(4)]
        with pytest.raises(Busy) as caught:
            now(submit())
        assert caught.value.after == 2
        wire.registers()
        wire.says("RECEIVE:7;id:goipid1;password:password1;srcnum:1;msg:x")
        disk.release()
        assert b"RECEIVE 7 OK\n" in wire.hears()
        assert all(len(now(each)) == 1 for each in accepted)
        wire.close()


class Taker:
    """A bridge that wants to hear."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.trouble: Exception | None = None

    def reported(self, message: Message) -> None:
        if self.trouble:
            raise self.trouble
        self.told.append((message.state.value, message.reason))


class TestTelling:
    """Who submitted a text is told of each change."""

    def taker(self, wire: Wire) -> Any:
        taker: Any = Taker()
        ReportSubscriber(wire.store.bus, {"bridge:chat": taker})
        return taker

    def test_by_origin(self, wire: Wire) -> None:
        """Nobody hears of the texts of others."""
        taker = self.taker(wire)
        wire.one(origin="bridge:chat")
        wire.one(origin="user:ops")
        for session in (11, 12):
            wire.opens(session)
            wire.says(f"ERROR {session} 1 errorstatus:28\n")
        assert [state for state, _ in taker.told] == ["failed"]

    def test_a_verdict_after_all(self, wire: Wire) -> None:
        """Unknown first, then sent."""
        taker = self.taker(wire)
        wire.one(origin="bridge:chat")
        wire.opens()
        wire.waits(120)
        wire.says("OK 11 1\n")
        assert [state for state, _ in taker.told] == ["unknown", "sent"]

    def test_expiry(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """No line took it in time."""
        (tmp_path / "w").mkdir()
        wire = Wire(tmp_path / "w", monkeypatch, tables={"delivery": {"validity": 60}})
        taker = self.taker(wire)
        message = wire.one(origin="bridge:chat")
        wire.waits(90)
        assert wire.state(message) == "expired"
        assert taker.told == [("expired", "expired: no line took it in time")]
        wire.close()

    def test_a_bug_in_the_bridge(self, wire: Wire, logged_failures: FailureLog) -> None:
        """It does not disturb the dialogue."""
        self.taker(wire).trouble = KeyError("bug")
        message = wire.one(origin="bridge:chat")
        wire.opens()
        wire.says("OK 11 1\n")
        assert wire.state(message) == "sent"
        assert wire.hears()[-1] == b"DONE 11\n"
        assert [e["origin"] for e in logged_failures.flush()] == ["bridge:chat"]

    def test_the_log(self, wire: Wire) -> None:
        """Sent is news, failed is a warning; neither text nor number is in it."""
        with capturedLogs() as logs:
            for session, answer in ((11, "OK 11 1"), (12, "ERROR 12 1 errorstatus:28")):
                wire.one("+36301234567", "geheim")
                wire.opens(session)
                wire.says(f"{answer}\n")
        settled = [e for e in logs if "state" in e]
        assert [(e["state"], e["line"], e["log_level"]) for e in settled] == [
            ("sent", "goipid1", LogLevel.info),
            ("failed", "", LogLevel.warn),
        ]
        assert "geheim" not in str(list(logs))
        assert "+36301234567" not in str(list(logs))


class TestHealth:
    """What is wrong, in words, and the figures."""

    def test_well(self, wire: Wire) -> None:
        """No problems; counters by name."""
        wire.says("nonsense")
        health = wire.gateway.powers.operator.health()
        assert health.ok
        assert health.figures["lines"] == health.figures["lines_present"] == 1
        assert health.figures["datagrams_malformed"] == 1
        assert health.figures["store_commits"] > 0

    def test_a_bridge_that_is_away(self, wire: Wire) -> None:
        """With what it said, until it is reached."""
        wire.recorder.troubles.append(TryLater("connection refused", attempted=False))
        wire.says("RECEIVE:7;id:goipid1;password:password1;srcnum:1;msg:x")
        assert wire.gateway.powers.operator.health().problems == (
            "bridge:ops is not reached: connection refused",
        )
        assert wire.gateway.powers.operator.health().figures["messages_waiting"] == 1
        wire.waits(1)
        assert wire.gateway.powers.operator.health().ok

    def test_asked_by_others(self, wire: Wire) -> None:
        """What the HTTP interface and bridges ask goes to the store."""
        overview = wire.gateway.powers
        message = wire.one()

        def ask(question: Any) -> Any:
            return now(Deferred.fromCoroutine(question))

        assert ask(overview.messages.get(message.id)).id == message.id
        assert [m.id for m in ask(overview.history.page(None, "", 9))] == [message.id]
        assert [s.what for s in ask(overview.history.journey(message.id))] == ["accepted"]
        assert [line.id for line in overview.lines.statuses()] == ["goipid1"]


class TestBatches:
    """Many texts at once."""

    def batch(self, wire: Wire, wanted: list[Submission]) -> list[Any]:
        results: list[list[Any]] = []
        submitting = Deferred.fromCoroutine(wire.gateway.messaging.submit_many(wanted))
        submitting.addCallback(results.append)
        for _ in range(1000):
            if results:
                return results[0]
            wire.clock.advance(0)
        raise AssertionError("the batch does not end")

    def texts(self, many: int, ids: bool = False) -> list[Submission]:
        return [
            Submission(
                origin="user:test",
                recipients=(f"+3630{n:07}",),
                text="hello",
                client_id=f"c{n}" if ids else "",
            )
            for n in range(many)
        ]

    @pytest.mark.parametrize("many", [0, 1, SLICE, SLICE + 1, 10 * SLICE + 1])
    def test_each_has_its_answer(self, wire: Wire, many: int) -> None:
        """In the order of the submissions, however they are cut."""
        wanted = self.texts(many)
        if many > 1:
            wanted[1] = evolve(wanted[1], text="")
        results = self.batch(wire, wanted)
        assert len(results) == many
        for n, result in enumerate(results):
            if n == 1:
                assert isinstance(result, Unacceptable)
            else:
                assert [m.recipient for m in result] == [f"+3630{n:07}"]

    def test_the_same_batch_again(self, wire: Wire) -> None:
        """The client did not hear our yes: no text is sent twice."""
        wanted = self.texts(2 * SLICE + 50, ids=True)
        first = self.batch(wire, wanted)
        assert self.batch(wire, [*wanted, *wanted[:50]]) == [*first, *first[:50]]
        assert wire.gateway.dispatcher.depth == len(wanted)

    def test_others_have_their_turn(self, wire: Wire) -> None:
        """A keepalive is answered in the middle of a batch."""
        submitting = wire.gateway.messaging.submit_many(self.texts(10 * SLICE))
        results: list[Any] = []
        Deferred.fromCoroutine(submitting).addCallback(results.append)
        assert results == []
        wire.registers()
        for _ in range(20):
            wire.clock.advance(0)
        assert len(results[0]) == 10 * SLICE

    def test_a_full_disk(self, wire: Wire, logged_failures: FailureLog) -> None:
        """Each is told so: some of them may have been kept before."""
        refuse_writes(wire.store)
        results = self.batch(wire, self.texts(3))
        assert [type(one) for one in results] == [StoreUnavailable] * 3
        logged_failures.flush()
