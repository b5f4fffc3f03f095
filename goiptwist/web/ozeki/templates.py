"""
URLs with keywords in them (C{reporturl}, C{redirecturl}). Pure.

A keyword is a dollar sign and letters, in any case: C{$messageid}. Ozeki's page
on them (p_2431) could be read in part only: C{$originator}, C{$recipient},
C{$messageid}, C{$messagetype}, C{$messagedata} and C{$senttime} are its names;
C{$statuscode}, C{$statusmessage}, C{$status} and C{$receivedtime} are our
choice, as is what they say. Every value is percent-encoded, so it cannot end
the place that the template has for it. What is no keyword stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from urllib.parse import quote, urlsplit

from goiptwist.message import Message, State
from goiptwist.web.ozeki.refusals import wrong

#: Characters of a URL that browsers, proxies and servers agree to take.
LONGEST_URL = 2000

_KEYWORD = re.compile(r"\$([A-Za-z]+)")
_NO_URL = re.compile(r"[^\x21-\x7e]|[\"<>\\^`{|}]")

#: How dates are written everywhere in this dialect: local time.
_TIME = "%Y-%m-%d %H:%M:%S"

#: What C{$statuscode} is: 0 is well, as in an accept report.
_WELL = (State.SENT, State.QUEUED, State.SENDING)


def time_of(at: float, zone: tzinfo | None = None) -> str:
    """
    @param at: seconds since the epoch.
    @param zone: C{None} is that of this machine.
    """
    return datetime.fromtimestamp(at, zone).strftime(_TIME)


def checked_url(name: str, url: str) -> str:
    """
    A template as a client gave it.

    @param name: of the parameter.
    @raise Refusal: it is no URL of http or https, or leaves the host open.
    """
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname)
        fits = fits and (parts.port is None or parts.port > 0) and "$" not in parts.netloc
    except ValueError:
        fits = False
    if not fits or len(url) > LONGEST_URL or _NO_URL.search(url):
        raise wrong(f"{name} must be a URL that begins with http:// or https:// and a host")
    return url


def filled(template: str, keywords: Mapping[str, str]) -> str:
    """The URL that a template becomes."""

    def value(match: re.Match[str]) -> str:
        known = keywords.get(match[1].lower())
        return match[0] if known is None else quote(known, safe="", errors="replace")

    return _KEYWORD.sub(value, template)


def keywords_of(message: Message, zone: tzinfo | None = None) -> dict[str, str]:
    """Everything that a report on a message can say, by its keyword."""
    words = message.report or message.state.value
    fell = message.state not in _WELL or message.report == "undelivered"
    return {
        "originator": message.sender,
        "recipient": message.recipient,
        "messageid": message.id,
        "messagetype": "SMS:TEXT",
        "messagedata": message.text,
        "senttime": time_of(message.at, zone),
        "receivedtime": time_of(message.at, zone),
        "statuscode": "1" if fell else "0",
        "statusmessage": f"{words}: {message.reason}" if message.reason else words,
        "status": words,
    }


def context_of(url: str) -> str:
    """What is kept with a message, for whoever calls the URL later; or empty."""
    return json.dumps({"kind": "reporturl", "url": url}) if url else ""


def url_of(context: str) -> str:
    """The template in what was kept with a message; or empty."""
    try:
        found = json.loads(context)
    except ValueError:
        return ""
    if not isinstance(found, dict) or found.get("kind") != "reporturl":
        return ""
    url = found.get("url")
    return url if isinstance(url, str) else ""
