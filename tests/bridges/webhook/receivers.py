"""Receivers of callbacks on loopback: honest ones, and those that are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from attrs import define, field
from standardwebhooks import Webhook
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.protocols.policies import WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from goiptwist.bridges.webhook.bridge import WebhookBridge
from goiptwist.bridges.webhook.settings import WebhookSettings
from goiptwist.config.values import Password
from goiptwist.testing.stubs import StandInGateway

#: For the standardwebhooks library: whsec_ and 24 bytes in base64.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
core: Any = reactor


def bridge_for(url: str, **keys: Any) -> WebhookBridge:
    """A bridge that may call this machine."""
    keys = {"secret": Password(SECRET), "private": True, "timeout": 5.0, **keys}
    return WebhookBridge("hooks", WebhookSettings(url=url, **keys), StandInGateway(core, core))


@define
class ReceivedCallback:
    """What a receiver was sent."""

    method: str
    uri: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str | bytes = SECRET) -> Any:
        """What the library of Standard Webhooks reads, if the signature is right."""
        return Webhook(secret).verify(self.body, self.headers)


@define(eq=False)
class LoopbackPort:
    """A listening port that knows its connections, so that none is left open."""

    factory: Any
    number: int = 0
    port: Any = field(init=False, default=None)
    connections: Any = field(init=False, default=None)
    secure: Any = field(init=False, default=None)

    def open(self) -> None:
        self.connections = WrappingFactory(self.factory)
        listen = core.listenTCP
        more = {} if self.secure is None else {"contextFactory": self.secure}
        if more:
            listen = core.listenSSL
        self.port = listen(self.number, self.connections, interface="127.0.0.1", **more)
        self.number = self.port.getHost().port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.number}/hook"

    async def close(self) -> None:
        """Nothing is open any more afterwards."""
        await self.port.stopListening()
        for protocol in list(self.connections.protocols):
            protocol.transport.abortConnection()
        await until(lambda: not self.connections.protocols)


class CallbackReceiver(Resource):
    """Takes callbacks, and answers as it is told."""

    isLeaf = True

    def __init__(self, code: int = 204, body: bytes = b"", **headers: str) -> None:
        super().__init__()
        self.calls: list[ReceivedCallback] = []
        self.code, self.said, self.headers = code, body, headers
        self.answer: Callable[[ReceivedCallback], int] = lambda call: self.code
        self.port = LoopbackPort(Site(self))
        self.port.open()
        self.url = self.port.url

    def render(self, request: Any) -> Any:
        headers = {
            name.decode().lower(): values[0].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        body = request.content.read()
        call = ReceivedCallback(request.method.decode(), request.uri.decode(), headers, body)
        self.calls.append(call)
        code = self.answer(call)
        if code == 0:  # never
            return NOT_DONE_YET
        request.setResponseCode(code)
        for name, value in self.headers.items():
            request.setHeader(name.replace("_", "-"), value)
        return self.said

    async def close(self) -> None:
        await self.port.close()


class Hostile(Protocol):
    """Sends what it was given as soon as it is asked, again and again if it is told to."""

    def __init__(self, said: bytes, again: bytes, hangs_up: bool) -> None:
        self.said, self.again, self.hangs_up = said, again, hangs_up
        self.done = False
        self.sent = 0

    def dataReceived(self, data: bytes) -> None:
        if self.done:
            return
        self.done = True
        transport: Any = self.transport
        transport.write(self.said)
        if self.again:
            transport.registerProducer(self, False)
        elif self.hangs_up:
            transport.loseConnection()

    def resumeProducing(self) -> None:
        transport: Any = self.transport
        self.sent += len(self.again)
        transport.write(self.again)

    def stopProducing(self) -> None:
        self.again = b""

    def connectionLost(self, reason: Any = None) -> None:
        transport: Any = self.transport
        if self.again:
            transport.unregisterProducer()


def hostile(said: bytes, again: bytes = b"", hangs_up: bool = True) -> LoopbackPort:
    """A server that says this."""
    port = LoopbackPort(Factory.forProtocol(lambda: Hostile(said, again, hangs_up)))  # type: ignore[arg-type]
    port.open()
    return port


def free_port() -> int:
    """A port on which nobody listens."""
    port = core.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
    number: int = port.getHost().port
    port.stopListening()
    return number


async def until(true: Callable[[], Any], work: Callable[[], None] = lambda: None) -> None:
    """Let the network work until something is so."""
    for _ in range(1000):
        if true():
            return
        work()
        await deferLater(core, 0.005, lambda: None)
    raise AssertionError("it never came so far")


def fires(value: Any) -> Deferred[Any]:
    return Deferred.fromCoroutine(value)
