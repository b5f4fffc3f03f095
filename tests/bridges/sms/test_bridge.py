"""Who is texted, when an alarm counts as delivered, and what an answer does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from goiptwist.bridges.sms.bridge import SmsBridge
from goiptwist.bridges.sms.kind import SmsKind
from goiptwist.bridges.sms.settings import SmsSettings
from goiptwist.errors import Busy, Conflict, Forbidden, Refused, StoreUnavailable, TryLater
from goiptwist.interfaces import IBridge, IConnectorKind, ITakesReports
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message, State
from goiptwist.testing.stubs import sms
from tests.bridges.sms.alarms import ALARM, AlarmedGateway

ANNA, BELA = "+36301111111", "+36302222222"


@define
class OnCall:
    """A bridge to people, and what becomes of the alarm that it was given."""

    bridge: SmsBridge
    gateway: AlarmedGateway
    outcomes: list[Any] = field(factory=list)

    def alarm(self) -> None:
        """The alarm comes, and is waited for."""
        self.give(ALARM)

    def give(self, message: Message) -> None:
        delivered = Deferred.fromCoroutine(self.bridge.deliver(message))
        delivered.addErrback(lambda failure: failure.value)
        delivered.addCallback(self.outcomes.append)

    def becomes(self, number: str, **changes: Any) -> None:
        """The gateway tells what became of the SMS to a number."""
        self.bridge.reported(self.gateway.becomes(f"x-7/{number}", **changes))

    @property
    def outcome(self) -> Any:
        [only] = self.outcomes
        return only


def on_call(*numbers: str, gateway: AlarmedGateway | None = None, **keys: Any) -> OnCall:
    gateway = gateway or AlarmedGateway()
    settings = SmsSettings(numbers=numbers or (ANNA,), **keys)
    return OnCall(SmsKind().build("oncall", settings, gateway), gateway)


def test_what_it_is() -> None:
    """It says what it can."""
    bridge = on_call().bridge
    assert verifyObject(IBridge, bridge)
    assert verifyObject(ITakesReports, bridge)
    assert verifyObject(IConnectorKind, SmsKind())


def test_the_handset_says_so() -> None:
    """Sent is not delivered: only the handset's report makes it so."""
    people = on_call()
    people.alarm()
    people.becomes(ANNA, state=State.SENT)
    assert people.outcomes == []
    people.becomes(ANNA, state=State.SENT, report="delivered")
    assert people.outcome == Delivered(detail=f"delivered to {ANNA} as x-10")
    assert people.gateway.clock.getDelayedCalls() == []


def test_devices_without_reports() -> None:
    """Where no report ever comes, what the network took has to do."""
    people = on_call(until="sent")
    people.alarm()
    people.becomes(ANNA, state=State.SENT)
    assert people.outcome == Delivered(detail=f"sent to {ANNA} as x-10")


def test_the_first_of_several() -> None:
    """Everybody is texted, and one who has it is enough."""
    people = on_call(ANNA, BELA, pool="alarms")
    people.alarm()
    assert [(one.recipient, one.pool) for one in people.gateway.sms.values()] == [
        (ANNA, "alarms"),
        (BELA, "alarms"),
    ]
    people.becomes(ANNA, state=State.FAILED, reason="no network")
    assert people.outcomes == []
    people.becomes(BELA, state=State.SENT, report="delivered")
    assert isinstance(people.outcome, Delivered)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": State.FAILED, "reason": "blocked"}, f"x-10 to {ANNA} is failed: blocked"),
        ({"state": State.EXPIRED}, f"x-10 to {ANNA} is expired"),
        ({"state": State.SENT, "report": "undelivered"}, f"{ANNA} did not get x-10"),
    ],
)
def test_nobody_gets_it(changes: dict[str, Any], why: str) -> None:
    """Then the next one's turn comes at once, not when patience ends."""
    people = on_call()
    people.alarm()
    people.becomes(ANNA, **changes)
    assert isinstance(people.outcome, Refused)
    assert str(people.outcome) == why


def test_silence() -> None:
    """A person who sleeps is not waited for endlessly."""
    people = on_call(patience=60.0)
    people.alarm()
    people.becomes(ANNA, state=State.SENT)
    people.gateway.clock.advance(60)
    assert isinstance(people.outcome, Refused)
    assert str(people.outcome) == f"no delivery report within 60 s: x-10 to {ANNA} is sent"


def test_an_unknown_sms_may_still_arrive() -> None:
    """Nobody knows whether it went out, so its report is waited for."""
    people = on_call()
    people.alarm()
    people.becomes(ANNA, state=State.UNKNOWN)
    assert people.outcomes == []
    people.becomes(ANNA, state=State.SENT, report="delivered")
    assert isinstance(people.outcome, Delivered)


def test_once_only() -> None:
    """After a restart the alarm comes again; nobody is texted again, and the time goes on."""
    before = on_call(patience=60.0)
    before.alarm()
    before.gateway.clock.advance(40)
    after = on_call(gateway=before.gateway, patience=60.0)
    after.alarm()
    assert len(after.gateway.sms) == 1
    after.gateway.clock.advance(20)
    assert isinstance(after.outcome, Refused)


def test_what_happened_meanwhile() -> None:
    """What became of an SMS while nobody looked is seen at once."""
    before = on_call()
    before.alarm()
    before.gateway.becomes(f"x-7/{ANNA}", state=State.SENT, report="delivered")
    after = on_call(gateway=before.gateway)
    after.alarm()
    assert isinstance(after.outcome, Delivered)
    before.gateway.clock.advance(300)


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (Busy("too much waits", after=2.0), TryLater),
        (StoreUnavailable("the disk is full"), TryLater),
        (Forbidden("no"), Refused),
        (Conflict("used before"), Refused),
    ],
)
def test_trouble(trouble: Exception, kind: type[Exception]) -> None:
    """What passes is tried again, what does not is somebody else's turn."""
    people = on_call(gateway=AlarmedGateway(refusal=trouble))
    people.alarm()
    assert isinstance(people.outcome, kind)
    assert people.gateway.clock.getDelayedCalls() == []


class TestAnswers:
    """A person takes an alarm over by an SMS."""

    def test_taken(self) -> None:
        """ACK with the id ends the waiting, whatever the handset says later."""
        people = on_call(until="acknowledged")
        people.gateway.names[ANNA] = "Anna"
        people.alarm()
        people.becomes(ANNA, state=State.SENT, report="delivered")
        assert people.outcomes == []
        people.give(sms("ACK x-7", id="x-20", sender=ANNA))
        assert people.gateway.taken_over["x-7"] == "Anna"
        assert people.outcomes == [
            Delivered(detail="acknowledged by Anna"),
            Delivered(detail="acknowledges alarm x-7"),
        ]

    def test_who_answers_is_told(self) -> None:
        """In the middle of the night, silence would mean a second try."""
        people = on_call()
        people.alarm()
        people.give(sms("ack", id="x-20", sender=ANNA))
        confirmation = people.gateway.sms[f"ack-x-20/{ANNA}"]
        assert confirmation.text == "Alarm x-7 is yours, thank you"

    def test_without_a_word(self) -> None:
        """Those who pay for each SMS can leave that out."""
        people = on_call(confirm=False)
        people.alarm()
        people.give(sms("ack x-7", id="x-20", sender=ANNA))
        assert people.gateway.taken_over["x-7"] == ANNA
        assert list(people.gateway.sms) == [f"x-7/{ANNA}"]

    def test_the_latest(self) -> None:
        """A bare ACK means the alarm that came last, even after a restart."""
        before = on_call()
        before.alarm()
        after = on_call(gateway=before.gateway)
        after.give(sms("Ack.", id="x-20", sender=ANNA))
        assert after.gateway.taken_over["x-7"] == ANNA
        before.gateway.clock.advance(300)

    @pytest.mark.parametrize("sender", ["06301111111", "0036301111111"])
    def test_as_networks_write_it(self, sender: str) -> None:
        """The same person, whatever the network puts before the number."""
        people = on_call()
        people.alarm()
        people.give(sms("ACK", id="x-20", sender=sender))
        assert people.gateway.taken_over["x-7"] == ANNA
        assert f"ack-x-20/{ANNA}" in people.gateway.sms

    @pytest.mark.parametrize("sender", [BELA, "Anna"])
    def test_strangers(self, sender: str) -> None:
        """Who was not asked cannot stop an alarm."""
        people = on_call()
        people.alarm()
        people.give(sms("ACK x-7", id="x-20", sender=sender))
        assert people.gateway.taken_over["x-7"] == ""
        assert people.outcome == Delivered(detail="this number has no alarms here")
        people.gateway.clock.advance(300)

    def test_no_such_alarm(self) -> None:
        """A mistyped id is said to the person, who would think it was heard."""
        people = on_call()
        people.give(sms("ACK x-9", id="x-20", sender=ANNA))
        assert people.gateway.sms[f"ack-x-20/{ANNA}"].text == "ACK x-9: there is no alarm 'x-9'"

    def test_nothing_to_answer(self) -> None:
        """ACK out of the blue changes nothing."""
        people = on_call()
        people.give(sms("ACK", id="x-20", sender=ANNA))
        assert people.outcome == Delivered(detail="no alarm was texted to this number")

    def test_the_confirmation_cannot_be_sent(self) -> None:
        """The answer counts all the same."""
        people = on_call()
        people.alarm()
        people.gateway.refusal = Forbidden("no")
        people.give(sms("ACK x-7", id="x-20", sender=ANNA))
        assert people.gateway.taken_over["x-7"] == ANNA
        assert all(isinstance(outcome, Delivered) for outcome in people.outcomes)


def test_what_mail_could_not_deliver() -> None:
    """An SMS that another bridge hands over is delivered once ours are on disk."""
    people = on_call(ANNA, BELA)
    people.give(evolve(sms("Pump 3 stopped"), id="x-30"))
    assert people.outcome == Delivered(detail="goes out as x-10, x-11")
    assert {one.text for one in people.gateway.sms.values()} == {"+36301234567: Pump 3 stopped"}


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"numbers": ()}, "name at least one"),
        ({"numbers": ("06301234567",)}, "must have + and the country code"),
        ({"numbers": (ANNA,), "form": "morse"}, "none of words, machine"),
        ({"numbers": (ANNA,), "until": "read"}, "none of delivered, sent, acknowledged"),
        ({"numbers": (ANNA,), "patience": 0.0}, "more than 0"),
    ],
)
def test_settings(keys: dict[str, Any], why: str) -> None:
    """What cannot work is said at the start."""
    with pytest.raises(ValueError, match=re.escape(why)):
        SmsSettings(**keys)


def test_it_takes_answers_only() -> None:
    """Ordinary SMS are no alarms: nobody is woken by them."""
    rule = SmsSettings(numbers=(ANNA,)).rule
    assert rule.match
    assert rule.sms
