"""Times as HTTP writes them: ISO 8601, in the profile of RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
#: A plus sign that a query has made a blank of.
_LOST_PLUS = re.compile(r" (?=\d\d:\d\d$)")


#: What a time before the epoch is taken for: 0 stands for none at all.
LONG_AGO = 1.0


def format_timestamp(at: float) -> str:
    """@return: ISO 8601 in UTC with milliseconds, such as C{2024-02-29T12:00:00.000Z}."""
    parse_timestamp = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
    return parse_timestamp.isoformat(timespec="milliseconds") + "Z"


def parse_timestamp(given: object) -> float:
    """
    @return: seconds since the epoch.
    @raise ValueError: it is no time with an offset, in words.
    """
    if not isinstance(given, str):
        raise ValueError("must be a text such as 2027-01-31T08:00:00+01:00")  # noqa: TRY004
    text = _LOST_PLUS.sub("+", given)
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError  # noqa: TRY301
        at = datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(
            "must be a time with its offset, such as 2027-01-31T08:00:00+01:00"
        ) from None
    return max(at, LONG_AGO)
