"""What is put on disk: texts in and out, what a repeat is, and numbers for all of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from twisted.internet.defer import execute
from twisted.internet.task import Clock

from goiptwist.errors import Conflict
from goiptwist.model.messages import Direction, State, Submission
from goiptwist.store import NewLineEvent, NewSubmission, Store, StoredFacts, lock
from goiptwist.store.commands.receipts import REPEAT_WINDOW, digest_of
from goiptwist.store.rows import MessageIds
from goiptwist.store.writer import RunsWork
from tests.store.conftest import AT, Kept
from tests.store.test_writer import arrival, outcomes
from tests.wire import HeldBack
from tests.world import PromptBus, now

MakesKept = Callable[[RunsWork], Kept]


class TestArrivals:
    """SMS that came in."""

    def test_kept_with_its_deliveries(self, kept: Kept) -> None:
        """One row in the queue of each destination, due at once."""
        message = kept.arrival(to=("b:a", "b:b"))
        assert message is not None
        assert kept.message(message) == message
        assert (message.direction, message.state) == (Direction.IN, State.RECEIVED)
        for name in ("b:a", "b:b"):
            [row] = now(kept.store.waiting(name, 10))
            assert (row.message, row.attempts, row.due) == (message, 0, AT)

    def test_with_nowhere_to_go(self, kept: Kept) -> None:
        """Without bridges it is kept, and nobody is said to have it."""
        message = kept.arrival(to=())
        assert message is not None
        assert message.state is State.KEPT

    def test_a_repeat(self, kept: Kept) -> None:
        """The same line, number, sender and text, within three days, over restarts."""
        assert kept.arrival() is not None
        kept.again()
        assert kept.arrival(at=AT + REPEAT_WINDOW - 1) is None
        assert kept.arrival(at=AT + REPEAT_WINDOW) is not None
        assert kept.arrival(at=AT + REPEAT_WINDOW + 1) is None

    def test_repeats_in_one_group(self, keeps: MakesKept) -> None:
        """The first of them is the SMS."""
        disk = HeldBack(holding=False)
        store = keeps(disk).store
        disk.holding = True
        found = outcomes([store.keep_arrival(arrival(n)) for n in (9, 1, 2, 1, 1)])
        disk.release()
        assert [m is not None for m in found] == [True, True, True, False, False]

    def test_what_makes_a_repeat(self) -> None:
        """Every part counts, and none runs into the next."""
        digests = {
            digest_of(*parts)
            for parts in [
                ("a", "RECEIVE", 1, "b", "c"),
                ("ab", "RECEIVE", 1, "", "c"),
                ("a", "RECEIVE", 1, "bc", ""),
                ("a", "RECEIVE", 1, "", "bc"),
                ("a", "RECEIVE", 11, "b", "c"),
                ("a", "RECEIVE", -1, "b", "c"),
                ("a", "DELIVER", 1, "b", "c"),
            ]
        }
        assert len(digests) == 7


class TestOrders:
    """Texts that shall go out."""

    def test_one_message_a_recipient(self, kept: Kept) -> None:
        """They share a batch, so that they can share a bulk session."""
        messages = kept.order("+361", "+362", pool="a")
        assert [m.recipient for m in messages] == ["+361", "+362"]
        assert len({m.batch for m in messages}) == 1
        assert [kept.message(m) for m in messages] == messages
        assert [r.message for r in now(kept.store.waiting("pool:a", 9))] == messages

    def test_batches_differ(self, kept: Kept) -> None:
        """Two submissions never share one."""
        assert kept.order()[0].batch != kept.order()[0].batch

    def test_the_same_again(self, kept: Kept) -> None:
        """The client did not hear our yes: it gets the same messages, and nothing is queued."""
        first = kept.order("+361", "+362", client_id="x")
        kept.again()
        assert kept.order("+361", "+362", client_id="x") == first
        assert len(now(kept.store.waiting("pool:a", 9))) == 2

    @pytest.mark.parametrize(
        ("to", "more"),
        [
            (("+361",), {"text": "hullo"}),
            (("+362",), {}),
            (("+361", "+362"), {}),
        ],
        ids=["another text", "another recipient", "one more recipient"],
    )
    def test_a_conflict(self, kept: Kept, to: tuple[str, ...], more: dict[str, str]) -> None:
        """The same id for something else is a bug of the client, which must hear of it."""
        kept.order("+361", client_id="x")
        with pytest.raises(Conflict, match="'x' was used before"):
            kept.order(*to, client_id="x", **more)
        assert len(now(kept.store.waiting("pool:a", 9))) == 1

    def test_ids_of_others(self, kept: Kept) -> None:
        """Two clients may choose the same id."""
        one = kept.order(client_id="x", origin="user:a")
        other = kept.order(client_id="x", origin="user:b")
        assert one[0].id != other[0].id

    def test_no_id(self, kept: Kept) -> None:
        """Without one, the same text twice is two texts."""
        assert kept.order()[0].id != kept.order()[0].id

    def test_in_one_group(self, keeps: MakesKept) -> None:
        """The client asks again while the first is still on its way to the disk."""
        disk = HeldBack(holding=False)
        store = keeps(disk).store
        disk.holding = True

        def order(client_id: str, body: str) -> Any:
            wanted = Submission(origin="u", recipients=("+361",), text=body, client_id=client_id)
            return store.keep_submission(
                NewSubmission(submission=wanted, destination="pool:a", at=AT)
            )

        named = [("x", "a"), ("y", "a"), ("x", "a"), ("x", "b")]
        wanted = [("", "first"), *named, ("", "a"), ("", "a")]
        found = outcomes([order(*each) for each in wanted])
        disk.release()
        assert found.index(Conflict) == 4
        assert found[3] == found[1]
        assert len(now(store.waiting("pool:a", 99))) == 5


class TestNumbers:
    """Ids and session numbers are never given twice."""

    def test_ids_grow(self, kept: Kept) -> None:
        """In and out share one row of numbers, so that they sort as they came."""
        ids = [m.id for m in (kept.order()[0], kept.arrival(), kept.order()[0]) if m]
        numbers = [kept.store.ids.inside(id_) for id_ in ids]
        assert numbers == [1, 2, 3]

    def test_not_after_a_restart_or_forgetting(self, kept: Kept) -> None:
        """Receivers throw a second mail with the same Message-ID away."""
        message = kept.arrival(to=())
        assert message is not None
        now(kept.store.prune(AT + 1))
        assert kept.message(message) is None
        kept.again()
        later = kept.arrival(2)
        assert later is not None
        assert later.id != message.id

    def test_stores_have_names(self, kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> None:
        """A gateway that begins anew does not use the ids of the one before it."""
        other = Kept(tmp_path_factory.mktemp("other"))
        assert other.store.ids.tag != kept.store.ids.tag
        assert other.store.ids.inside(kept.order()[0].id) is None
        other.store.close()
        tag = kept.store.ids.tag
        kept.again()
        assert kept.store.ids.tag == tag

    def test_blocks(self, kept: Kept) -> None:
        """Session numbers are reserved in blocks that do not touch."""
        first = now(kept.store.reserve("session", 500))
        kept.again()
        second = now(kept.store.reserve("session", 500))
        assert second == first + 500

    @pytest.mark.parametrize(
        "given", ["", "x", "tag", "tag-", "tag-x", "tag--1", "tag-\u0661", "tag-1" * 20, "gat-1"]
    )
    def test_what_is_no_id(self, given: str) -> None:
        """Anybody can ask for anything."""
        assert MessageIds("tag").inside(given) is None

    def test_an_id_is_read_back(self) -> None:
        """Also a large one."""
        for number in (0, 1, 10**17):
            assert MessageIds("tag").inside(MessageIds("tag").outside(number)) == number


class TestEventsAndFacts:
    """What lines tell."""

    def test_an_event_once(self, kept: Kept) -> None:
        """Repeats are recognised as those of SMS are."""
        event = NewLineEvent(line="g", kind="RECORD", number=1, fields={"dir": "1"}, at=AT)
        assert now(kept.store.keep_event(event)) is True
        assert now(kept.store.keep_event(event)) is False

    def test_the_latest_facts(self, kept: Kept) -> None:
        """They take the place of the ones before."""
        now(kept.store.keep_facts(StoredFacts("g", AT, {"signal": "1"})))
        now(kept.store.keep_facts(StoredFacts("g", AT + 1, {"signal": "2"})))
        assert now(kept.store.facts()) == {"g": (AT + 1, {"signal": "2"})}

    def test_facts_in_one_group(self, keeps: MakesKept) -> None:
        """Of two the later counts."""
        disk = HeldBack(holding=False)
        store = keeps(disk).store
        disk.holding = True
        wishes = [store.keep_facts(StoredFacts("g", AT, {"n": str(n)})) for n in range(3)]
        disk.release()
        assert outcomes(wishes) == [None] * 3
        assert now(store.facts()) == {"g": (AT, {"n": "2"})}


def test_texts_come_back_as_they_were(kept: Kept) -> None:
    """The disk changes no character."""
    body = "a\tb\r\nc \U0001f600 \u202e'\"; DROP TABLE message; --%s{}\x01"
    message = kept.arrival(text=body)
    assert message is not None
    kept.again()
    found = kept.message(message)
    assert found is not None
    assert found.text == body


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """C{accepted} means that it survives a power cut: WAL with synchronous=FULL."""
    store = Store.open(tmp_path, lock(tmp_path), execute, execute, PromptBus(Clock()))
    connection = store.writer.connection
    with connection.begin():
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    store.close()
