"""
What can go wrong, sorted by what the caller should do about it.

The text of each exception is a sentence that a person reads: in the log, in a
problem answer of the HTTP interface, in the journey of a message.
"""

from __future__ import annotations

from collections.abc import Sequence


class GoipTwistError(Exception):
    """Everything that this package raises on purpose."""


class TryLater(GoipTwistError):
    """
    The far side could not take the message now. Keep it queued.

    @ivar after: seconds the far side asked us to wait, or C{None}.
    @ivar attempted: false where the far side never had the message in hand
        (a line that is away, a server that does not answer), so that no
        attempt is used up by its absence.
    """

    def __init__(self, reason: str, *, after: float | None = None, attempted: bool = True) -> None:
        super().__init__(reason)
        self.after = after
        self.attempted = attempted


class Away(TryLater):
    """
    The far side is not there at all: nothing listens, or its name is not
    known. Whether the settings are right cannot be told now.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason, attempted=False)


class NotRunning(GoipTwistError):
    """The gateway does not run, as in C{--check-config}, and cannot do that."""


class Refused(GoipTwistError):
    """The far side will never take this message. Tell the sender and stop."""


class Unsure(GoipTwistError):
    """
    The text may or may not have gone out. Never repeat it on your own: a
    second copy of an alarm is worse than a question to the operator.
    """


class Unacceptable(GoipTwistError):
    """
    A submission is wrong in itself, and nothing of it was kept.

    @ivar field: the name of the part that is wrong, as the submitter knows it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class Conflict(GoipTwistError):
    """The same client id was used before, for another message."""


class Busy(GoipTwistError):
    """
    Too much is waiting already; nothing was kept.

    @ivar after: seconds after which another try makes sense.
    """

    def __init__(self, reason: str, *, after: float) -> None:
        super().__init__(reason)
        self.after = after


class Forbidden(GoipTwistError):
    """This submitter may not do that; nothing was kept."""


class OverQuota(Busy):
    """The submitter has used up what it may send in a day; nothing was kept."""


class StoreUnavailable(GoipTwistError):
    """
    The store could not commit: a full disk, a locked file. Nothing of the
    group was kept, and nobody may be told yes.
    """


class BadConfiguration(GoipTwistError):
    """
    The settings are wrong. The text has one line per problem, each naming the
    file, the key, what was meant and the cure.

    @ivar problems: those lines.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
