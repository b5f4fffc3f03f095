"""The keys of the HTTP interface."""

from __future__ import annotations

from attrs import frozen

from goiptwist.values import HostPort, setting


@frozen(kw_only=True)
class HttpSettings:
    """C{[http]}"""

    listen: HostPort | None = setting(
        "Where HTTP is spoken, host:port; empty is nowhere. It is clear text: leave it on this "
        "machine, or put a proxy with TLS before it.",
        default=HostPort("127.0.0.1", 8080),
    )
