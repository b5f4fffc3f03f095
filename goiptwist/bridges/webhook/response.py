"""What follows from the response of a receiver."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from attrs import frozen

from goiptwist.errors import Refused, TryLater
from goiptwist.model.delivery import Delivered

#: The longest that a receiver may ask us to wait, in seconds: a day, of the
#: days for which we try.
LONGEST_WAIT = 86400.0
#: Characters of an answer that are worth keeping.
WORTH_KEEPING = 120


@frozen
class WebhookResponse:
    """
    @ivar code: the status.
    @ivar body: as much of it as came.
    @ivar retry_after: the header of that name, or empty.
    """

    code: int
    body: bytes = b""
    retry_after: str = ""


def delivered_by(response: WebhookResponse, where: str, now: float) -> Delivered:
    """
    @param where: what to call the receiver.
    @param now: seconds since the epoch.
    @raise TryLater: anything but a 2xx is to be repeated, says Standard
        Webhooks, section "Delivery"; only 410 is final.
    @raise Refused: 410.
    """
    code = response.code
    if 200 <= code < 300:
        return Delivered(detail=f"{where} answered {code}")
    if code == 410:
        raise Refused(f"{where} answered 410: it wants no more")
    if 300 <= code < 400:
        raise TryLater(f"{where} answered {code}, and redirects are not followed: correct the url")
    reason = snippet(response.body)
    after = seconds_of(response.retry_after, now) if code in (429, 503) else None
    raise TryLater(f"{where} answered {code}{': ' if reason else ''}{reason}", after=after)


def seconds_of(retry_after: str, now: float) -> float | None:
    """
    How long to wait (RFC 9110 section 10.2.3: seconds, or a date).

    @return: 0 to L{LONGEST_WAIT}; C{None} where nothing sensible is said.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return max(0.0, min(at - now, LONGEST_WAIT))


def snippet(body: bytes) -> str:
    """The beginning of an answer, as it may stand in a log."""
    text = body[: WORTH_KEEPING * 4].decode("utf-8", "replace")
    readable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(readable.split())[:WORTH_KEEPING]
