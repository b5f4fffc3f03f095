"""URLs: which ones are called, and those that a submission names itself."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from goiptwist.message import News

#: Characters of a URL: what servers take in a request line.
LONGEST = 8000

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_.])?|[0-9A-Fa-f:.]+")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NOT_IN_URLS = re.compile(r'[\\"<>^`{|}]')

_KEYWORDS = (
    "messageid",
    "recipient",
    "originator",
    "messagedata",
    "messagetype",
    "statusmessage",
    "status",
    "senttime",
)
_KEYWORD = re.compile(rf"\$({'|'.join(_KEYWORDS)})")


def fault_of(url: str) -> str:
    """@return: why a URL is not called, in words, or an empty text."""
    if not _PRINTABLE.fullmatch(url) or _NOT_IN_URLS.search(url):
        return "must be a URL in plain ASCII; write other characters as %XX, or a domain as xn--..."
    if len(url) > LONGEST:
        return f"is longer than {LONGEST} characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "must be a URL, such as https://hooks.example.org/sms"
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        return "must be a URL, such as https://hooks.example.org/sms"
    if "@" in parts.netloc:
        return "must not hold a name and password: URLs are logged; the signature proves who we are"
    if "#" in url:
        return "must not hold a # and what follows it: no server would see it"
    return "has port 0" if port == 0 else ""


def place_of(url: str) -> str:
    """Host and port: the part of a URL that may stand in a log."""
    return urlsplit(url).netloc


def report_url(context: str) -> str:
    """
    @param context: of a submission.
    @return: the URL that it wants called, with its keywords; or an empty text.
    """
    if not context.startswith("{"):
        return ""
    try:
        said = json.loads(context)
    except ValueError:
        return ""
    if not isinstance(said, dict) or said.get("kind") != "reporturl":
        return ""
    url = said.get("url")
    return url if isinstance(url, str) else ""


def filled_in(template: str, news: News) -> str:
    """
    A report URL with its keywords (C{$messageid}, ...) filled in, so that
    nothing in them can be taken for a part of the URL.
    """
    message = news.message
    values = {
        "messageid": message.id,
        "recipient": message.recipient,
        "originator": message.sender,
        "messagedata": message.text,
        "messagetype": "SMS:TEXT",
        "status": news.what,
        "statusmessage": news.reason,
        "senttime": datetime.fromtimestamp(news.at, UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }
    return _KEYWORD.sub(lambda found: _quoted(values[found[1]]), template)


def _quoted(value: str) -> str:
    return quote(value, safe="", errors="replace")
