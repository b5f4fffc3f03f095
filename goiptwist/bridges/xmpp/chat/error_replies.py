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
class ErrorReply:
    """
    @ivar condition: RFC 6120 section 8.3.3.
    @ivar kind: C{auth}, C{cancel}, C{modify} or C{wait}.
    @ivar text: for the person.
    """

    condition: str
    kind: str
    text: str

    def as_error(self) -> StanzaError:
        """For the answer to an IQ."""
        return StanzaError(self.condition, self.kind, self.text)


class RejectedMessage(GoipTwistError):
    """
    A message that nothing can be done with; its writer is told why.

    @ivar reply: the answer to the writer.
    """

    def __init__(self, condition: str, kind: str, text: str) -> None:
        super().__init__(text)
        self.reply = ErrorReply(condition, kind, text)


def error_reply(error: GoipTwistError) -> ErrorReply:
    """What to say of an error of the gateway."""
    text = str(error)
    match error:
        case RejectedMessage():
            return error.reply
        case Forbidden():
            return ErrorReply("forbidden", "auth", text)
        case Busy():
            wait = f"{text}; try again in {max(1, round(error.after))} seconds"
            return ErrorReply("resource-constraint", "wait", wait)
        case Unacceptable(field="to" | "line" | "pool"):
            return ErrorReply("item-not-found", "cancel", text)
        case Unacceptable():
            return ErrorReply("not-acceptable", "modify", text)
        case Conflict():
            return ErrorReply("conflict", "cancel", text)
        case _:
            return ErrorReply("internal-server-error", "wait", f"{text}; try again later")


#: What each of L{goiptwist.model.subscriptions.STATUSES} that is bad becomes, with a text.
_BY_STATUS = {
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
#: Of these a writer is notified unasked.
FAILURES = tuple(_BY_STATUS)


def failure_reply(notification: Notification) -> ErrorReply | None:
    """What to say of what became of an SMS; C{None} where nothing went wrong."""
    if notification.status not in _BY_STATUS:
        return None
    condition, kind, text = _BY_STATUS[notification.status]
    return ErrorReply(
        condition, kind, f"{text}: {notification.reason}" if notification.reason else text
    )
