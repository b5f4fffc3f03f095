"""The service and its control on real UDP and TCP, over loopback."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import treq
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.web.client import Agent, HTTPConnectionPool

from goiptwist.config.values import HostPort
from goiptwist.simulator.book import Book
from goiptwist.simulator.control import ControlResource
from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.radio import Radio
from goiptwist.simulator.service import ServerLink, Simulator
from goiptwist.simulator.traffic import RandomTraffic

reactor: Any = _reactor


class RecordingServer(DatagramProtocol):
    """A server that a test speaks as: what it hears, one after the other."""

    noisy = False

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, tuple[str, int]]] = []
        self.waiting: Deferred[tuple[bytes, tuple[str, int]]] | None = None

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        self.heard.append((datagram, addr))
        if self.waiting is not None:
            waiting, self.waiting = self.waiting, None
            waiting.callback(self.heard.pop(0))

    async def hears(self) -> tuple[bytes, tuple[str, int]]:
        """The next datagram; a test that waits for 5 s waits in vain."""
        if self.heard:
            return self.heard.pop(0)
        self.waiting = Deferred()
        return await self.waiting.addTimeout(5, reactor)

    def says(self, datagram: bytes, addr: tuple[str, int]) -> None:
        assert self.transport is not None
        self.transport.write(datagram, addr)


async def order(simulator: Simulator, path: str, body: dict[str, Any]) -> Any:
    """Give an order over HTTP, and let the connection go."""
    pool = HTTPConnectionPool(reactor, persistent=False)
    url = f"http://{simulator.control_address()}{path}"
    response = await treq.post(url, json=body, agent=Agent(reactor, pool=pool))
    assert response.code == 200
    return await response.json()


def service(server_port: int, book: Path) -> Simulator:
    rng = random.Random(1)
    device = SimulatedDevice(reactor, rng, Book(book.open("a", encoding="utf-8"), keeps=False))
    device.add_line("goipid1", "password1")
    link = ServerLink(("127.0.0.1", server_port), Radio(reactor, rng), Radio(reactor, rng))
    control = HostPort("127.0.0.1", 0)
    traffic = RandomTraffic(reactor, rng, device)
    return Simulator(reactor, device, link, traffic, control=control, pages=ControlResource)


@pytest.mark.real
async def test_over_loopback(tmp_path: Path) -> None:
    """A keepalive, an SMS out, an SMS in by order, another address; and the book."""
    server = RecordingServer()
    port = reactor.listenUDP(0, server, interface="127.0.0.1")
    simulator = service(port.getHost().port, tmp_path / "book.jsonl")
    simulator.startService()
    try:
        await converse(server, simulator)
    finally:
        await simulator.stopService()
        await port.stopListening()
    book = (tmp_path / "book.jsonl").read_text().splitlines()
    assert [json.loads(row)["kind"] for row in book] == ["sent", "handed in"]
    simulator.device.book.file.close()  # type: ignore[union-attr]


async def converse(server: RecordingServer, simulator: Simulator) -> None:
    keepalive, line = await server.hears()
    assert keepalive.startswith(b"req:1;id:goipid1;pass:password1;")
    for said, answer in (
        (b"MSG 11 5 hello\n", b"PASSWORD 11\n"),
        (b"PASSWORD 11 password1\n", b"SEND 11\n"),
        (b"SEND 11 1 +8613800138000\n", b"OK 11 1 0\n"),
        (b"DONE 11\n", b"DONE 11\n"),
    ):
        server.says(said, line)
        assert await server.hears() == (answer, line)
    number = (await order(simulator, "/lines/goipid1/sms", {"sender": "+1", "text": "a"}))["number"]
    received, _ = await server.hears()
    assert received == b"RECEIVE:%d;id:goipid1;password:password1;srcnum:+1;msg:a" % number
    server.says(b"RECEIVE %d OK\n" % number, line)
    moved = await order(simulator, "/lines/goipid1/address", {})
    assert moved["address"] != f"{line[0]}:{line[1]}"
    await order(simulator, "/lines/goipid1/reboot", {})
    keepalive, elsewhere = await server.hears()
    assert keepalive.startswith(b"req:1;")
    assert f"{elsewhere[0]}:{elsewhere[1]}" == moved["address"]
