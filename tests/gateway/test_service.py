"""The gateway as a service: what it does before the first port is open, and last of all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from goiptwist.errors import StoreUnavailable
from goiptwist.gateway import service as service_module
from goiptwist.gateway.service import GatewayService
from goiptwist.gateway.settings import read_settings
from goiptwist.store import Store, lock
from tests.store.conftest import Kept
from tests.store.test_settling import give
from tests.world import BEGINNING, now


@define(eq=False)
class Port:
    """A UDP port that is a list."""

    protocol: Any
    where: tuple[str, int]
    sent: list[bytes] = field(factory=list)
    open: bool = True
    socket: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.socket = self
        self.protocol.makeConnection(self)

    def setsockopt(self, *option: int) -> None:
        """Any will do."""

    def getHost(self) -> IPv4Address:
        return IPv4Address("UDP", *self.where)

    def write(self, datagram: bytes, addr: object) -> None:
        self.sent.append(datagram)

    def stopListening(self) -> None:
        self.open = False
        self.protocol.doStop()


class FakeReactor(Clock):
    """Time, and one UDP port."""

    port: Port | None = None

    def listenUDP(self, port: int, protocol: Any, interface: str, maxPacketSize: int) -> Port:
        self.port = Port(protocol, (interface, port))
        return self.port


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> FakeReactor:
    """No threads: work is done at once, as it is before the start and after the end."""
    monkeypatch.setattr(service_module.WorkerThread, "start", lambda self: None)
    made = FakeReactor()
    made.advance(BEGINNING)
    return made


MakesService = Callable[[], GatewayService]


@pytest.fixture
def service(tmp_path: Path, reactor: FakeReactor) -> MakesService:
    """Makes the service of a folder."""

    def make() -> GatewayService:
        tables = {"http": {"listen": ""}, "line": [{"id": "goip1", "password": "geheim"}]}
        return GatewayService(read_settings(tables, "test"), tmp_path, lock(tmp_path), reactor)

    return make


def test_from_start_to_end(service: MakesService, reactor: FakeReactor, tmp_path: Path) -> None:
    """A keepalive is answered while it runs; afterwards the folder is free and nothing ticks."""
    gateway = service()
    with capturedLogs() as logs:
        gateway.startService()
    assert reactor.port is not None
    assert [(e["host"], e["port"]) for e in logs if "Listening" in e["log_format"]] == [
        ("0.0.0.0", 44444)
    ]
    reactor.port.protocol.datagramReceived(b"req:1;id:goip1;pass:geheim;", ("192.0.2.1", 1))
    assert reactor.port.sent == [b"reg:1;status:0;"]
    now(gateway.stopService())
    assert not reactor.port.open
    assert reactor.getDelayedCalls() == []
    lock(tmp_path).close()


def test_facts_outlive_it(service: MakesService, reactor: FakeReactor) -> None:
    """What a line told last is written at the end, and shown after the next start."""
    for _ in range(2):
        gateway = service()
        gateway.startService()
        [status] = gateway.gateway.powers.lines.statuses()
        if status.operator:
            break
        assert reactor.port is not None
        reactor.port.protocol.datagramReceived(
            b"req:1;id:goip1;pass:geheim;pro:A B;", ("192.0.2.1", 1)
        )
        now(gateway.stopService())
    assert (status.operator, status.presence) == ("A B", "unheard")
    now(gateway.stopService())


def test_texts_with_an_unknown_fate_are_told(service: MakesService, tmp_path: Path) -> None:
    """The operator hears of them at the start."""
    kept = Kept(tmp_path)
    give(kept, kept.order()[0])
    kept.store.close()
    gateway = service()
    with capturedLogs() as logs:
        gateway.startService()
    assert [e["count"] for e in logs if "nobody knows" in e["log_format"]] == [1]
    now(gateway.stopService())


def test_a_store_that_cannot_note_them_stops_the_start(
    service: MakesService,
    reactor: FakeReactor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    logged_failures: Any,
) -> None:
    """
    On a full disk the start cannot write down which texts a SIM may have had.
    Whoever went on would send them again as soon as there is space.
    """
    kept = Kept(tmp_path)
    give(kept, kept.order()[0])
    kept.store.close()

    def full(self: Store, *restart: object) -> Deferred[int]:
        return fail(StoreUnavailable("the store could not commit: disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "after_restart", full)
        with pytest.raises(SystemExit) as end:
            service().startService()
    assert end.value.code == 1
    (told,) = logged_failures.flush()
    assert str(told["problems"]) == "state: the store could not commit: disk is full"
    assert reactor.port is None
    assert reactor.getDelayedCalls() == []
    gateway = service()  # the folder is free: there is space again
    gateway.startService()
    now(gateway.stopService())
