"""
The one writer, which commits in groups.

An fsync is the price of a promise, so it is shared: everything that arrives
while one commit is under way goes into the next one. Callers get a Deferred
that fires after the commit; everybody else hears of it from the bus, later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import define, field
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.errors import StoreUnavailable
from goiptwist.model.commit import Commit
from goiptwist.store.bus import ICommitBus
from goiptwist.store.database import give_back_journal

Item = TypeVar("Item")
Value = TypeVar("Value")

#: Does the same thing for many items inside the transaction of a group. A
#: result that is an exception fails its own item and no other.
Command = Callable[[Connection, Sequence[Item]], "Sequence[Commit[Value] | Exception]"]

#: Runs a piece of work where it may block, and gives back its result.
RunsWork = Callable[[Callable[[], Any]], "Deferred[Any]"]


#: Errors of the database that an item is to blame for. The others are the
#: disk's or its own: full, locked, read-only, damaged.
_OF_AN_ITEM = (DataError, IntegrityError, ProgrammingError)


@define(repr=False)
class Job:
    """
    One item of a command.

    @ivar result: a L{Commit}, or what went wrong.
    """

    command: Command[Any, Any]
    item: Any
    done: Deferred[Any]
    result: Any = None


@define(repr=False)
class Writer:
    """
    Everything that changes the store goes through here.

    Jobs of one group are independent of one another, and those of one
    command are done together: a caller that needs an order waits for the
    Deferred of the first before it begins the second.

    @ivar connection: used by nobody else.
    @ivar bus: where every commit is published once, after its results.
    @ivar run: where the work is done: one thread, always the same. In tests
        it may run the work at once.
    @ivar failure: why the last commit failed, in words; empty when it went
        well.
    """

    connection: Connection
    run: RunsWork
    bus: ICommitBus
    failure: str = ""
    committed_groups: int = 0
    committed_items: int = 0
    _waiting: list[Job] = field(factory=list, init=False)
    _busy: bool = field(default=False, init=False)
    _idle: list[Deferred[None]] = field(factory=list, init=False)
    log = Logger()

    def execute(self, command: Command[Item, Value], item: Item) -> Deferred[Value]:
        """
        Have C{command} done for C{item} in the next group.

        @return: fires with the value of its commit, or fails with
            L{StoreUnavailable} or with what went wrong with this item.
        """
        done: Deferred[Value] = Deferred()
        self._waiting.append(Job(command, item, done))
        if not self._busy:
            self._begin()
        return done

    @property
    def depth(self) -> int:
        """How many jobs wait for the next group."""
        return len(self._waiting)

    def idle(self) -> Deferred[None]:
        """@return: fires when nothing waits any more."""
        done: Deferred[None] = Deferred()
        if self._busy:
            self._idle.append(done)
        else:
            done.callback(None)
        return done

    def _begin(self) -> None:
        self._busy = True
        group, self._waiting = self._waiting, []
        self.run(lambda: self._commit_or_fail(group)).addBoth(self._committed, group)

    def _committed(self, failure: str | Failure, group: list[Job]) -> None:
        if isinstance(failure, Failure):  # the thread itself broke
            for job in group:
                job.result = StoreUnavailable(failure.getErrorMessage())
            failure = failure.getErrorMessage()
        self._note(failure)
        self.committed_groups += 1
        self.committed_items += len(group)
        # The disk works on the next group while the results of this one are
        # given back.
        if self._waiting:
            self._begin()
        else:
            self._busy = False
        self.bus.announce(
            [j.result for j in group if isinstance(j.result, Commit) and j.result.is_public]
        )
        for job in group:
            if isinstance(job.result, Exception):
                job.done.errback(job.result)
            else:
                job.done.callback(job.result.value)
        self.bus.release()
        if not self._busy:
            waiting, self._idle = self._idle, []
            for done in waiting:
                done.callback(None)

    def _note(self, failure: str) -> None:
        if failure and not self.failure:
            self.log.error("The store cannot commit: {reason}", reason=failure)
        elif self.failure and not failure:
            self.log.info("The store commits again")
        self.failure = failure

    # -- below here, in the writer's thread --

    def _commit_or_fail(self, group: list[Job]) -> str:
        try:
            self._commit(group)
        except Exception as error:
            if isinstance(error, DatabaseError) and not isinstance(error, _OF_AN_ITEM):
                give_back_journal(self.connection)
                return self._fail(group, str(error.orig))  # nobody gets a yes
            if len(group) == 1:
                group[0].result = error
                return ""
            # One bad item must not take the others down with it.
            return max(self._commit_or_fail([job]) for job in group)
        return ""

    def _fail(self, group: list[Job], failure: str) -> str:
        for job in group:
            job.result = StoreUnavailable(f"the store could not commit: {failure}")
        return failure

    def _commit(self, group: list[Job]) -> None:
        commands: dict[Command[Any, Any], list[Job]] = {}
        for job in group:
            commands.setdefault(job.command, []).append(job)
        with self.connection.begin():
            for command, jobs in commands.items():
                results = command(self.connection, [job.item for job in jobs])
                for job, result in zip(jobs, results, strict=True):
                    job.result = result
