"""
Clients of the HTTP interface: each has one connection, and sends its next
request when the one before is answered. They read no more of an answer than
they must, so that they cost little.
"""

from __future__ import annotations

import json
import time
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from bench.figures import latencies
from bench.gatewayside import TOKEN
from bench.orders import obey

core: Any = reactor


def submission(number: int) -> dict[str, str]:
    """A text as long as most."""
    return {
        "to": f"+3630{number % 10_000_000:07}",
        "text": f"Message {number}: a text as long as most that people and machines send.",
    }


def request(path: str, document: object) -> bytes:
    """A whole request as bytes."""
    body = json.dumps(document).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client(Protocol):
    """
    One connection.

    @ivar took: seconds that each answer took.
    """

    def __init__(self) -> None:
        self.took: list[float] = []
        self._heard = b""
        self._missing = -1
        self._answered: Deferred[None] | None = None

    async def post(self, data: bytes) -> None:
        """Send a request, and wait for its answer, which must be a 202."""
        began = time.monotonic()
        self._answered = answered = Deferred()
        self._heard, self._missing = b"", -1
        self.transport.write(data)  # type: ignore[union-attr]
        await answered
        if not self._heard.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(self._heard[:1000].decode("utf-8", "replace"))
        self.took.append(time.monotonic() - began)

    def dataReceived(self, data: bytes) -> None:
        if self._missing < 0:
            self._heard += data
            head, end, body = self._heard.partition(b"\r\n\r\n")
            if not end:
                return
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._missing = int(length) - len(body)
        else:
            self._missing -= len(data)
        if self._missing <= 0 and self._answered is not None:
            answered, self._answered = self._answered, None
            answered.callback(None)


async def _connected(port: int) -> Client:
    client: Client = await connectProtocol(TCP4ClientEndpoint(core, "127.0.0.1", port), Client())
    return client


async def _single(client: Client, until: float, first: int) -> None:
    number = first
    while time.monotonic() < until:
        await client.post(request("/api/v1/messages", submission(number)))
        number += 1


async def singles(port: int, clients: int, seconds: float) -> dict[str, Any]:
    """@return: how many requests a second there were, and what they took."""
    open_ones = [await _connected(port) for _ in range(clients)]
    began = time.monotonic()
    sending = [
        Deferred.fromCoroutine(_single(client, began + seconds, 100_000 * place))
        for place, client in enumerate(open_ones)
    ]
    for fine, outcome in await DeferredList(sending, consumeErrors=True):
        if not fine:
            outcome.raiseException()
    took = [one for client in open_ones for one in client.took]
    for client in open_ones:
        client.transport.loseConnection()  # type: ignore[union-attr]
    passed = time.monotonic() - began
    return {"answers": len(took), "per_second": len(took) / passed, **latencies(took)}


async def batch(port: int, many: int) -> dict[str, Any]:
    """@return: how many messages a second one request brings."""
    data = request(
        "/api/v1/messages/batch", {"messages": [submission(number) for number in range(many)]}
    )
    client = await _connected(port)
    await client.post(data)
    client.transport.loseConnection()  # type: ignore[union-attr]
    return {"per_second": many / client.took[0]}


def main() -> None:
    """Take orders."""
    obey(
        {
            "singles": lambda **how: Deferred.fromCoroutine(singles(**how)),
            "batch": lambda **how: Deferred.fromCoroutine(batch(**how)),
        },
        {},
    )
    core.run()


if __name__ == "__main__":
    main()
