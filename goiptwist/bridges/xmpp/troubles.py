"""
What went wrong, as the error stanza that says so (RFC 6120 section 8.3.3), and
what became of an SMS, as the same.
"""

from __future__ import annotations

from attrs import frozen
from twisted.words.protocols.jabber.error import StanzaError

from goiptwist.errors import Busy, Conflict, Forbidden, GoipTwistError, Unacceptable
from goiptwist.model.notifications import Notification


@frozen
class Trouble:
    """
    @ivar condition: RFC 6120 section 8.3.3.
    @ivar kind: C{auth}, C{cancel}, C{modify} or C{wait}.
    @ivar words: for the person.
    """

    condition: str
    kind: str
    words: str

    def as_error(self) -> StanzaError:
        """For the answer to an IQ."""
        return StanzaError(self.condition, self.kind, self.words)


class Unwelcome(GoipTwistError):
    """
    A message that nothing can be done with; its writer is told why.

    @ivar trouble: what is said.
    """

    def __init__(self, condition: str, kind: str, words: str) -> None:
        super().__init__(words)
        self.trouble = Trouble(condition, kind, words)


def trouble_of(error: GoipTwistError) -> Trouble:
    """What to say of an error of the gateway."""
    words = str(error)
    match error:
        case Unwelcome():
            return error.trouble
        case Forbidden():
            return Trouble("forbidden", "auth", words)
        case Busy():
            wait = f"{words}; try again in {max(1, round(error.after))} seconds"
            return Trouble("resource-constraint", "wait", wait)
        case Unacceptable(field="to" | "line" | "pool"):
            return Trouble("item-not-found", "cancel", words)
        case Unacceptable():
            return Trouble("not-acceptable", "modify", words)
        case Conflict():
            return Trouble("conflict", "cancel", words)
        case _:
            return Trouble("internal-server-error", "wait", f"{words}; try again later")


#: What each of L{goiptwist.model.subscriptions.STATUSES} that is bad comes to, and in words.
_OF_NEWS = {
    "failed": ("service-unavailable", "cancel", "the SMS was not sent"),
    "expired": ("remote-server-timeout", "wait", "no line could send the SMS in time"),
    "unknown": (
        "remote-server-timeout",
        "wait",
        "the device went silent: nobody knows whether the SMS went out",
    ),
    "undelivered": ("recipient-unavailable", "cancel", "the SMS did not reach the handset"),
    "cancelled": ("undefined-condition", "cancel", "the SMS was withdrawn"),
}
#: What is told: failures always.
FAILURES = tuple(_OF_NEWS)


def trouble_in(news: Notification) -> Trouble | None:
    """What to say of what became of an SMS; C{None} where nothing went wrong."""
    if news.what not in _OF_NEWS:
        return None
    condition, kind, words = _OF_NEWS[news.what]
    return Trouble(condition, kind, f"{words}: {news.reason}" if news.reason else words)
