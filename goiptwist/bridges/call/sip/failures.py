"""
What a refusal by SIP means for an alarm that waits (RFC 3261 section 21). Pure.
"""

from __future__ import annotations

from goiptwist.bridges.call.sip.messages import Response
from goiptwist.errors import GoipTwistError, Refused, TryLater

#: Seconds until a password that was refused is tried again: an exchange may
#: lock out a client that is quicker.
SLOWLY = 900.0
#: Nobody is there under this address, or nobody who takes our audio; and none
#: of that changes by asking again.
FINAL = frozenset({404, 410, 416, 484, 485, 488, 604, 606})
#: The longest pause that another side can ask for, in seconds.
LONGEST_PAUSE = 3600.0


def status_of(answer: Response) -> str:
    """An answer as a person reads it: its code and its phrase."""
    phrase = "".join(letter for letter in answer.phrase if letter.isprintable())[:60]
    return f"{answer.code} {phrase}".strip()


def error_for(answer: Response, what: str, tried_password: bool) -> GoipTwistError:
    """
    @param what: who said no, such as C{the call to 9999}.
    @param tried_password: whether we had said who we are.
    """
    status = status_of(answer)
    if answer.code in (401, 403, 407):
        return _password(answer, what, status, tried_password)
    if 300 <= answer.code < 400:
        where = str(answer.contact[0].uri) if answer.contact else "elsewhere"
        return Refused(f"{what} was sent on to {where} ({status}): put that into uri")
    if answer.code in FINAL:
        return Refused(f"{what} was refused for good: {status}")
    after = answer.headers.get("Retry-After") or ""
    digits = after.split(";")[0].split("(")[0].strip()
    pause = min(float(digits), LONGEST_PAUSE) if digits.isascii() and digits.isdigit() else None
    return TryLater(f"{what} was turned down: {status}", after=pause)


def _password(answer: Response, what: str, status: str, tried: bool) -> GoipTwistError:
    if tried:
        cure = "check username and password"
    elif answer.code == 403:
        cure = "the other side does not let us call; does it want a username and a password?"
    else:
        cure = "the other side wants a username and a password"
    return TryLater(f"{what} was refused: {status}; {cure}", after=SLOWLY)
