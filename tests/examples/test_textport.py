"""A listener of one file: it takes SMS over TCP, and nothing else had to change for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredQueue, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectionRefusedError
from twisted.protocols.basic import LineOnlyReceiver

from goiptwist.errors import BadConfiguration
from goiptwist.gateway.service import GatewayService
from goiptwist.gateway.settings import read_settings
from goiptwist.store import lock
from tests.test_twistd import ROOT, TWISTD

FILE = """
[goip]
listen = "127.0.0.1:0"
[http]
listen = ""
[[line]]
id = "goip1"
password = "secret1"
[[user]]
name = "ops"
may = ["send"]
to = ["+3630*"]
[textport]
user = "ops"
listen = "127.0.0.1:0"
"""

TABLES: dict[str, Any] = {
    "goip": {"listen": "127.0.0.1:0"},
    "http": {"listen": ""},
    "line": [{"id": "goip1", "password": "secret1"}],
    "user": [{"name": "ops", "to": ["+3630*"]}],
    "textport": {"user": "ops", "listen": "127.0.0.1:0"},
}


class Program(LineOnlyReceiver):
    """What connects to it."""

    delimiter = b"\n"

    def __init__(self) -> None:
        self.replies: DeferredQueue[str] = DeferredQueue()
        self.closed: Deferred[None] = Deferred()

    def lineReceived(self, line: bytes) -> None:
        self.replies.put(line.decode())

    def connectionLost(self, *reason: object) -> None:
        self.closed.callback(None)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[GatewayService]:
    """A whole gateway."""
    settings = read_settings(TABLES, "test")
    service = GatewayService(settings, folder, lock(folder), reactor)
    service.startService()
    try:
        yield service
    finally:
        await maybeDeferred(service.stopService)


async def connected(service: GatewayService) -> Program:
    """A program that has connected to its port."""
    (port,) = service.gateway.connectors.built[-1].part.ports
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    program: Program = await connectProtocol(endpoint, Program())
    return program


@pytest.mark.real
async def test_it_submits(tmp_path: Path) -> None:
    """Each line is an SMS on the account of the user, and is answered once it is on disk."""
    async with running(tmp_path) as service:
        program = await connected(service)
        program.transport.write(
            b"+36301234567 The pump\n+49301234567 no\n+36301234568 runs again\n"
        )
        said = [await program.replies.get() for _ in range(3)]
        assert [reply[:3] for reply in said] == ["OK ", "NO ", "OK "]
        assert "may not write to" in said[1]
        kept = await service.gateway.powers.messages.get(said[0].removeprefix("OK "))
        assert (kept.origin, kept.recipient, kept.text) == ("user:ops", "+36301234567", "The pump")
        port = program.transport.getPeer().port
    await program.closed
    with pytest.raises(ConnectionRefusedError):
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), Program())


@pytest.mark.real
async def test_what_is_under_way_is_answered(tmp_path: Path) -> None:
    """The gateway stops: what is taken is answered before the connection is closed."""
    async with running(tmp_path) as service:
        program = await connected(service)
        (connection,) = service.gateway.connectors.built[-1].part.connections
        taken: Deferred[None] = Deferred()
        received = connection.lineReceived

        def line_received(line: bytes) -> None:
            received(line)
            taken.callback(None)

        connection.lineReceived = line_received
        program.transport.write(b"+36301234567 The pump\n")
        first = program.replies.get()
        await taken
    assert (await first).startswith("OK ")
    await program.closed


def test_without_its_section() -> None:
    """A key without a default: where the section does not stand, there is no such listener."""
    tables = {key: table for key, table in TABLES.items() if key != "textport"}
    assert read_settings(tables, "test").single("textport") is None
    with pytest.raises(BadConfiguration) as caught:
        read_settings({**tables, "textport": {"user": "nobody"}}, "test")
    assert list(caught.value.problems) == ["test [textport]: user: there is no user 'nobody'"]


@pytest.mark.real
@pytest.mark.slow
def test_one_file_on_the_path(tmp_path: Path) -> None:
    """C{twistd goip --check-config} knows the section as soon as the file is there."""
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    name = "goiptwist_textport.py"
    (plugins / name).write_text((ROOT / "examples" / "twisted" / "plugins" / name).read_text())
    config = tmp_path / "goip.toml"
    config.write_text(FILE)

    def check(path: str) -> tuple[int, str]:
        ended = subprocess.run(
            [*TWISTD, "goip", "--check-config", "--config", str(config)],
            env={**os.environ, "PYTHONPATH": path},
            cwd=plugins,  # twistd finds plug-ins in the current folder too
            capture_output=True,
            text=True,
            timeout=60,
        )
        return ended.returncode, ended.stdout + ended.stderr

    status, said = check(f"{tmp_path}{os.pathsep}{ROOT}")
    assert (status, "textport: SMS of ops are taken at 127.0.0.1:0" in said) == (0, True), said
    status, said = check(str(ROOT))
    assert (status, "unknown key 'textport'" in said) == (1, True), said
