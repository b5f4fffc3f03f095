"""Who asks to be told what became of a message is told, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.errors import Refused, TryLater
from goiptwist.messaging.bounces import Bounces
from goiptwist.model.messages import Message
from goiptwist.model.subscriptions import STATUSES, Subscription, merged
from tests.wire import Wire
from tests.world import now

ALL = Subscription("bridge:ops")


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    made = Wire(tmp_path, monkeypatch)
    made.registers()
    yield made
    made.close()


def sends(wire: Wire, **more: Any) -> Message:
    """A text is sent, and the device says yes."""
    message = wire.one(subscriptions=(ALL,), context="mine", **more)
    wire.opens()
    wire.says("OK 11 1 7\n")
    return message


def reports(wire: Wire, state: int) -> None:
    wire.says(f"DELIVER:5;id:goipid1;password:password1;sms_no:7;state:{state};num:8613800138000\n")


class TestWhatIsTold:
    """Each turn of a message's life that somebody asked for."""

    def test_sent_and_delivered(self, wire: Wire) -> None:
        """In that order, with what the submitter wanted back."""
        message = sends(wire)
        reports(wire, 0)
        assert wire.recorder.words == ["sent", "delivered"]
        told = wire.recorder.told[0]
        assert (told.message.id, told.message.context) == (message.id, "mine")
        assert told.id != wire.recorder.told[1].id

    def test_the_handset_never_got_it(self, wire: Wire) -> None:
        """A temporary state of the SMSC is no news; its last word is."""
        sends(wire)
        reports(wire, 48)
        reports(wire, 70)
        assert wire.recorder.words == ["sent", "undelivered"]

    def test_failed(self, wire: Wire) -> None:
        """With the reason in words."""
        wire.one(subscriptions=(ALL,))
        wire.opens()
        wire.says("ERROR 11 1 errorstatus:28\n")
        [told] = wire.recorder.told
        assert told.status == "failed"
        assert told.reason == told.message.reason != ""

    def test_unknown_and_settled_later(self, wire: Wire) -> None:
        """Nobody knew; then the handset's report did."""
        wire.one(subscriptions=(ALL,))
        wire.opens()
        wire.waits(400)
        assert wire.recorder.words == ["unknown"]
        reports(wire, 0)
        assert wire.recorder.words == ["unknown", "sent", "delivered"]

    def test_only_what_was_asked_for(self, wire: Wire) -> None:
        """A smarthost is not woken for what nobody wants to read."""
        wire.one(subscriptions=(Subscription("bridge:ops", ("delivered",)),))
        wire.opens()
        wire.says("OK 11 1 7\n")
        assert wire.recorder.told == []
        reports(wire, 0)
        assert wire.recorder.words == ["delivered"]

    def test_expired(self, wire: Wire) -> None:
        """No line took it in its time."""
        wire.waits(200)  # the line is lost
        wire.one(subscriptions=(ALL,), expires=wire.clock.seconds() + 60)
        wire.waits(120)
        assert wire.recorder.words == ["expired"]

    def test_late_once(self, wire: Wire) -> None:
        """One that waits for hours is told of, once, also after a restart."""
        wire.waits(200)
        wire.one(subscriptions=(ALL,))
        look = wire.gateway.housekeeping.tell_delays
        now(Deferred.fromCoroutine(look()))
        assert wire.recorder.words == []
        wire.clock.advance(wire.gateway.settings.delivery.delay_warning + 1)
        now(Deferred.fromCoroutine(look()))
        now(Deferred.fromCoroutine(look()))
        wire.crash()
        wire.start()
        now(Deferred.fromCoroutine(wire.gateway.housekeeping.tell_delays()))
        assert wire.recorder.words == ["delayed"]

    def test_nobody_asked(self, wire: Wire) -> None:
        """Then nothing is written either."""
        wire.one()
        wire.opens()
        wire.says("OK 11 1 7\n")
        assert wire.recorder.told == []


class TestItIsTold:
    """News stands on disk until it was told."""

    def test_the_far_side_is_away(self, wire: Wire) -> None:
        """It comes again, under the same id."""
        wire.recorder.troubles.append(TryLater("down", attempted=False))
        sends(wire)
        assert wire.recorder.told == []
        wire.waits(2)
        assert wire.recorder.words == ["sent"]

    def test_a_restart(self, wire: Wire) -> None:
        """What was not told is told by the next process."""
        wire.recorder.troubles += [TryLater("down", after=3600.0)]
        message = sends(wire)
        wire.crash()
        wire.start()
        wire.clock.advance(3600.0)
        assert [news.message.id for news in wire.recorder.told] == [message.id]

    def test_dying_before_the_verdict(self, wire: Wire) -> None:
        """What a restart finds open is unknown, and that is told too."""
        wire.one(subscriptions=(ALL,))
        wire.opens()
        wire.crash()
        wire.start()
        assert wire.recorder.words == ["unknown"]

    def test_it_stands_in_the_journey(self, wire: Wire) -> None:
        """Of the message that it is about; and it is no message of its own."""
        message = sends(wire)
        assert "notified: sent" in wire.journey(message)
        assert len(now(wire.store.messages(None, "", 9))) == 1

    def test_refused(self, wire: Wire) -> None:
        """The far side will never hear it: the journey says so."""
        wire.recorder.troubles.append(Refused("no such mailbox"))
        message = sends(wire)
        assert "not notified: sent" in wire.journey(message)


class TestFallback:
    """What a bridge will never take goes to another one."""

    @pytest.fixture
    def wire(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
        bridges = {
            "ops": {"kind": "recorder", "fallback": "duty"},
            "duty": {"kind": "recorder", "sms": False, "fallback": "ops"},
            "log": {"kind": "recorder"},
        }
        made = Wire(tmp_path, monkeypatch, tables={"bridge": bridges})
        made.registers()
        yield made
        made.close()

    def arrives(self, wire: Wire) -> Message:
        wire.says("RECEIVE:9;id:goipid1;password:password1;srcnum:+36301;msg:alarm\n")
        [message] = now(wire.store.messages(None, "", 9))
        assert isinstance(message, Message)
        return message

    def taken(self, wire: Wire) -> dict[str, int]:
        return {name: len(made.taken) for name, made in wire.recorders.made.items()}

    def test_not_needed(self, wire: Wire) -> None:
        """It takes no SMS by itself."""
        assert wire.state(self.arrives(wire)) == "delivered"
        assert self.taken(wire) == {"ops": 1, "duty": 0, "log": 1}

    def test_after_a_refusal(self, wire: Wire) -> None:
        """Queued in the commit that says no; the journey tells of both."""
        wire.recorder.troubles.append(Refused("550 no such user"))
        message = self.arrives(wire)
        assert self.taken(wire) == {"ops": 0, "duty": 1, "log": 1}
        assert {"failed", "goes on", "delivered"} <= set(wire.journey(message))
        assert wire.state(message) == "delivered"

    def test_it_refuses_too(self, wire: Wire) -> None:
        """Then it has failed: it does not go round in circles."""
        wire.recorder.troubles.append(Refused("no"))
        wire.recorders.made["duty"].troubles.append(Refused("no"))
        message = self.arrives(wire)
        assert self.taken(wire) == {"ops": 0, "duty": 0, "log": 1}
        assert wire.state(message) == "failed"

    def test_it_is_away(self, wire: Wire) -> None:
        """It has days of its own, however long the first one tried."""
        wire.recorder.troubles += [TryLater("down", after=86400.0)] * 5
        wire.recorders.made["duty"].troubles.append(TryLater("down", after=86400.0))
        self.arrives(wire)
        for _ in range(7):
            wire.clock.advance(86400.0)
        assert self.taken(wire) == {"ops": 0, "duty": 1, "log": 1}

    def test_a_mail_that_comes_back(self, wire: Wire) -> None:
        """The smarthost said yes, and bounced it later."""
        message = self.arrives(wire)
        bounces = Bounces(wire.gateway.messaging, {"bridge:ops": "bridge:duty"})
        for _ in range(2):  # one bounce for each of its recipients
            now(Deferred.fromCoroutine(bounces.bounced(message.id, "5.1.1 unknown")))
        assert self.taken(wire) == {"ops": 1, "duty": 1, "log": 1}
        assert wire.journey(message).count("came back") == 1
        assert wire.state(message) == "delivered"


def test_together() -> None:
    """Several wishes of one destination are one; it is told once."""
    wishes = [
        Subscription("a", ("sent",)),
        Subscription("b"),
        Subscription("a", ("sent", "failed")),
    ]
    assert merged(wishes) == (Subscription("a", ("sent", "failed")), Subscription("b", STATUSES))


def test_no_such_tidings() -> None:
    """A word that never comes would be waited for in vain."""
    with pytest.raises(ValueError, match="'read' is none of sent,"):
        Subscription("bridge:ops", ("read",))
