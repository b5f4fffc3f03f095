"""
A whole gateway and a real receiver that is away for a while: it gets
everything once it is back, and the news about each message in order.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from twisted.internet.defer import Deferred, execute

from goiptwist.errors import Conflict
from goiptwist.gateway.composition import Gateway
from goiptwist.gateway.settings import read_settings
from goiptwist.model.messages import Direction, Message
from goiptwist.store import Redelivery, Store, lock
from tests.bridges.webhook.receivers import (
    SECRET,
    CallbackReceiver,
    ReceivedCallback,
    core,
    fires,
    until,
)
from tests.wire import Wire
from tests.world import PromptBus, careless, now

pytestmark = pytest.mark.real


@define(eq=False)
class Networked(Wire):
    """A gateway whose bridges have a real network; its time is the test's."""

    def __attrs_post_init__(self) -> None:
        self.clock.advance(time.time())  # the library looks at the time of signatures
        super().__attrs_post_init__()
        self.clock.rightNow = time.time()

    def start(self) -> None:
        """As L{Wire.start}, with the real reactor for bridges."""
        settings = read_settings(self.configuration(), "test")
        self.store = careless(
            Store.open(self.path, lock(self.path), execute, execute, PromptBus(self.clock))
        )
        self.number_sessions_from(self.session)
        self.gateway = Gateway(settings, self.store, self.clock, core)
        now(self.store.after_restart(self.clock.seconds(), settings.delivery.on_unknown))
        now(Deferred.fromCoroutine(self.gateway.dispatcher.start()))
        self.gateway.goip.protocol.makeConnection(self.transport)

    @property
    def hooks(self) -> Any:
        return self.gateway.connectors.bridges["hooks"]

    def sends(self, to: str, session: int) -> Message:
        """A text that the device takes."""
        message = self.one(to)
        self.opens(session)
        self.says(f"OK {session} 1 {session}\n")
        self.says(f"DONE {session}\n")
        assert self.state(message) == "sent"
        return message

    def delivered(self, number: int, to: str) -> None:
        """Its handset has it."""
        self.says(
            f"DELIVER:{number};id:goipid1;password:password1;sms_no:{number};state:0;num:{to}"
        )

    def comes_in(self, number: int) -> None:
        self.says(f"RECEIVE:{number};id:goipid1;password:password1;srcnum:+361;msg:text {number}")

    def turn(self) -> None:
        """Let the turns pass that wait for no time."""
        self.clock.advance(0)

    def second(self) -> None:
        self.clock.advance(1.0)


@asynccontextmanager
async def networked(
    path: Path, monkeypatch: pytest.MonkeyPatch, url: str, **keys: Any
) -> AsyncIterator[Networked]:
    section = {"kind": "webhook", "url": url, "secret": SECRET, "private": True, **keys}
    wire = Networked(path, monkeypatch, tables={"bridge": {"hooks": section}})
    wire.hooks.startService()
    try:
        yield wire
    finally:
        await wire.hooks.stopService()
        wire.close()


def kinds(calls: list[ReceivedCallback], message: Message) -> list[str]:
    """What a receiver was told of a message, in the order in which it was."""
    bodies = [call.content for call in calls]
    return [body["type"] for body in bodies if body["data"]["id"] == message.id]


async def test_a_receiver_that_was_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All SMS and all news, each once, the news of each message in order; across a restart."""
    receiver = CallbackReceiver()
    url, number = receiver.url, receiver.port.number
    await receiver.close()
    async with networked(tmp_path, monkeypatch, url) as wire:
        wire.registers()
        wire.comes_in(1001)
        sent = []
        for turn in range(5):
            sent.append(wire.sends(f"+3630000000{turn}", 11 + turn))
            wire.delivered(11 + turn, f"+3630000000{turn}")
            wire.comes_in(1002 + turn)
        await until(lambda: wire.gateway.dispatcher.problems(), wire.second)
        assert "cannot be reached" in wire.gateway.dispatcher.problems()[0]

        await wire.hooks.stopService()
        await until(lambda: not wire.gateway.dispatcher.queues["bridge:hooks"].in_hand, wire.turn)
        wire.crash()
        wire.start()
        wire.registers()
        await until(lambda: wire.gateway.dispatcher.problems(), wire.second)

        receiver.port.number = number
        receiver.port.open()
        await until(lambda: not wire.gateway.dispatcher.queues["bridge:hooks"].in_hand, wire.turn)
        await until(lambda: wire.gateway.dispatcher.depth == 0, wire.second)
        assert wire.gateway.dispatcher.problems() == []
        for message in sent:
            assert kinds(receiver.calls, message) == ["message.sent", "message.delivered"]
            assert wire.journey(message)[-2:] == ["notified: sent", "notified: delivered"]
        texts = [call.content["data"].get("text") for call in receiver.calls]
        assert sorted(text for text in texts if text) == [f"text {n}" for n in range(1001, 1007)]
        assert len(receiver.calls) == len({call.id for call in receiver.calls}) == 16
        for call in receiver.calls:
            call.verified()
    await receiver.close()


async def test_a_receiver_that_stumbles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The first piece of news fails twice: the second waits for it though ten may
    be under way. The journey shows each try.
    """
    receiver = CallbackReceiver()
    refused: list[ReceivedCallback] = []

    def stumbles(call: ReceivedCallback) -> int:
        if call.content["type"] == "message.sent" and len(refused) < 2:
            refused.append(call)
            return 500
        return 204

    receiver.answer = stumbles
    async with networked(tmp_path, monkeypatch, receiver.url) as wire:
        wire.registers()
        message = wire.sends("+36300000001", 11)
        wire.delivered(11, "+36300000001")
        queue = wire.gateway.dispatcher.queues["bridge:hooks"]
        await until(lambda: len(refused) == 1 and queue.in_hand == 0, wire.turn)
        assert len(receiver.calls) == 1
        await until(lambda: wire.gateway.dispatcher.depth == 0, wire.second)
        assert [call.content["type"] for call in receiver.calls] == [
            "message.sent", "message.sent", "message.sent", "message.delivered",
        ]  # fmt: skip
        assert len({call.id for call in receiver.calls}) == 2
        steps = [step for step in wire.journey(message) if ":" in step]
        assert steps == [
            "deferred: sent",
            "deferred: sent",
            "notified: sent",
            "notified: delivered",
        ]
    await receiver.close()


async def test_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what happens on lines, where only that is wanted."""
    receiver = CallbackReceiver()
    async with networked(tmp_path, monkeypatch, receiver.url, events=["line"]) as wire:
        wire.registers()
        wire.comes_in(1001)
        wire.says("HANGUP:9;id:goipid1;password:password1;num:,cause:Normal call clearing")
        message = wire.sends("+36300000001", 11)
        assert message.subscriptions == ()
        await until(lambda: len(receiver.calls) == 2)
        await until(lambda: wire.gateway.dispatcher.depth == 0, wire.turn)
        assert sorted(call.verified()["type"] for call in receiver.calls) == [
            "call.ended",
            "line.present",
        ]
    await receiver.close()


async def test_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A receiver that lost what it had gets it again when somebody asks: the same
    ids, the news in order; nothing is sent to a SIM, and the journey shows both.
    """
    receiver = CallbackReceiver()
    async with networked(tmp_path, monkeypatch, receiver.url) as wire:
        wire.registers()
        message = wire.sends("+36300000001", 11)
        wire.delivered(11, "+36300000001")
        wire.comes_in(1001)
        await until(lambda: wire.gateway.dispatcher.depth == 0, wire.turn)
        [came] = now(wire.store.messages(Direction.IN, "", 9))
        wire.hears()
        before = [call.id for call in receiver.calls]
        assert len(before) == 3
        wire.second()
        for about in (message, came):
            now(fires(wire.gateway.powers.operator.redeliver(about.id, "hooks", "user:ops")))
            assert wire.gateway.dispatcher.depth > 0
            wire.second()
            await until(lambda: wire.gateway.dispatcher.depth == 0, wire.turn)
        again = receiver.calls[3:]
        assert kinds(again, message) == ["message.sent", "message.delivered"]
        assert sorted(call.id for call in again) == sorted(before)
        assert wire.hears() == []
        assert wire.journey(message)[-5:] == [
            *("notified: sent", "notified: delivered"),
            "redelivered",
            *("notified: sent", "notified: delivered"),
        ]
        assert wire.journey(came) == ["received", "delivered", "redelivered", "delivered"]
        assert (wire.state(message), wire.state(came)) == ("sent", "delivered")
    await receiver.close()


async def test_once_more_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what was given up, with all its time before it again."""
    receiver = CallbackReceiver(410)
    async with networked(tmp_path, monkeypatch, receiver.url) as wire:
        wire.comes_in(1001)
        await until(lambda: wire.gateway.dispatcher.depth == 0, wire.turn)
        [came] = now(wire.store.messages(Direction.IN, "", 9))
        assert came.state == "failed"
        wire.clock.advance(6 * 86400)
        receiver.code = 200
        now(fires(wire.gateway.powers.operator.redeliver(came.id, "hooks", "user:ops")))
        wire.second()
        await until(lambda: wire.gateway.dispatcher.depth == 0, wire.turn)
        assert wire.state(came) == "delivered"
        assert wire.journey(came) == ["received", "failed", "redelivered", "delivered"]
    await receiver.close()


async def test_nothing_to_hand_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge that had nothing of it, an id that there is not; and no text is ever sent again."""
    receiver = CallbackReceiver()
    async with networked(tmp_path, monkeypatch, receiver.url, events=["line"]) as wire:
        wire.registers()
        message = wire.sends("+36300000001", 11)
        await until(lambda: wire.gateway.dispatcher.depth == 0, wire.turn)
        wire.hears()
        for about in (message.id, "x", f"{message.id}99"):
            with pytest.raises(Conflict):
                now(fires(wire.gateway.powers.operator.redeliver(about, "hooks", "user:ops")))
        pool = Redelivery(message_id=message.id, destination="pool:default", by="x", at=0.0)
        with pytest.raises(Conflict):
            now(wire.store.redeliver(pool))
        assert wire.hears() == []
    await receiver.close()
