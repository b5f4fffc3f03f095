"""
Pages of others: a browser that has a password for us would send it along with
whatever a foreign page makes it send. Programs are no browsers, and say nothing of it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from goiptwist.web.http.problems import Problem

#: Values of Sec-Fetch-Site (W3C Fetch Metadata) of what another page begins.
_FOREIGN = (b"cross-site", b"same-site")

_REFUSED = "this comes from another page than one of ours"


def check_host(request: Any) -> None:
    """
    RFC 9112 section 3.2: a request of HTTP/1.1 has one Host, and nobody must be able to
    tell us by a second one what another reads in the first.

    @raise Problem: it has none, or several.
    """
    hosts = request.requestHeaders.getRawHeaders(b"Host", [])
    if len(hosts) > 1 or (not hosts and request.clientproto != b"HTTP/1.0"):
        raise Problem(400, "there must be one Host header, and no second one")


def check_origin(request: Any) -> None:
    """
    For what changes something. Old browsers send only Origin, of which the host is
    compared with ours as the browser knows it.

    @raise Problem: a page of somebody else has made a browser send it.
    """
    headers = request.requestHeaders
    site = headers.getRawHeaders(b"Sec-Fetch-Site", [])
    if site:
        if any(value.strip().lower() in _FOREIGN for value in site):
            raise Problem(403, _REFUSED)
        return
    for origin in headers.getRawHeaders(b"Origin", []):
        if _host_of(origin) not in _own_hosts(request):
            raise Problem(403, _REFUSED)


def _own_hosts(request: Any) -> set[str]:
    """Our name, and that which a reverse proxy was asked for: no page can set either."""
    headers = request.requestHeaders
    names = (b"Host", b"X-Forwarded-Host")
    values = [value for name in names for value in headers.getRawHeaders(name, [])]
    return {value.decode("latin-1").strip().lower() for value in values}


def _host_of(origin: bytes) -> str:
    try:
        return urlsplit(origin.decode("latin-1").strip().lower()).netloc
    except ValueError:
        return ""
