"""
URLs with keywords in them (C{reporturl}, C{redirecturl}), as a client gives
them; see L{goiptwist.messaging.report_urls}. Pure.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from goiptwist.web.ozeki.refusals import wrong

#: Characters of a URL that browsers, proxies and servers agree to take.
LONGEST_URL = 2000

_NO_URL = re.compile(r"[^\x21-\x7e]|[\"<>\\^`{|}]")


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
