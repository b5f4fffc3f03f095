"""
Report URLs: a client names a URL with keywords in it, and it is called with
what becomes of the message. Pure.

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
from urllib.parse import quote

from goiptwist.model.messages import Message, State
from goiptwist.model.notifications import Notification

_KEYWORD = re.compile(r"\$([A-Za-z]+)")

#: How dates are written everywhere in this dialect: local time.
_TIME = "%Y-%m-%d %H:%M:%S"

#: What C{$statuscode} is: 0 is well, as in an accept report.
_WELL = (State.SENT, State.QUEUED, State.SENDING, State.RECEIVED, State.DELIVERED, State.KEPT)


def time_of(at: float, zone: tzinfo | None = None) -> str:
    """
    @param at: seconds since the epoch.
    @param zone: C{None} is that of this machine.
    """
    return datetime.fromtimestamp(at, zone).strftime(_TIME)


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
        "messagedata": message.alarm or message.text,
        "senttime": time_of(message.at, zone),
        "receivedtime": time_of(message.at, zone),
        "statuscode": "1" if fell else "0",
        "statusmessage": f"{words}: {message.reason}" if message.reason else words,
        "status": words,
    }


def context_of(url: str) -> str:
    """What is kept with a message for the bridge that calls the URL later; or empty."""
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


def filled_with_status(
    template: str, notification: Notification, zone: tzinfo | None = None
) -> str:
    """The URL that says what became of a message."""
    keywords = keywords_of(notification.message, zone)
    keywords["receivedtime"] = time_of(notification.at, zone)
    keywords["status"] = notification.status
    status, reason = notification.status, notification.reason
    keywords["statuscode"] = "0" if status in ("sent", "delivered", "delayed") else "1"
    keywords["statusmessage"] = f"{status}: {reason}" if reason else status
    return filled(template, keywords)
