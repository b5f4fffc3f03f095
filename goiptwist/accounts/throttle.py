"""
How those who guess passwords and tokens are slowed. Pure, but for the clock.

An attempt counts before it is checked, by where it comes from and by the user
name that it is about; a right answer gives its count back. Where a user has
proved itself lately, its own attempts count by themselves, so that a guesser
behind the same proxy locks nobody out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from goiptwist.errors import Busy
from goiptwist.net.source import network_of

#: Wrong attempts that one source has in C{WINDOW}: room for a person's typing
#: errors, none for guessing.
FAILURES = 10

#: Wrong attempts that one user name has in C{WINDOW}, from all sources together.
NAME_FAILURES = 30

#: Seconds from the first wrong attempt of a source, or at a name, until all are forgotten.
WINDOW = 60.0

#: Sources, names and known pairs of both that are kept at a time; about two
#: hundred bytes each.
MAX_KEPT = 4096

#: Seconds for which a user counts as known at a source after a right answer: a
#: program that logs in once a day stays known over a weekend.
KNOWN_FOR = 3 * 86400.0

#: Seconds to wait where attempts are still being checked: a few checks of a hash.
UNDER_WAY_WAIT = 1.0


class TooManyAttempts(Busy):
    """Too many wrong tokens or passwords: this attempt was not checked."""


@define(eq=False)
class AttemptCount:
    """
    Attempts of one source, or at one name, in one window.

    @ivar since: when the first was made.
    @ivar count: those that were wrong or are not yet checked.
    @ivar pending: those of them that are not yet checked.
    """

    since: float
    count: int = 0
    pending: int = 0


@define(eq=False)
class AttemptTable:
    """
    Counts of attempts by key, in bounded memory. Where it is full, those with
    the fewest attempts are forgotten first, and never one that is being
    slowed; where all are being slowed, all new keys share one count.

    @ivar most: attempts that a key has in a window.
    @ivar room: keys that are kept.
    """

    clock: IReactorTime
    most: int
    window: float
    room: int
    _counts: dict[bytes, AttemptCount] = field(factory=dict, init=False)
    _crowd: AttemptCount = field(factory=lambda: AttemptCount(0.0), init=False)

    def __len__(self) -> int:
        return len(self._counts)

    def of(self, key: bytes) -> AttemptCount:
        """@return: the count of that key in the window that runs now."""
        now = self.clock.seconds()
        found = self._counts.get(key)
        if found is not None and self._runs(found, now):
            return found
        self._counts.pop(key, None)
        if len(self._counts) >= self.room and not self._make_room(now):
            if not self._runs(self._crowd, now):
                self._crowd = AttemptCount(now)
            return self._crowd
        found = self._counts[key] = AttemptCount(now)
        return found

    def wait(self, count: AttemptCount) -> float:
        """@return: seconds until one more attempt is allowed; 0 is now."""
        if count.count < self.most:
            return 0.0
        if count.count - count.pending < self.most:
            return UNDER_WAY_WAIT
        return count.since + self.window - self.clock.seconds()

    def forget(self, key: bytes, count: AttemptCount) -> None:
        """What has no attempts any more takes no room."""
        if not count.count and self._counts.get(key) is count:
            del self._counts[key]

    def _runs(self, count: AttemptCount, now: float) -> bool:
        return now < count.since + self.window

    def _make_room(self, now: float) -> bool:
        """
        Let go what is over, or else an eighth of the table: those with the
        fewest attempts, and the oldest of these.

        @return: whether there is room now.
        """
        self._counts = {key: one for key, one in self._counts.items() if self._runs(one, now)}
        if len(self._counts) < self.room:
            return True
        guiltless = [
            (one.count, one.since, key)
            for key, one in self._counts.items()
            if one.count < self.most and not one.pending
        ]
        for _, _, key in sorted(guiltless)[: max(1, self.room // 8)]:
            del self._counts[key]
        return bool(guiltless)


@define(eq=False)
class CountedAttempt:
    """
    One attempt that may be checked now. It ends by exactly one of
    C{succeeded}, C{failed} and C{unchecked}.
    """

    _throttle: LoginThrottle
    _customer: str
    _counted: Sequence[tuple[AttemptTable, bytes, AttemptCount]]

    def succeeded(self, name: str) -> None:
        """@param name: of the user who is known at this source from now on."""
        self._throttle.know(self._customer, name)
        self._end(1)

    def failed(self, times: int = 1) -> None:
        """
        It was a wrong guess, and stays counted.

        @param times: how often it was made at the same time.
        """
        self._end(1 - times)

    def unchecked(self) -> None:
        """Nobody has found out whether it was right."""
        self._end(1)

    def _end(self, given_back: int) -> None:
        for table, key, count in self._counted:
            count.pending -= 1
            count.count -= given_back
            table.forget(key, count)


@define(eq=False)
class LoginThrottle:
    """
    Says whether an attempt to log in may be checked.

    @ivar clock: where time comes from.
    @ivar failures: wrong attempts that a source has in a window.
    @ivar name_failures: those that a user name has.
    @ivar window: seconds from the first until all are forgotten.
    @ivar room: sources, names and known pairs that are kept, of each.
    """

    clock: IReactorTime
    failures: int = FAILURES
    name_failures: int = NAME_FAILURES
    window: float = WINDOW
    room: int = MAX_KEPT
    _sources: AttemptTable = field(init=False)
    _names: AttemptTable = field(init=False)
    _pairs: AttemptTable = field(init=False)
    #: When a user was last right at a source, the longest ago first.
    _known: OrderedDict[bytes, float] = field(factory=OrderedDict, init=False)

    def __attrs_post_init__(self) -> None:
        self._sources = AttemptTable(self.clock, self.failures, self.window, self.room)
        self._names = AttemptTable(self.clock, self.name_failures, self.window, self.room)
        self._pairs = AttemptTable(self.clock, self.failures, self.window, self.room)

    def begin(self, source: str, name: str = "") -> CountedAttempt:
        """
        Count an attempt that is about to be checked.

        @param source: the address that it comes from.
        @param name: of the user that it is about; empty where it names none, as
            a token does.
        @raise TooManyAttempts: it may not be checked now.
        """
        customer = network_of(source)
        counted: list[tuple[AttemptTable, bytes, AttemptCount]] = []
        for table, key in self._tables(customer, name):
            count = table.of(key)
            wait = table.wait(count)
            if wait > 0:
                self._forget(counted)
                raise TooManyAttempts("too many wrong tokens or passwords", after=wait)
            counted.append((table, key, count))
        for _, _, count in counted:
            count.count += 1
            count.pending += 1
        return CountedAttempt(self, customer, counted)

    def know(self, customer: str, name: str) -> None:
        """A user was right at a source: what others guess there slows that user no more."""
        pair = _digest(customer, name)
        self._known[pair] = self.clock.seconds()
        self._known.move_to_end(pair)
        if len(self._known) > self.room:
            self._known.popitem(last=False)

    def _forget(self, counted: Sequence[tuple[AttemptTable, bytes, AttemptCount]]) -> None:
        for table, key, count in counted:
            table.forget(key, count)

    def _tables(self, customer: str, name: str) -> list[tuple[AttemptTable, bytes]]:
        if not name:
            return [(self._sources, _digest(customer))]
        pair = _digest(customer, name)
        if self.clock.seconds() < self._known.get(pair, -KNOWN_FOR) + KNOWN_FOR:
            return [(self._pairs, pair)]
        return [(self._sources, _digest(customer)), (self._names, _digest(name))]


def _digest(*words: str) -> bytes:
    """A key of few bytes, however long a name somebody says."""
    digest = blake2b(digest_size=16)
    for word in words:
        part = word.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(part))  # "a", "bc" is not "ab", "c"
        digest.update(part)
    return digest.digest()
