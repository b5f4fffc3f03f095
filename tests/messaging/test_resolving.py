"""What a person decides: take a text back, or say what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.errors import Conflict, StoreUnavailable
from goiptwist.model.messages import Message
from goiptwist.model.queries import Resolution
from goiptwist.model.subscriptions import Subscription
from tests.conftest import FailureLog
from tests.wire import Wire, refuse_writes
from tests.world import now, unknown


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    made = Wire(tmp_path, monkeypatch)
    yield made
    made.close()


def withdraw(wire: Wire, message: Message) -> Message:
    withdrawing = wire.gateway.powers.messages.withdraw(message.id, "user:ops")
    found: Message = now(Deferred.fromCoroutine(withdrawing))
    return found


def settle(wire: Wire, message: Message, verdict: str) -> Message:
    settling = wire.gateway.powers.operator.resolve(message.id, Resolution(verdict), "user:ops")
    found: Message = now(Deferred.fromCoroutine(settling))
    return found


TOLD: Any = (Subscription("bridge:ops"),)


class TestWithdrawing:
    """A text that still waits."""

    @pytest.mark.parametrize("restart", [False, True])
    def test_it_does_not_leave(self, wire: Wire, restart: bool) -> None:
        """Not even when a line is there to take it."""
        message, other = wire.one(subscriptions=TOLD), wire.one(text="other")
        if restart:
            wire.crash()
            wire.start()
        assert withdraw(wire, message).state == "cancelled"
        wire.registers()
        assert wire.hears()[0] == b"MSG 11 5 other\n"
        assert wire.state(message) == "cancelled"
        assert wire.recorder.words == ["cancelled"]
        assert "cancelled" in wire.journey(message)
        assert other.id != message.id

    def test_twice(self, wire: Wire) -> None:
        """The same answer: the first may have been lost on the way."""
        message = wire.one()
        assert withdraw(wire, message) == withdraw(wire, message)

    def test_too_late(self, wire: Wire) -> None:
        """Neither while it is being sent, nor afterwards."""
        wire.registers()
        message = wire.one()
        with pytest.raises(Conflict, match="just being sent"):
            withdraw(wire, message)
        wire.opens()
        with pytest.raises(Conflict, match="just being sent"):
            withdraw(wire, message)
        wire.says("OK 11 1\n")
        with pytest.raises(Conflict, match="sent already"):
            withdraw(wire, message)

    def test_no_such_message(self, wire: Wire) -> None:
        """An incoming SMS cannot be withdrawn either."""
        with pytest.raises(Conflict, match="no outgoing message"):
            now(Deferred.fromCoroutine(wire.gateway.powers.messages.withdraw("x-1", "user:ops")))

    def test_a_full_disk(self, wire: Wire, logged_failures: FailureLog) -> None:
        """What could not be withdrawn is sent, as before."""
        message = wire.one()
        refuse_writes(wire.store)
        with pytest.raises(StoreUnavailable):
            withdraw(wire, message)
        logged_failures.flush()
        refuse_writes(wire.store, refuse=False)
        assert wire.state(message) == "queued"
        assert wire.gateway.dispatcher.queues["pool:default"].depth == 1


class TestSettling:
    """A text of which nobody knows."""

    def unknown(self, wire: Wire) -> Message:
        wire.registers()
        message = wire.one(subscriptions=TOLD)
        wire.opens()
        wire.waits(400)
        assert wire.state(message) == "unknown"
        return message

    @pytest.mark.parametrize("verdict", ["sent", "failed"])
    def test_it_is_said(self, wire: Wire, verdict: str) -> None:
        """By whom stands in the journey; nothing leaves."""
        message = self.unknown(wire)
        wire.hears()
        assert settle(wire, message, verdict).state == verdict
        assert wire.recorder.words == ["unknown", verdict]
        assert wire.message(message).reason == f"{verdict}, as user:ops says"
        wire.registers()
        assert wire.hears() == []
        assert unknown(wire.store) == 0

    def test_again(self, wire: Wire) -> None:
        """A person may send a second copy, knowing it; the gateway never does."""
        message = self.unknown(wire)
        wire.hears()
        assert settle(wire, message, "resend").state == "queued"
        wire.registers()
        wire.waits(5)
        wire.opens(12)
        wire.says(f"OK 12 {wire.hears()[-1].split()[2].decode()}\n")
        assert wire.state(message) == "sent"

    def test_only_what_is_unknown(self, wire: Wire) -> None:
        """Whoever settles twice decides against another one's word."""
        message = self.unknown(wire)
        settle(wire, message, "failed")
        with pytest.raises(Conflict, match="it is failed; only what is unknown"):
            settle(wire, message, "resend")
