"""
What is wrong with a request, by number. Pure.

The numbers up to 307 are those of a sister product (ozekiphone.com p_4235),
for the gateway's own were never published; the others are our choice. In the
compatible mode every refusal is an HTTP 200.
"""

from __future__ import annotations

from http import HTTPStatus

from goiptwist.errors import (
    Busy,
    Conflict,
    Forbidden,
    GoipTwistError,
    StoreUnavailable,
    Unacceptable,
)

#: There is no such action.
UNKNOWN_ACTION = 301
#: A parameter is missing, or cannot be what it is.
WRONG_PARAMETER = 302
#: Nobody said who is asking.
LOGIN_NEEDED = 304
#: Nobody has this name and password.
WRONG_LOGIN = 305
#: The user may not do that.
USER_FORBIDDEN = 306
#: The user may not come from that address.
ADDRESS_FORBIDDEN = 307
#: Our choice: too many wrong passwords, more than the user may send in a day,
#: or more at once than the gateway takes.
TOO_MUCH = 429
#: Our choice: the gateway cannot keep it now; the same may succeed later.
TRY_LATER = 503
#: Our choice: a fault of the gateway.
OUR_FAULT = 500

_STATUS = {
    UNKNOWN_ACTION: HTTPStatus.BAD_REQUEST,
    WRONG_PARAMETER: HTTPStatus.BAD_REQUEST,
    LOGIN_NEEDED: HTTPStatus.UNAUTHORIZED,
    WRONG_LOGIN: HTTPStatus.UNAUTHORIZED,
    USER_FORBIDDEN: HTTPStatus.FORBIDDEN,
    ADDRESS_FORBIDDEN: HTTPStatus.FORBIDDEN,
    TOO_MUCH: HTTPStatus.TOO_MANY_REQUESTS,
    TRY_LATER: HTTPStatus.SERVICE_UNAVAILABLE,
    OUR_FAULT: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class Refusal(GoipTwistError):
    """
    The answer to a whole request is no.

    @ivar number: one of those above.
    @ivar after: seconds after which another try makes sense; 0 is never.
    """

    def __init__(self, number: int, sentence: str, *, after: float = 0.0) -> None:
        super().__init__(sentence)
        self.number = number
        self.sentence = sentence
        self.after = after

    @property
    def status(self) -> int:
        """What HTTP would say, in the strict mode."""
        return _STATUS[self.number].value


def wrong(sentence: str) -> Refusal:
    """A parameter is at fault."""
    return Refusal(WRONG_PARAMETER, sentence)


def refusal_of(error: BaseException) -> Refusal | None:
    """@return: what an error of the gateway means here; C{None} where it is a bug."""
    match error:
        case Refusal():
            return error
        case Unacceptable() | Conflict():
            return wrong(str(error))
        case Forbidden():
            return Refusal(USER_FORBIDDEN, str(error))
        case Busy():
            return Refusal(TOO_MUCH, str(error), after=error.after)
        case StoreUnavailable():
            return Refusal(TRY_LATER, str(error), after=5.0)
    return None
