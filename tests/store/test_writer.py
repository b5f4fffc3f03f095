"""
The one writer: wishes are done in groups, one fsync for all of them, and each
is told its own result after the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, IntegrityError
from twisted.internet.defer import Deferred, execute
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure

from goiptwist.errors import StoreUnavailable
from goiptwist.model.commit import Commit
from goiptwist.model.messages import IncomingSms
from goiptwist.store import Arrival, Store
from goiptwist.store.writer import RunsWork
from tests.conftest import FailureLog
from tests.store.conftest import AT, Kept
from tests.wire import HeldBack, refuse_writes
from tests.world import now

MakesKept = Callable[[RunsWork], Kept]


def arrival(number: int, body: str = "x") -> Arrival:
    return Arrival(IncomingSms(line="g", number=number, sender="1", text=body, at=AT), ("b:a",))


def outcomes(deferreds: Sequence[Deferred[Any]]) -> list[Any]:
    """What each has come to: a result, a failure's class, or C{...}."""
    found: list[Any] = [...] * len(deferreds)

    def note(outcome: Any, place: int) -> None:
        found[place] = outcome.type if isinstance(outcome, Failure) else outcome

    for place, deferred in enumerate(deferreds):
        deferred.addBoth(note, place)
    return found


def noted(connection: Connection, items: Sequence[str]) -> list[Commit[str] | Exception]:
    """Keep words; C{bad} breaks the whole statement, C{odd} its own item."""
    for item in items:
        if item == "bad":
            raise IntegrityError("INSERT", {}, sqlite3.IntegrityError("bad"))
        if item == "corrupt":
            raise DatabaseError("INSERT", {}, sqlite3.DatabaseError("disk image is malformed"))
        connection.execute(text("INSERT INTO line VALUES (:i, 0, '{}')"), {"i": item})
    return [ValueError(i) if i == "odd" else Commit(i) for i in items]


def kept_words(store: Store) -> list[str]:
    return sorted(now(store.facts()))


class TestGroups:
    """Everything that comes while one commit is under way goes into the next."""

    def test_one_commit_for_many(self, keeps: MakesKept) -> None:
        """The first begins at once; the other nine share a commit."""
        disk = HeldBack(holding=False)
        store = keeps(disk).store
        disk.holding = True
        jobs = [store.keep_arrival(arrival(n)) for n in range(10)]
        assert store.writer.depth == 9
        found = outcomes(jobs)
        assert found == [...] * 10
        disk.release()
        assert [m.text for m in found] == ["x"] * 10
        assert (store.writer.committed_groups, store.writer.committed_items) == (2, 10)
        assert store.writer.depth == 0

    def test_different_jobs_share_it_too(self, keeps: MakesKept) -> None:
        """A group is one transaction, whatever is in it."""
        disk = HeldBack(holding=False)
        store = keeps(disk).store
        disk.holding = True
        jobs = [
            store.reserve("session", 1),
            store.keep_arrival(arrival(1)),
            store.reserve("session", 5),
            store.writer.execute(noted, "word"),
        ]
        found = outcomes(jobs)
        disk.release()
        assert store.writer.committed_groups == 2
        assert found[1].text == "x"
        assert found[3] == "word"

    def test_idle(self, keeps: MakesKept) -> None:
        """The gateway stops when nothing waits any more."""
        disk = HeldBack(holding=False)
        store = keeps(disk).store
        now(store.writer.idle())
        disk.holding = True
        job = store.keep_arrival(arrival(1))
        idle = store.writer.idle()
        assert not idle.called
        disk.release()
        now(idle)
        now(job)

    def test_a_job_out_of_a_result(self, kept: Kept) -> None:
        """Who goes on from a result has something done again at once."""
        again: list[Any] = []
        first = kept.store.writer.execute(noted, "one")
        first.addCallback(
            lambda _: kept.store.writer.execute(noted, "two").addCallback(again.append)
        )
        assert again == ["two"]


class TestOneBadItem:
    """What is wrong with one item is no business of the others."""

    def grouped(self, keeps: MakesKept, words: Sequence[str]) -> tuple[Store, list[Any]]:
        disk = HeldBack(holding=False)
        store = keeps(disk).store
        disk.holding = True
        jobs = [store.writer.execute(noted, word) for word in ("first", *words)]
        found = outcomes(jobs)
        disk.release()
        return store, found[1:]

    def test_a_result_that_is_an_error(self, keeps: MakesKept) -> None:
        """Only its own Deferred fails; the group is committed."""
        store, found = self.grouped(keeps, ["a", "odd", "b"])
        assert found == ["a", ValueError, "b"]
        assert store.writer.committed_groups == 2

    def test_one_that_breaks_the_statement(self, keeps: MakesKept) -> None:
        """Then the group is done one by one, and the others are kept."""
        store, found = self.grouped(keeps, ["a", "bad", "b"])
        assert found == ["a", IntegrityError, "b"]
        assert kept_words(store) == ["a", "b", "first"]
        assert store.writer.failure == ""


class TestTrouble:
    """The disk does not take it: nobody gets a yes, and all are told why."""

    def test_all_of_the_group(self, keeps: MakesKept, logged_failures: FailureLog) -> None:
        """Nothing of it was kept, and the health of the gateway says so."""
        disk = HeldBack(holding=False)
        store = keeps(disk).store
        refuse_writes(store)
        disk.holding = True
        found = outcomes([store.keep_arrival(arrival(n)) for n in range(5)])
        disk.release()
        assert found == [StoreUnavailable] * 5
        assert "readonly" in store.writer.failure
        assert now(store.messages(None, "", 10)) == []
        [event] = logged_failures.flush()  # one line, not five
        assert event["log_level"] is LogLevel.error

    def test_a_full_disk(self, kept: Kept, logged_failures: FailureLog) -> None:
        """
        The real thing: SQLite finds no more pages, and later it does. What
        failed is not half kept: handed in again, it is new.
        """
        connection = kept.store.writer.connection.connection.dbapi_connection
        assert isinstance(connection, sqlite3.Connection)
        connection.execute("PRAGMA max_page_count = 1")  # no more than there are
        failed = outcomes([kept.store.keep_arrival(arrival(1, "x" * 100_000))])
        assert failed == [StoreUnavailable]
        assert "full" in kept.store.writer.failure
        connection.execute("PRAGMA max_page_count = 1000000")
        with capturedLogs() as logs:
            again = now(kept.store.keep_arrival(arrival(1, "x" * 100_000)))
        assert again is not None
        assert kept.store.writer.failure == ""
        assert [e["log_level"] for e in logs] == [LogLevel.info]
        logged_failures.flush()

    def test_a_damaged_database(self, kept: Kept, logged_failures: FailureLog) -> None:
        """That is no fault of the item either; health must show it."""
        failed = outcomes([kept.store.writer.execute(noted, "corrupt")])
        assert failed == [StoreUnavailable]
        assert "malformed" in kept.store.writer.failure
        logged_failures.flush()

    def test_the_thread_breaks(self, keeps: MakesKept, logged_failures: FailureLog) -> None:
        """Nobody waits for ever, and the next group is tried."""
        broken = [True]
        disk = HeldBack(holding=False)

        def run(work: Callable[[], Any]) -> Deferred[Any]:
            if broken[0]:
                failed: Deferred[Any] = Deferred()
                failed.errback(Failure(RuntimeError("no more threads")))
                return failed
            return disk(work)

        store = keeps(run).store
        assert outcomes([store.keep_arrival(arrival(1))]) == [StoreUnavailable]
        assert store.writer.failure == "no more threads"
        broken[0] = False
        assert now(store.keep_arrival(arrival(1))) is not None
        logged_failures.flush()


def test_a_full_disk_gets_its_space_back(
    keeps: MakesKept, tmp_path: Path, logged_failures: FailureLog
) -> None:
    """
    What was free may have gone into the write-ahead log, while the texts in it need a
    fraction: after a commit that found no room it is copied and cut off.
    """
    kept = keeps(execute)
    for number in range(200):
        kept.arrival(number, "x" * 500)
    log = tmp_path / "goiptwist.sqlite-wal"
    assert log.stat().st_size > 1_000_000
    connection = kept.store.writer.connection
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    connection.rollback()
    failed = outcomes([kept.store.keep_arrival(arrival(999, "y" * 100_000))])
    assert failed == [StoreUnavailable]
    assert "full" in kept.store.writer.failure
    assert "cannot commit" in str(logged_failures.flush())
    assert log.stat().st_size == 0
    connection.exec_driver_sql("PRAGMA max_page_count=1073741823")
    connection.rollback()
    assert kept.arrival(1000) is not None
    assert kept.store.writer.failure == ""
