"""Users, and a client without sockets."""

from __future__ import annotations

import json
from typing import Any

from attrs import define
from treq.testing import StubTreq
from twisted.internet.defer import Deferred, ensureDeferred, execute
from twisted.internet.task import Clock
from twisted.web.client import ResponseNeverReceived

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.secrets import Secret
from goiptwist.accounts.users import User
from goiptwist.accounts.verification import DeferToThread
from goiptwist.config.values import Network
from goiptwist.web.v1.api import Api
from tests.accounts.test_secrets import CHEAP
from tests.web.powers import FakeGateway


def at_once(function: Any, *arguments: Any) -> Deferred[Any]:
    """Stands in for C{deferToThread}."""
    return execute(function, *arguments)


#: One user for each thing that a user may.
USERS = [
    User(name="ops", token=Secret.from_setting("ops-token")),
    User(name="sender", token=Secret.from_setting("send-token"), may=("send",)),
    User(name="reader", token=Secret.from_setting("read-token"), may=("read",)),
    User(name="hashed", token=Secret.from_setting(CHEAP)),
    User(name="admin", token=Secret.from_setting("admin-token"), may=("admin",)),
    User(
        name="near",
        token=Secret.from_setting("near-token"),
        password=Secret.from_setting("near-word:ő"),
        networks=(Network.from_setting("192.0.2.0/24"),),
    ),
    User(name="few", token=Secret.from_setting("few-token"), messages_a_day=100, segments_a_day=50),
]


@define
class Reply:
    """What came back, with its body read."""

    status: int
    phrase: bytes
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        values = self.headers.getRawHeaders(name)
        return None if values is None else ", ".join(values)


class Client:
    """
    Asks an L{Api} over a fake gateway.

    @ivar gateway: the gateway.
    @ivar clock: the clock of the API.
    """

    def __init__(
        self, *, token: str | None = "ops-token", defer_to_thread: DeferToThread = at_once
    ) -> None:
        self.gateway = FakeGateway()
        self.clock = Clock()
        self.token = token
        self.accounts = Authenticator(USERS, self.clock, defer_to_thread)
        self.api = Api(self.gateway, self.accounts, self.clock, ["crm"])
        self.stub = StubTreq(self.api.resource())

    def start(self, method: str, path: str, **more: Any) -> list[Reply]:
        """@return: a list in which the reply will be, once it is there."""
        replies: list[Reply] = []
        headers = dict(more.pop("headers", {}))
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        asking = ensureDeferred(self._ask(method, path, headers, more))
        asking.addCallbacks(replies.append, lambda failure: failure.trap(ResponseNeverReceived))
        self.stub.flush()
        return replies

    def hang_up(self) -> None:
        """Close every connection, whatever is waited for."""
        for pump in self.stub._agent._pumps:
            pump.clientIO.abortConnection()
        self.stub.flush()

    async def _ask(self, method: str, path: str, headers: Any, more: Any) -> Reply:
        url = f"http://gateway.example{path}"
        response = await self.stub.request(method, url, headers=headers, **more)
        body = await self.stub.content(response)
        return Reply(response.code, response.phrase, response.headers, body)

    def ask(self, method: str, path: str, **more: Any) -> Reply:
        """@return: the reply, which must be there without waiting."""
        [reply] = self.start(method, path, **more)
        return reply

    def get(self, path: str, **more: Any) -> Reply:
        return self.ask("GET", path, **more)

    def post(self, document: Any, path: str = "/api/v1/messages", **headers: str) -> Reply:
        """Submit a document as JSON, or bytes as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = {"Content-Type": "application/json", **headers}
        return self.ask("POST", path, data=body, headers=headers)
