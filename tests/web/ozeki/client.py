"""A client of the dialect without sockets, and the gateway that it asks."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

from attrs import define
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.secrets import Secret
from goiptwist.accounts.users import User
from goiptwist.config.values import Network
from goiptwist.model.messages import Direction, Message, State
from goiptwist.model.status import LineStatus
from goiptwist.web.http.authentication import RequestAuthenticator
from goiptwist.web.http.site import Site
from goiptwist.web.ozeki.dialect import OzekiDialect
from goiptwist.web.root import RootResource
from goiptwist.web.v1.api import Api
from tests.web.fakes import at_once
from tests.web.powers import NOON, FakeGateway

#: As in the seed; and others who may less.
USERS = [
    User(name="httptest", password=Secret.from_setting("abc123")),
    User(name="reader", password=Secret.from_setting("only looks"), may=("read",)),
    User(name="sender", password=Secret.from_setting("only sends"), may=("send",)),
    User(
        name="near",
        password=Secret.from_setting("abc123"),
        networks=(Network.from_setting("192.0.2.0/24"),),
    ),
    User(name="tokens", token=Secret.from_setting("a-token")),
]
LOGIN = {"username": "httptest", "password": "abc123"}
TEXT = {"recipient": "06201234567", "messagedata": "1113,18,1,123,03,003"}


@define
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)

    @property
    def codes(self) -> list[str]:
        """The status code of each accept report."""
        return [found.text or "" for found in self.xml.iterfind("data/acceptreport/statuscode")]

    @property
    def error(self) -> tuple[str | None, str]:
        """Number and sentence of a refusal."""
        assert self.xml.findtext("action") == "error"
        return self.xml.findtext("data/errorcode"), self.xml.findtext("data/errormessage") or ""


def arrived(number: int, text: str = "Door open") -> Message:
    """One SMS that came in."""
    return Message(
        id=f"in{number}",
        direction=Direction.IN,
        line="goip1",
        sender="+36301234567",
        text=text,
        at=NOON + number,
        state=State.DELIVERED,
    )


class Asking:
    """A site over a fake gateway, and its clients, one connection for each request."""

    def __init__(self, *, strict: bool = False, reports_by: str = "", gateway: Any = None) -> None:
        """@param gateway: of a gateway that is no fake."""
        if gateway is None:
            self._fake()
        else:
            self.gateway = gateway
        self.clock = Clock()
        accounts = Authenticator(USERS, self.clock, at_once)
        access = RequestAuthenticator(accounts)
        dialect = OzekiDialect(
            self.gateway, access, at_once, strict=strict, zone=UTC, reports_by=reports_by
        )
        doors = RootResource(Api(self.gateway, accounts, self.clock, ["ops"]).resource(), dialect)
        self.site = Site(doors, self.clock, doors.leniency)

    def _fake(self) -> None:
        self.gateway = FakeGateway()
        self.gateway.lines.states = [
            LineStatus(id="goip1", pool="default", presence="present"),
            LineStatus(id="goip2", pool="alarms", presence="present"),
        ]
        self.gateway.clock.advance(NOON)

    def raw(self, *pieces: bytes, host: str = "127.0.0.1") -> bytes:
        """@return: all that is heard after these bytes were said."""
        transport = StringTransport(peerAddress=IPv4Address("TCP", host, 1))
        channel: Any = self.site.buildProtocol(None)
        channel.makeConnection(transport)
        for piece in pieces:
            channel.dataReceived(piece)
        channel.connectionLost(Failure(ConnectionDone()))
        assert self.site.room.taken == 0
        return transport.value()

    def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
    ) -> Reply:
        lines = [f"{method} {target} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        said = self.raw("\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body, host=host)
        head, _, content = said.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        found = dict(line.split(": ", 1) for line in rest)
        assert int(found["Content-Length"]) == len(content)
        return Reply(int(first.split(" ")[1]), found, content)

    def get(self, given: Mapping[str, str] | str, host: str = "127.0.0.1") -> Reply:
        query = given if isinstance(given, str) else urlencode(given)
        return self.ask("GET", f"/api?{query}", host=host)

    def send(self, **more: str) -> Reply:
        """The request of the seed, but for what is given."""
        return self.get({"action": "sendmessage", **LOGIN, **TEXT, **more})

    def receive(self, **more: str) -> Reply:
        return self.get({"action": "receivemessage", **LOGIN, **more})

    def post(self, given: Mapping[str, str] | bytes, query: str = "", **headers: str) -> Reply:
        body = given if isinstance(given, bytes) else urlencode(given).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", f"/api{query}", body, {**kind, **headers})

    def json(
        self,
        action: str,
        document: Any = None,
        login: tuple[str, str] | None = ("httptest", "abc123"),
        *,
        method: str = "POST",
        more: str = "",
        **headers: str,
    ) -> Reply:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        sent = {"Content-Type": "application/json", **headers}
        if login is not None:
            sent["Authorization"] = "Basic " + b64encode(":".join(login).encode()).decode()
        return self.ask(method, f"/api?action={action}{more}", body, sent)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Recipient and text of everything that was submitted."""
        return [(s.recipients[0], s.text) for s in self.gateway.messages.submissions]
