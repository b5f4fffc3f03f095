"""
The only SQL: what is kept, and how it is asked for.

L{Store} is all that the rest of the gateway sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self, TypeVar

from attrs import define, field
from sqlalchemy import Connection, Engine
from twisted.internet.defer import Deferred

from goiptwist.errors import Unacceptable
from goiptwist.message import Direction, HandsetReport, Message, OnUnknown, State, Step
from goiptwist.store import database
from goiptwist.store.database import lock
from goiptwist.store.keeping import (
    Arrival,
    Event,
    Facts,
    Keeping,
    Kept,
    Order,
    keep_events,
    keep_facts,
    reserve,
)
from goiptwist.store.marks import AT_ONCE as MARKS_AT_ONCE
from goiptwist.store.marks import DELETED, DOWNLOADED, Marking, Marks
from goiptwist.store.pruning import forget_receipts, prune
from goiptwist.store.reading import Reading, Waiting
from goiptwist.store.reports import AFTER_UNKNOWN, LateAnswer, Reporting, Restart
from goiptwist.store.rows import Ids
from goiptwist.store.settling import Settlement, Settling, Transmission
from goiptwist.store.writer import RunsWork, Writer

__all__ = [
    "AFTER_UNKNOWN",
    "DELETED",
    "DOWNLOADED",
    "MARKS_AT_ONCE",
    "Arrival",
    "Event",
    "Facts",
    "Kept",
    "LateAnswer",
    "Marking",
    "Order",
    "Settlement",
    "Store",
    "Transmission",
    "Waiting",
    "lock",
]

Answer = TypeVar("Answer")


@define(repr=False)
class Store:
    """
    What the gateway keeps, in one folder.

    Every method that changes something fires its Deferred after the commit,
    and fails with L{goiptwist.errors.StoreUnavailable} where the disk would
    not take it.

    @ivar run_reading: where questions are asked: one thread of its own.
    @ivar key: what this gateway signs with.
    """

    writer: Writer
    run_reading: RunsWork
    ids: Ids
    key: bytes
    _engine: Engine
    _reader: Connection
    _lock: IO[str]
    _keeping: Keeping = field(init=False)
    _settling: Settling = field(init=False)
    _reporting: Reporting = field(init=False)
    _reading: Reading = field(init=False)
    _marks: Marks = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._keeping = Keeping(self.ids)
        self._reporting = Reporting(self.ids)
        self._settling = Settling(self.ids, self._reporting)
        self._reading = Reading(self.ids)
        self._marks = Marks(self.ids)

    @classmethod
    def open(
        cls, folder: Path, held: IO[str], run_writing: RunsWork, run_reading: RunsWork
    ) -> Self:
        """
        Open the store of a folder; make it where there is none.

        @param held: the lock of the folder, see L{lock}.
        @raise BadConfiguration: it cannot be used, in words.
        """
        engine = database.open_engine(folder)
        database.migrate(engine)
        connection = engine.connect()
        ids = Ids(database.identify(connection))
        writer = Writer(connection, run_writing)
        key = database.signing_key(folder)
        return cls(writer, run_reading, ids, key, engine, engine.connect(), held)

    def close(self) -> None:
        """Let go of the folder. Nothing may be under way."""
        self.writer.connection.close()
        self._reader.close()
        self._engine.dispose()
        self._lock.close()

    def _ask(self, question: Callable[..., Answer], *args: object) -> Deferred[Answer]:
        def asked() -> Answer:
            with self._reader.begin():
                return question(self._reader, *args)

        return self.run_reading(asked)

    # -- incoming --

    def keep_arrival(self, arrival: Arrival) -> Deferred[Message | None]:
        """@return: fires with the kept message, or C{None} for a repeat."""
        return self.writer.wish(self._keeping.arrivals, arrival)

    def keep_event(self, event: Event) -> Deferred[bool]:
        """@return: fires with whether it was new."""
        return self.writer.wish(keep_events, event)

    def keep_facts(self, facts: Facts) -> Deferred[None]:
        """Keep the latest facts of a line."""
        return self.writer.wish(keep_facts, facts)

    # -- outgoing --

    def keep_order(self, order: Order) -> Deferred[Kept]:
        """@return: fires with its messages, or fails with L{Conflict}."""
        return self.writer.wish(self._keeping.orders, order)

    def write_down(self, transmission: Transmission) -> Deferred[None]:
        """Note what is about to be given to a SIM."""
        return self.writer.wish(self._settling.transmissions, transmission)

    def settle(self, settlement: Settlement) -> Deferred[Message | None]:
        """
        Note what became of a delivery.

        @return: fires with the message, if its delivery report was there
            already.
        """
        return self.writer.wish(self._settling.settlements, settlement)

    def reserve(self, name: str, many: int) -> Deferred[int]:
        """@return: fires with the first of C{many} numbers nobody gets again."""
        return self.writer.wish(reserve, (name, many))

    # -- what comes late --

    def report(self, report: HandsetReport) -> Deferred[Message | None]:
        """@return: fires with the message it is about, if it is known."""
        return self.writer.wish(self._reporting.reports, report)

    def late_answer(self, answer: LateAnswer) -> Deferred[Message | None]:
        """@return: fires with the message that it settled, if any."""
        return self.writer.wish(self._reporting.late_answers, answer)

    def after_restart(self, at: float, policy: OnUnknown) -> Deferred[int]:
        """@return: fires with how many texts nobody knows the fate of."""
        return self.writer.wish(self._reporting.open_ones, Restart(at, policy))

    def prune(self, before: float) -> Deferred[int]:
        """
        Forget settled messages accepted before C{before}, some at a time.

        @return: fires with how many; call again while it is not 0.
        """
        return self.writer.wish(prune, before)

    def forget_receipts(self, now: float) -> Deferred[int]:
        """Forget the receipts of pushes that cannot come again."""
        return self.writer.wish(forget_receipts, now)

    # -- folders of users --

    def mark(self, marking: Marking) -> Deferred[list[str]]:
        """@return: fires with the ids that are marked now, as they were given."""
        return self.writer.wish(self._marks.marks, marking)

    def inbox(self, owner: str, after: str, limit: int) -> Deferred[list[Message]]:
        """
        @return: fires with what came in and the owner has not marked, oldest
            first.
        @raise Unacceptable: C{after} is not an id of this store.
        """
        return self._ask(self._marks.inbox, owner, self._number(after), limit)

    def sent(self, owner: str, states: Sequence[State], limit: int) -> Deferred[list[Message]]:
        """@return: fires with what the owner submitted lately and has not deleted."""
        return self._ask(self._marks.sent, owner, states, limit)

    def deleted(self, owner: str, limit: int) -> Deferred[list[Message]]:
        """@return: fires with what the owner has deleted and history still has."""
        return self._ask(self._marks.deleted, owner, limit)

    # -- questions --

    def waiting(self, destination: str, many: int) -> Deferred[list[Waiting]]:
        """@return: fires with the C{many} rows of its queue due first."""
        return self._ask(self._reading.waiting, destination, many)

    def destinations(self) -> Deferred[list[str]]:
        """@return: fires with every destination that something waits for."""
        return self._ask(self._reading.destinations)

    def message(self, message_id: str) -> Deferred[Message | None]:
        """@return: fires with the message as it stands now."""
        return self._ask(self._reading.message, message_id)

    def messages(
        self, direction: Direction | None, after: str, limit: int
    ) -> Deferred[list[Message]]:
        """
        @return: fires with a page of messages.
        @raise Unacceptable: C{after} is not an id of this store.
        """
        return self._ask(self._reading.messages, direction, self._number(after), limit)

    def _number(self, after: str) -> int:
        number = self.ids.inside(after) if after else 0
        if number is None:
            raise Unacceptable("after", f"{after!r} is no id of this gateway")
        return number

    def journey(self, message_id: str) -> Deferred[list[Step]]:
        """@return: fires with every step of a message."""
        return self._ask(self._reading.journey, message_id)

    def unknown(self) -> Deferred[int]:
        """@return: fires with how many messages wait for an operator's word."""
        return self._ask(self._reading.unknown)

    def facts(self) -> Deferred[dict[str, tuple[float, Mapping[str, Any]]]]:
        """@return: fires with what each line told last, and when."""
        return self._ask(self._reading.facts)
