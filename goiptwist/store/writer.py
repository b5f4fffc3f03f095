"""
The one writer, which commits in groups.

An fsync is the price of a promise, so it is shared: everything that arrives
while one commit is under way goes into the next one. Callers get a Deferred
that fires after the commit.
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

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Does the same thing for many items inside the transaction of a group. A
#: result that is an exception fails its own item and no other.
Operation = Callable[[Connection, Sequence[Item]], Sequence[Result | Exception]]

#: Runs a piece of work where it may block, and gives back its result.
RunsWork = Callable[[Callable[[], Any]], "Deferred[Any]"]


#: Errors of the database that an item is to blame for. The others are the
#: disk's or its own: full, locked, read-only, damaged.
_OF_AN_ITEM = (DataError, IntegrityError, ProgrammingError)


@define(repr=False)
class _Wish:
    operation: Operation[Any, Any]
    item: Any
    fulfilled: Deferred[Any]
    result: Any = None


@define(repr=False)
class Writer:
    """
    Everything that changes the store goes through here.

    Wishes of one group are independent of one another, and those of one
    operation are done together: whoever needs an order waits for the
    Deferred of the first before wishing the second.

    @ivar connection: used by nobody else.
    @ivar run: where the work is done: one thread, always the same. In tests
        it may run the work at once.
    @ivar trouble: why the last commit failed, in words; empty when it went
        well.
    """

    connection: Connection
    run: RunsWork
    trouble: str = ""
    committed_groups: int = 0
    committed_items: int = 0
    _waiting: list[_Wish] = field(factory=list, init=False)
    _busy: bool = field(default=False, init=False)
    _idle: list[Deferred[None]] = field(factory=list, init=False)
    log = Logger()

    def wish(self, operation: Operation[Item, Result], item: Item) -> Deferred[Result]:
        """
        Have C{operation} done for C{item} in the next group.

        @return: fires with its result after the commit, or fails with
            L{StoreUnavailable} or with what went wrong with this item.
        """
        fulfilled: Deferred[Result] = Deferred()
        self._waiting.append(_Wish(operation, item, fulfilled))
        if not self._busy:
            self._begin()
        return fulfilled

    @property
    def depth(self) -> int:
        """How many wishes wait for the next group."""
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

    def _committed(self, trouble: str | Failure, group: list[_Wish]) -> None:
        if isinstance(trouble, Failure):  # the thread itself broke
            for wish in group:
                wish.result = StoreUnavailable(trouble.getErrorMessage())
            trouble = trouble.getErrorMessage()
        self._note(trouble)
        self.committed_groups += 1
        self.committed_items += len(group)
        # The disk works on the next group while the results of this one are
        # told.
        if self._waiting:
            self._begin()
        else:
            self._busy = False
        for wish in group:
            if isinstance(wish.result, Exception):
                wish.fulfilled.errback(wish.result)
            else:
                wish.fulfilled.callback(wish.result)
        if not self._busy:
            waiting, self._idle = self._idle, []
            for done in waiting:
                done.callback(None)

    def _note(self, trouble: str) -> None:
        if trouble and not self.trouble:
            self.log.error("The store cannot commit: {trouble}", trouble=trouble)
        elif self.trouble and not trouble:
            self.log.info("The store commits again")
        self.trouble = trouble

    # -- below here, in the writer's thread --

    def _commit_or_fail(self, group: list[_Wish]) -> str:
        try:
            self._commit(group)
        except Exception as error:
            if isinstance(error, DatabaseError) and not isinstance(error, _OF_AN_ITEM):
                return self._fail(group, str(error.orig))  # nobody gets a yes
            if len(group) == 1:
                group[0].result = error
                return ""
            # One bad item must not take the others down with it.
            return max(self._commit_or_fail([wish]) for wish in group)
        return ""

    def _fail(self, group: list[_Wish], trouble: str) -> str:
        for wish in group:
            wish.result = StoreUnavailable(f"the store could not commit: {trouble}")
        return trouble

    def _commit(self, group: list[_Wish]) -> None:
        kinds: dict[Operation[Any, Any], list[_Wish]] = {}
        for wish in group:
            kinds.setdefault(wish.operation, []).append(wish)
        with self.connection.begin():
            for operation, wishes in kinds.items():
                results = operation(self.connection, [wish.item for wish in wishes])
                for wish, result in zip(wishes, results, strict=True):
                    wish.result = result
