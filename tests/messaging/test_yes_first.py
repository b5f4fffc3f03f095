"""
The yes leaves before anything else begins: whoever handed something in waits for
the disk, and for nobody's bridge.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.task import deferLater

from goiptwist.gateway import kinds as kinds_module
from goiptwist.gateway.service import GatewayService
from goiptwist.gateway.settings import read_settings
from goiptwist.messaging.events import BusEvent, EventBus
from goiptwist.model.messages import Message
from goiptwist.store import lock
from tests.faults.process import free_port
from tests.wire import Wire
from tests.world import Recorder, RecorderKind

core: Any = _reactor
RECEIVE = "RECEIVE:7;id:goipid1;password:password1;srcnum:1;msg:x"
MAIL = ("MAIL FROM:<a@example.org>", "RCPT TO:<+36301234567@sms.example.org>", "DATA")
CONTENT = b"From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n.\r\n"


class Computing(Recorder):
    """A bridge that takes a second for each message: meanwhile nothing leaves."""

    wire: Wire | None = None
    heard: list[bytes]

    async def deliver(self, message: Message) -> None:
        assert self.wire is not None
        self.heard = self.wire.hears()
        self.wire.clock.rightNow += 1.0
        await super().deliver(message)


def test_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The OK for an SMS has left when its bridge begins."""
    monkeypatch.setattr("tests.world.Recorder", Computing)
    wire = Wire(tmp_path, monkeypatch, bus=EventBus)
    bridge: Any = wire.recorders.made["ops"]
    bridge.wire = wire
    wire.registers()
    wire.arrives(RECEIVE)
    assert bridge.taken == []
    wire.clock.advance(0)
    assert len(bridge.taken) == 1
    assert bridge.heard == [b"RECEIVE 7 OK\n"]
    wire.close()


def test_group_after_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has a result of a group who does not know what the one before has changed."""
    wire = Wire(tmp_path, monkeypatch, bus=EventBus)
    wire.registers()
    kinds: list[str] = []
    wire.store.bus.subscribe(lambda event: kinds.append(event.kind))
    wire.arrives(RECEIVE)
    assert kinds == []
    wire.arrives(RECEIVE.replace(":7", ":8"))
    assert kinds == ["message.received"]
    wire.clock.advance(0)
    assert kinds == ["message.received"] * 2
    assert len(wire.recorder.taken) == 2
    wire.close()


class Client:
    """A program with a socket that the reactor knows nothing of."""

    def __init__(self, kind: int, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)

    def heard(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except BlockingIOError:
            return b""

    async def hears(self, word: bytes) -> None:
        found = b""
        for _ in range(500):
            found += self.heard()
            if word in found:
                return
            await deferLater(core, 0.01)
        raise AssertionError(f"{word!r} does not come: {found!r}")


async def device(ports: dict[str, int]) -> tuple[Client, bytes]:
    client = Client(socket.SOCK_DGRAM, ports["goip"])
    client.socket.send(b"req:1;id:goipid1;pass:password1;")
    await client.hears(b"reg:1")
    client.socket.send(RECEIVE.encode())
    return client, b"RECEIVE 7 OK\n"


async def http(ports: dict[str, int]) -> tuple[Client, bytes]:
    client = Client(socket.SOCK_STREAM, ports["http"])
    body = json.dumps({"to": ["+36301234567"], "text": "hello"}).encode()
    head = (
        "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\n"
        "Authorization: Bearer a-long-token\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    client.socket.send(head.encode() + body)
    return client, b"HTTP/1.1 202"


async def smtp(
    ports: dict[str, int], port: str = "smtp", hello: str = "EHLO"
) -> tuple[Client, bytes]:
    client = Client(socket.SOCK_STREAM, ports[port])
    await client.hears(b"220 ")
    for line, code in (
        (f"{hello} me", b"250 "),
        *zip(MAIL, (b"250 ", b"250 ", b"354 "), strict=True),
    ):
        client.socket.send(f"{line}\r\n".encode())
        await client.hears(code)
    client.socket.send(CONTENT)
    return client, b"250 "


async def lmtp(ports: dict[str, int]) -> tuple[Client, bytes]:
    return await smtp(ports, "lmtp", "LHLO")


@pytest.mark.real
@pytest.mark.parametrize("hand_in", [device, http, smtp, lmtp])
async def test_over_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hand_in: Any) -> None:
    """When the first part hears of it, the yes is at the other end of the socket."""
    kinds = [*kinds_module.connector_kinds(), RecorderKind()]
    monkeypatch.setattr(kinds_module, "connector_kinds", lambda: kinds)
    ports = {
        name: free_port(socket.SOCK_DGRAM if name == "goip" else socket.SOCK_STREAM)
        for name in ("goip", "http", "smtp", "lmtp")
    }
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    settings = read_settings(
        {
            "goip": {"listen": at["goip"]},
            "http": {"listen": at["http"]},
            "mail": {
                "listen": [at["smtp"]],
                "lmtp": [at["lmtp"]],
                "domain": "sms.example.org",
                "trusted": ["127.0.0.1"],
            },
            "line": [{"id": "goipid1", "password": "password1"}],
            "user": [{"name": "ops", "token": "a-long-token", "may": ["send"]}],
            "bridge": {"ops": {"kind": "recorder"}},
        },
        "test",
    )
    service = GatewayService(settings, tmp_path, lock(tmp_path), core)
    service.startService()
    try:
        seen: list[bytes] = []
        clients: list[Client] = []

        def happened(event: BusEvent) -> None:
            if event.kind in ("message.received", "message.queued"):
                seen.append(clients[0].heard())

        service.gateway.store.bus.subscribe(happened)
        client, yes = await hand_in(ports)
        clients.append(client)
        for _ in range(500):
            if seen:
                break
            await deferLater(core, 0.01)
        assert yes in seen[0]
    finally:
        for client in clients:
            client.socket.close()
        await service.stopService()
