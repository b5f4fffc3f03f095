"""
The store: its commands and its questions, each a method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self, TypeVar

from attrs import define, field
from sqlalchemy import Connection, Engine
from twisted.internet.defer import Deferred

from goiptwist.errors import Unacceptable
from goiptwist.model.delivery import QueueEntry, Settlement
from goiptwist.model.messages import Direction, HandsetReport, Message, OnUnknown, State, Step
from goiptwist.model.queries import Search, SearchPage
from goiptwist.model.status import DeliveryStatus
from goiptwist.model.transmissions import LateAnswer, Transmission
from goiptwist.store import database
from goiptwist.store.bus import ICommitBus
from goiptwist.store.commands.alarms import (
    AlarmAcknowledgement,
    AlarmCommands,
    AlarmRepetition,
    NewAlarm,
)
from goiptwist.store.commands.bounces import Bounce, BounceCommands
from goiptwist.store.commands.device_reports import DeviceReportCommands, Restart
from goiptwist.store.commands.folders import FlagChange, FolderCommands
from goiptwist.store.commands.line_events import (
    LineEventCommands,
    NewLineEvent,
    StoredFacts,
    keep_facts,
)
from goiptwist.store.commands.memory import MemoryEntry, forget_values, put_values, value_of
from goiptwist.store.commands.messages import Arrival, MessageCommands, NewSubmission
from goiptwist.store.commands.notifications import DelayCheck, NotificationCommands
from goiptwist.store.commands.numbers import reserve
from goiptwist.store.commands.pruning import PruneLimits, forget_receipts, prune
from goiptwist.store.commands.redelivery import Redelivery, RedeliveryCommands
from goiptwist.store.commands.resolutions import Decision, ResolutionCommands
from goiptwist.store.commands.settlements import SettlementCommands
from goiptwist.store.commands.usage import used_on
from goiptwist.store.queries.folders import FolderQueries
from goiptwist.store.queries.messages import MessageQueries
from goiptwist.store.queries.search import SearchQueries
from goiptwist.store.rows import MessageIds
from goiptwist.store.writer import RunsWork, Writer

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
    @ivar recipients: of the destinations that deliver to each recipient by
        itself; complete before anything is kept.
    """

    writer: Writer
    run_reading: RunsWork
    ids: MessageIds
    key: bytes
    _engine: Engine
    _reader: Connection
    _lock: IO[str]
    recipients: dict[str, tuple[str, ...]] = field(factory=dict, init=False)
    _messages: MessageCommands = field(init=False)
    _settlements: SettlementCommands = field(init=False)
    _device_reports: DeviceReportCommands = field(init=False)
    _message_queries: MessageQueries = field(init=False)
    _folders: FolderCommands = field(init=False)
    _folder_queries: FolderQueries = field(init=False)
    _notifications: NotificationCommands = field(init=False)
    _bounces: BounceCommands = field(init=False)
    _line_events: LineEventCommands = field(init=False)
    _resolutions: ResolutionCommands = field(init=False)
    _redeliveries: RedeliveryCommands = field(init=False)
    _search_queries: SearchQueries = field(init=False)
    _alarms: AlarmCommands = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._messages = MessageCommands(self.ids, self.recipients)
        self._notifications = NotificationCommands(self.ids)
        self._bounces = BounceCommands(self.ids, self._notifications, self.recipients)
        self._line_events = LineEventCommands(self.ids)
        self._device_reports = DeviceReportCommands(self.ids, self._notifications)
        self._settlements = SettlementCommands(self.ids, self._device_reports, self.recipients)
        self._resolutions = ResolutionCommands(self.ids, self._notifications)
        self._redeliveries = RedeliveryCommands(self.ids)
        self._message_queries = MessageQueries(self.ids)
        self._folders = FolderCommands(self.ids)
        self._folder_queries = FolderQueries(self.ids)
        self._search_queries = SearchQueries(self.ids)
        self._alarms = AlarmCommands(self.ids, self._notifications, self.recipients)

    @classmethod
    def open(
        cls,
        folder: Path,
        held: IO[str],
        run_writing: RunsWork,
        run_reading: RunsWork,
        bus: ICommitBus,
    ) -> Self:
        """
        Open the store of a folder; make it where there is none.

        @param held: the lock of the folder, see L{lock}.
        @param bus: where commits are published.
        @raise BadConfiguration: it cannot be used, in words.
        """
        engine = database.open_engine(folder)
        database.migrate(engine)
        connection = engine.connect()
        database.give_back_journal(connection)  # a full disk may be why we start anew
        ids = MessageIds(database.identify(connection))
        writer = Writer(connection, run_writing, bus)
        key = database.signing_key(folder)
        return cls(writer, run_reading, ids, key, engine, engine.connect(), held)

    @property
    def bus(self) -> ICommitBus:
        """Where commits are published."""
        return self.writer.bus

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
        return self.writer.execute(self._messages.arrivals, arrival)

    def keep_event(self, event: NewLineEvent) -> Deferred[bool]:
        """@return: fires with whether it was new."""
        return self.writer.execute(self._line_events.events, event)

    # -- alarms --

    def keep_alarm(self, alarm: NewAlarm) -> Deferred[Message]:
        """@return: fires with the alarm, or fails with L{Conflict}."""
        return self.writer.execute(self._alarms.alarms, alarm)

    def record_repetition(self, repetition: AlarmRepetition) -> Deferred[None]:
        """@return: fires when the journey of the alarm says so."""
        return self.writer.execute(self._alarms.repeats, repetition)

    def escalate(self, now: float) -> Deferred[float | None]:
        """
        Go on with steps of chains whose time is up.

        @return: fires with when to look again, C{None} where no chain waits.
        """
        return self.writer.execute(self._alarms.overdue, now)

    def acknowledge(self, acknowledgement: AlarmAcknowledgement) -> Deferred[Message]:
        """Note that a person has taken an alarm over, or fail with L{Conflict}: there is none."""
        return self.writer.execute(self._alarms.acknowledgements, acknowledgement)

    def failed_alarms(self, since: float) -> Deferred[list[Message]]:
        """@return: fires with the alarms since then that nobody has delivered."""
        return self._ask(self._message_queries.failed_alarms, since)

    def keep_facts(self, facts: StoredFacts) -> Deferred[None]:
        """Keep the latest facts of a line."""
        return self.writer.execute(keep_facts, facts)

    # -- outgoing --

    def keep_submission(self, submission: NewSubmission) -> Deferred[list[Message]]:
        """@return: fires with its messages, or fails with L{Conflict}."""
        return self.writer.execute(self._messages.submissions, submission)

    def keep_submissions(
        self, submissions: Sequence[NewSubmission]
    ) -> Deferred[list[list[Message] | Exception]]:
        """@return: fires with what L{keep_submission} would have for each, after one commit."""
        return self.writer.execute(self._messages.submission_batches, submissions)

    def record_transmission(self, transmission: Transmission) -> Deferred[None]:
        """Note what is about to be given to a SIM."""
        return self.writer.execute(self._settlements.transmissions, transmission)

    def settle(self, settlement: Settlement) -> Deferred[Message | None]:
        """
        Note what became of a delivery.

        @return: fires with the message, if its delivery report was there
            already.
        """
        return self.writer.execute(self._settlements.settlements, settlement)

    def reserve(self, name: str, many: int) -> Deferred[int]:
        """@return: fires with the first of C{many} numbers nobody gets again."""
        return self.writer.execute(reserve, (name, many))

    def decide(self, decision: Decision) -> Deferred[Message]:
        """
        Note what a person has decided.

        @return: fires with the message as it stands now, or fails with L{Conflict}.
        """
        return self.writer.execute(self._resolutions.decisions, decision)

    # -- what comes late --

    def report(self, report: HandsetReport) -> Deferred[Message | None]:
        """@return: fires with the message it is about, if it is known."""
        return self.writer.execute(self._device_reports.reports, report)

    def late_answer(self, answer: LateAnswer) -> Deferred[Message | None]:
        """@return: fires with the message that it settled, if any."""
        return self.writer.execute(self._device_reports.late_answers, answer)

    def record_bounce(self, bounce: Bounce) -> Deferred[Message | None]:
        """Note that a far side gave back what it had taken."""
        return self.writer.execute(self._bounces.bounces, bounce)

    def redeliver(self, redelivery: Redelivery) -> Deferred[None]:
        """
        Queue once more what a bridge has had of a message.

        @raise Conflict: nothing.
        """
        return self.writer.execute(self._redeliveries.redeliveries, redelivery)

    def notify_delays(self, before: float, at: float) -> Deferred[None]:
        """Tell of texts that wait since before C{before}, to those who want it."""
        look = DelayCheck(before=before, at=at)
        return self.writer.execute(self._notifications.delays, look)

    def after_restart(self, at: float, policy: OnUnknown) -> Deferred[int]:
        """@return: fires with how many texts nobody knows the fate of."""
        return self.writer.execute(self._device_reports.open_ones, Restart(at, policy))

    def prune(self, before: float, named: float | None = None) -> Deferred[int]:
        """
        Forget settled messages accepted before C{before}, some at a time.

        @param named: before this, where they have an id of the submitter's;
            C{None} is C{before}.
        @return: fires with how many; call again while it is not 0.
        """
        return self.writer.execute(prune, PruneLimits(before, before if named is None else named))

    def forget_receipts(self, now: float) -> Deferred[int]:
        """Forget the receipts of pushes that cannot come again."""
        return self.writer.execute(forget_receipts, now)

    # -- folders of users --

    def flag(self, change: FlagChange) -> Deferred[list[str]]:
        """@return: fires with the ids that are marked now, as they were given."""
        return self.writer.execute(self._folders.flags, change)

    def inbox(self, owner: str, after: str, limit: int) -> Deferred[list[Message]]:
        """
        @return: fires with what came in and the owner has not marked, oldest
            first.
        @raise Unacceptable: C{after} is not an id of this store.
        """
        return self._ask(self._folder_queries.inbox, owner, self._number(after), limit)

    def sent(self, owner: str, states: Sequence[State], limit: int) -> Deferred[list[Message]]:
        """@return: fires with what the owner submitted lately and has not deleted."""
        return self._ask(self._folder_queries.sent, owner, states, limit)

    def deleted(self, owner: str, limit: int) -> Deferred[list[Message]]:
        """@return: fires with what the owner has deleted and history still has."""
        return self._ask(self._folder_queries.deleted, owner, limit)

    # -- what bridges note down --

    def put_value(self, key: str, value: str, at: float) -> Deferred[None]:
        """Keep a note in place of the one before; an empty one forgets it."""
        return self.writer.execute(put_values, MemoryEntry(key=key, value=value, at=at))

    def forget_values(self, before: float) -> Deferred[None]:
        """Forget what was noted down before a time."""
        return self.writer.execute(forget_values, before)

    def get_value(self, key: str) -> Deferred[str]:
        """@return: fires with what was noted last, or an empty text."""
        return self._ask(value_of, key)

    # -- questions --

    def used(self, origin: str, day: int) -> Deferred[tuple[int, int]]:
        """@return: fires with the messages and parts of a day that count against a limit."""
        return self._ask(used_on, origin, day)

    def waiting(self, destination: str, many: int) -> Deferred[list[QueueEntry]]:
        """@return: fires with the C{many} rows of its queue due first."""
        return self._ask(self._message_queries.waiting, destination, many)

    def destinations(self) -> Deferred[list[str]]:
        """@return: fires with every destination that something waits for."""
        return self._ask(self._message_queries.destinations)

    def message(self, message_id: str) -> Deferred[Message | None]:
        """@return: fires with the message as it stands now."""
        return self._ask(self._message_queries.message, message_id)

    def messages(
        self, direction: Direction | None, after: str, limit: int
    ) -> Deferred[list[Message]]:
        """
        @return: fires with a page of messages.
        @raise Unacceptable: C{after} is not an id of this store.
        """
        return self._ask(self._message_queries.messages, direction, self._number(after), limit)

    def _number(self, given: str, key: str = "after") -> int:
        number = self.ids.inside(given) if given else 0
        if number is None:
            raise Unacceptable(key, f"{given[:60]!r} is no id of this gateway")
        return number

    def search(self, criteria: Search) -> Deferred[SearchPage]:
        """
        @return: fires with messages, newest first, and where to go on.
        @raise Unacceptable: C{before} is not an id of this store.
        """
        before = self._number(criteria.before, "before") if criteria.before else None
        return self._ask(self._search_queries.search, criteria, before)

    def waits_for(self, message_id: str) -> Deferred[list[str]]:
        """@return: fires with the destinations that it waits for."""
        return self._ask(self._message_queries.waits_for, message_id)

    def deliveries(self, alarm_id: str) -> Deferred[list[DeliveryStatus]]:
        """@return: fires with how each way of an alarm stands."""
        return self._ask(self._message_queries.deliveries, alarm_id)

    def journey(self, message_id: str) -> Deferred[list[Step]]:
        """@return: fires with every step of a message."""
        return self._ask(self._message_queries.journey, message_id)

    def facts(self) -> Deferred[dict[str, tuple[float, Mapping[str, Any]]]]:
        """@return: fires with what each line told last, and when."""
        return self._ask(self._message_queries.facts)
