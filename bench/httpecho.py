"""The yardstick of HTTP: a bare Twisted site that says 202 to everything."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site

from bench.orders import obey

_ANSWER = b'{"messages":[{"id":"m-1","to":"+36301234567","state":"queued"}]}'


class Yes(Resource):
    """Nothing but the cost of Twisted and of the kernel."""

    isLeaf = True

    def render_POST(self, request: Any) -> bytes:
        request.content.read()
        request.setResponseCode(202)
        request.responseHeaders.setRawHeaders(b"content-type", [b"application/json"])
        return _ANSWER


class Quiet(Site):
    """Without an access log, as ours."""

    noisy = False

    def log(self, request: Any) -> None:
        pass


def main() -> None:
    """Listen on a free port, and tell which."""
    core: Any = reactor
    port = core.listenTCP(0, Quiet(Yes()), interface="127.0.0.1")
    obey({}, {"http": port.getHost().port})
    core.run()


if __name__ == "__main__":
    main()
