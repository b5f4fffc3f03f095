"""
A whole gateway and a whole simulated device under one clock, joined by a
radio: no socket, no thread, no waiting. The store is real.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from zope.interface import implementer

from goiptwist.config.values import setting
from goiptwist.gateway import kinds as kinds_module
from goiptwist.gateway.composition import Gateway
from goiptwist.gateway.settings import read_settings
from goiptwist.interfaces import IBridge, IConnectorKind, INotifies, Phase
from goiptwist.messaging.events import EventBus
from goiptwist.model.messages import Message, OnUnknown, Submission
from goiptwist.model.notifications import Notification
from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.network import SimulatedNetwork
from goiptwist.simulator.radio import CLEAR, Conditions
from goiptwist.simulator.settings import SimulatorSettings
from goiptwist.store import Store, lock
from goiptwist.store.writer import RunsWork

#: Where the clock of a world begins: some time in November 2026.
BEGINNING = 1_795_000_000.0


@implementer(IBridge, INotifies)
@define(eq=False)
class Recorder:
    """A bridge that keeps what it is given, and can be told to fail."""

    taken: list[Message] = field(factory=list)
    told: list[Notification] = field(factory=list)
    #: Raised instead of taking, the first one first.
    troubles: list[Exception] = field(factory=list)

    async def deliver(self, message: Message) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken.append(message)

    async def notify(self, notification: Notification) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.told.append(notification)

    @property
    def words(self) -> list[str]:
        """What it was told, in order."""
        return [notification.status for notification in self.told]


@implementer(IConnectorKind)
class RecorderKind:
    """Makes the recorders of a world, one a name, and knows them by it."""

    section, kind = "bridge", "recorder"
    phase = Phase.BRIDGE

    @frozen
    class settings:
        """Keys that any bridge may have."""

        sms: bool = setting("Whether it takes SMS by itself.", default=True)

        fallback: str = setting("Who gets what this one never takes.", default="")

    def __init__(self) -> None:
        self.made: dict[str, Recorder] = {}

    def build(self, name: str, settings: object, gateway: object) -> Recorder:
        return self.made.setdefault(name, Recorder())


class PromptBus(EventBus):
    """Publishes as soon as the results are there: a test lets no turn of the reactor pass."""

    def release(self) -> None:
        self.flush()


@define(eq=False)
class World:
    """
    @ivar path: the folder of the store.
    @ivar tables: the configuration, as tables.
    """

    path: Path
    monkeypatch: pytest.MonkeyPatch
    lines: int = 4
    simulated: SimulatorSettings = field(factory=SimulatorSettings)
    line_keys: dict[str, Any] = field(factory=dict)
    tables: dict[str, Any] = field(factory=dict)
    to_server: Conditions = CLEAR
    to_device: Conditions = CLEAR
    seed: int = 1
    #: Runs the work of the store's writer.
    writing: RunsWork = execute
    clock: Clock = field(factory=Clock, init=False)
    recorders: RecorderKind = field(factory=RecorderKind, init=False)
    device: SimulatedDevice = field(init=False)
    network: SimulatedNetwork = field(init=False)
    #: The gateway's own: what ticks in it is gone with the gateway.
    gateway_clock: Clock = field(init=False)
    store: Store = field(init=False)
    gateway: Gateway = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clock.advance(BEGINNING)
        rng = random.Random(self.seed)
        self.device = SimulatedDevice(self.clock, rng, settings=self.simulated)
        self.network = SimulatedNetwork(self.clock, rng, self.to_server, self.to_device)
        for number in range(1, self.lines + 1):
            line = self.device.add_line(f"goip{number}", f"secret{number}", f"+3630000000{number}")
            self.network.join(line)
        kinds = [*kinds_module.connector_kinds(), self.recorders]
        self.monkeypatch.setattr(kinds_module, "connector_kinds", lambda: kinds)
        self.start_gateway()

    @property
    def recorder(self) -> Recorder:
        """The bridge that every world has."""
        return self.recorders.made["ops"]

    def configuration(self) -> dict[str, Any]:
        """The gateway's configuration, as a file would hold it."""
        lines = [
            {"id": f"goip{n}", "password": f"secret{n}", **self.line_keys}
            for n in range(1, self.lines + 1)
        ]
        http = {"listen": ""}  # whose routes take time to build
        bridges = {"ops": {"kind": "recorder"}}
        return {"line": lines, "bridge": bridges, "http": http, **self.tables}

    def start_gateway(self) -> None:
        """Start the gateway, or start it again on what the last one left."""
        settings = read_settings(self.configuration(), "test")
        clock = self.gateway_clock = Clock()
        clock.advance(self.clock.seconds())
        bus = PromptBus(clock)
        self.store = careless(Store.open(self.path, lock(self.path), self.writing, execute, bus))
        self.gateway = Gateway(settings, self.store, clock, clock)
        now(self.store.after_restart(clock.seconds(), settings.delivery.on_unknown))
        now(Deferred.fromCoroutine(self.gateway.alarms.start()))
        now(Deferred.fromCoroutine(self.gateway.dispatcher.start()))
        self.network.serve(self.gateway.goip.protocol)

    def crash(self) -> None:
        """The gateway is gone in the middle of whatever it did."""
        self.network.server = None
        self.gateway_clock = Clock()
        self.store.close()

    def advance(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.gateway_clock.advance(step)

    def present(self) -> None:
        """Switch the device on, and wait until every line has registered."""
        self.device.start()
        for _ in range(40):
            self.advance(5.0)
            if all(line.state == "present" for line in self.gateway.goip.lines.by_id.values()):
                return
        raise AssertionError("the lines do not register")

    def submit(self, to: str | list[str], text: str, **more: str) -> list[Message]:
        """Submit a text, and have it accepted."""
        recipients = (to,) if isinstance(to, str) else tuple(to)
        wanted = Submission(origin="user:test", recipients=recipients, text=text, **more)
        return now(Deferred.fromCoroutine(self.gateway.messaging.submit(wanted)))

    def message(self, message_id: str) -> Message:
        """A message as it stands now."""
        found = now(self.store.message(message_id))
        assert found is not None
        return found

    def states(self, messages: list[Message]) -> Counter[str]:
        """How many of these messages stand where."""
        return Counter(self.message(m.id).state.value for m in messages)

    def close(self) -> None:
        """End everything; nothing may tick on."""
        self.device.stop()
        self.crash()
        self.clock.advance(600.0)  # what is still in the air falls down
        assert self.clock.getDelayedCalls() == []


def careless(store: Store) -> Store:
    """The store does not wait for the disk: a test loses no power."""
    connection = store.writer.connection.connection.dbapi_connection
    assert isinstance(connection, sqlite3.Connection)
    connection.execute("PRAGMA synchronous=OFF")
    return store


def unknown(store: Store) -> int:
    """How many texts wait for a person who says what became of them."""
    query = "SELECT count(*) FROM delivery WHERE state = 'unknown'"
    with store.writer.connection.begin():
        return int(store.writer.connection.exec_driver_sql(query).scalar_one())


def now(deferred: Deferred[Any]) -> Any:
    """The result of a Deferred that has fired."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "has not fired"
    if hasattr(results[0], "raiseException"):
        results[0].raiseException()
    return results[0]


__all__ = ["OnUnknown", "World", "careless", "now", "unknown"]
