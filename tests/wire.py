"""
A whole gateway whose wire is two lists: what a test says as the device, and
what the gateway answered. The store is real and works at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from sqlalchemy import text
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from goiptwist.delivery.dispatcher import GRACE
from goiptwist.gateway import kinds as kinds_module
from goiptwist.gateway.composition import Gateway
from goiptwist.gateway.settings import read_settings
from goiptwist.goip.line import GoipLine
from goiptwist.goip.session_numbers import SessionPermutation
from goiptwist.goip.transport import Address
from goiptwist.messaging.events import EventBus
from goiptwist.model.messages import Message, Step, Submission
from goiptwist.store import Store, lock
from tests.world import BEGINNING, PromptBus, Recorder, RecorderKind, careless, now

HOST = "192.0.2.1"


@define
class Transport:
    """Stands where the UDP port stands."""

    sent: list[tuple[bytes, Address]] = field(factory=list)
    #: Raised by the next write.
    trouble: OSError | None = None

    def write(self, datagram: bytes, addr: Address) -> None:
        trouble, self.trouble = self.trouble, None
        if trouble is not None:
            raise trouble
        self.sent.append((datagram, addr))


@define
class HeldBack:
    """Runs work when it is told to, as a slow disk does."""

    holding: bool = True
    _held: list[tuple[Callable[[], Any], Deferred[Any]]] = field(factory=list, init=False)

    def __call__(self, work: Callable[[], Any]) -> Deferred[Any]:
        if not self.holding:
            return execute(work)
        done: Deferred[Any] = Deferred()
        self._held.append((work, done))
        return done

    def release(self) -> None:
        """Do what was held back, and what follows from it."""
        self.holding = False
        while self._held:
            work, done = self._held.pop(0)
            execute(work).chainDeferred(done)


@define(eq=False)
class Wire:
    """
    @ivar lines: how many lines there are: C{goipid1} with C{password1}, ...
    @ivar line: more keys for every line.
    @ivar session: the number of the first bulk session.
    @ivar run_writing: where the store's writer works.
    """

    path: Path
    monkeypatch: pytest.MonkeyPatch
    lines: int = 1
    line: dict[str, Any] = field(factory=dict)
    tables: dict[str, Any] = field(factory=dict)
    session: int = 11
    run_writing: Callable[[Callable[[], Any]], Deferred[Any]] = execute
    #: Makes the bus of the store.
    bus: type[EventBus] = PromptBus
    clock: Clock = field(factory=Clock, init=False)
    transport: Transport = field(factory=Transport, init=False)
    recorders: RecorderKind = field(factory=RecorderKind, init=False)
    store: Store = field(init=False)
    gateway: Gateway = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clock.advance(BEGINNING)
        kinds = [*kinds_module.connector_kinds(), self.recorders]
        self.monkeypatch.setattr(kinds_module, "connector_kinds", lambda: kinds)
        # A test names its sessions by their numbers.
        self.monkeypatch.setattr(SessionPermutation, "of", lambda _, number: number)
        self.start()

    @property
    def recorder(self) -> Recorder:
        """The bridge that every wire has."""
        return self.recorders.made["ops"]

    def configuration(self) -> dict[str, Any]:
        """The gateway's configuration, as a file would hold it."""
        lines = [
            {"id": f"goipid{n}", "password": f"password{n}", **self.line}
            for n in range(1, self.lines + 1)
        ]
        http = {"listen": ""}  # whose routes take time to build
        bridges = {"ops": {"kind": "recorder"}}
        return {"line": lines, "bridge": bridges, "http": http, **self.tables}

    # -- the life of the gateway --

    def start(self) -> None:
        """Start the gateway, or start it again on what the last one left."""
        fresh = not (self.path / "goiptwist.sqlite").exists()
        settings = read_settings(self.configuration(), "test")
        bus = self.bus(self.clock)
        self.store = careless(
            Store.open(self.path, lock(self.path), self.run_writing, execute, bus)
        )
        if fresh:
            self.number_sessions_from(self.session)
        self.gateway = Gateway(settings, self.store, self.clock, self.clock)
        now(self.store.after_restart(self.clock.seconds(), settings.delivery.on_unknown))
        now(Deferred.fromCoroutine(self.gateway.dispatcher.start()))
        self.gateway.goip.protocol.makeConnection(self.transport)

    def number_sessions_from(self, number: int) -> None:
        """Prepare the counter of the store."""
        with self.store.writer.connection.begin():
            self.store.writer.connection.execute(
                text("UPDATE counter SET next = :n WHERE name = 'session'"), {"n": number}
            )

    def crash(self) -> None:
        """The gateway is gone in the middle of whatever it did."""
        for call in list(self.clock.getDelayedCalls()):
            call.cancel()
        self.store.close()

    def close(self) -> None:
        """Stop the gateway as a service does; nothing may tick on."""
        stopping = Deferred.fromCoroutine(self.gateway.dispatcher.stop())
        self.gateway.goip.lines.shut_down()
        self.clock.advance(GRACE)
        now(stopping)
        self.store.close()
        assert [str(call) for call in self.clock.getDelayedCalls()] == []

    # -- the wire --

    @staticmethod
    def address(n: int = 1) -> Address:
        """Where line C{n} sits."""
        return (HOST, 10990 + n)

    def arrives(self, datagram: str | bytes, n: int = 1, at: Address | None = None) -> None:
        """Line C{n} says something, from its place or from another, in this turn."""
        data = datagram.encode() if isinstance(datagram, str) else datagram
        self.gateway.goip.protocol.datagramReceived(data, at or self.address(n))

    def says(self, datagram: str | bytes, n: int = 1, at: Address | None = None) -> None:
        """As L{arrives}, and the next turn follows."""
        self.arrives(datagram, n, at)
        self.clock.advance(0)  # what was put off to the next turn

    def registers(self, n: int = 1, facts: str = "", at: Address | None = None) -> None:
        """Line C{n} sends a keepalive, whose answer is none of the test's business."""
        keepalive = f"req:10;id:goipid{n};pass:password{n};{facts}"
        before = len(self.transport.sent)
        self.says(keepalive, n, at)
        answers = self.transport.sent[before:]
        assert (b"reg:10;status:0;", at or self.address(n)) in answers
        self.transport.sent.remove((b"reg:10;status:0;", at or self.address(n)))

    def hears(self) -> list[bytes]:
        """What the gateway has sent since the last time."""
        return [datagram for datagram, _ in self.hears_where()]

    def hears_where(self) -> list[tuple[bytes, Address]]:
        """The same, with where it was sent to."""
        self.clock.advance(0)
        sent, self.transport.sent = self.transport.sent, []
        return sent

    def waits(self, seconds: float) -> list[bytes]:
        """Let time pass, by the half second; listen."""
        for _ in range(round(seconds * 2)):
            self.clock.advance(0.5)
        return self.hears()

    # -- the conversation that every send begins with --

    def opens(self, session: int = 11, n: int = 1) -> None:
        """The device takes the offer and the password, and hears its first number."""
        self.says(f"PASSWORD {session}\n", n)
        self.says(f"SEND {session}\n", n)

    # -- messages --

    def submit(self, to: str | list[str], text: str = "hello", **more: str) -> list[Message]:
        """Submit a text, and have it accepted."""
        recipients = (to,) if isinstance(to, str) else tuple(to)
        wanted = Submission(
            origin=more.pop("origin", "user:test"), recipients=recipients, text=text, **more
        )
        kept: list[Message] = now(Deferred.fromCoroutine(self.gateway.messaging.submit(wanted)))
        return kept

    def one(self, to: str = "+8613800138000", text: str = "hello", **more: str) -> Message:
        """Submit one text to one recipient."""
        [message] = self.submit(to, text, **more)
        return message

    def message(self, message: Message) -> Message:
        """The same message as it stands now."""
        found = now(self.store.message(message.id))
        assert isinstance(found, Message)
        return found

    def state(self, message: Message) -> str:
        """Where it stands now."""
        return self.message(message).state.value

    def journey(self, message: Message) -> list[str]:
        """The words of its steps."""
        steps: list[Step] = now(self.store.journey(message.id))
        return [step.what for step in steps]

    def the_line(self, n: int = 1) -> GoipLine:
        """Line C{n} as the gateway has it."""
        return self.gateway.goip.lines.by_id[f"goipid{n}"]


def refuse_writes(store: Store, refuse: bool = True) -> None:
    """From now on, no commit succeeds, as on a disk that is full; or again."""
    connection = store.writer.connection.connection.dbapi_connection
    assert isinstance(connection, sqlite3.Connection)
    connection.execute(f"PRAGMA query_only = {int(refuse)}")
