"""Which URLs are called."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

#: Characters of a URL: what servers take in a request line.
LONGEST = 8000

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_.])?|[0-9A-Fa-f:.]+")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NOT_IN_URLS = re.compile(r'[\\"<>^`{|}]')


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
