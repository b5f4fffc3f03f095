"""
The dialogue with a receiver: an alarm is delivered when the ACK of its number
has come, and not before. Time is a clock, the network is a list.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure

from goiptwist.bridges.dc09.bridge import Dc09Bridge
from goiptwist.bridges.dc09.frames import ACK, Dc09Frame, crc
from goiptwist.bridges.dc09.sequences import BLOCK, LAST
from goiptwist.config.common import DeliverySettings
from goiptwist.errors import Refused, StoreUnavailable, TryLater
from goiptwist.gateway.bridge_keys import retry_policy
from goiptwist.model.delivery import Delivered
from goiptwist.testing.stubs import StandInGateway, StandInMemory, alarm, sms
from tests.bridges.dc09.far_ends import BACKUP, KEY, MAIN, NOW, Wire, bridge_on, settings


class Delivering:
    """One delivery under way."""

    def __init__(self, bridge: Dc09Bridge, **changes: Any) -> None:
        self.result: Any = None
        self.bridge = bridge
        self.deferred: Deferred[Any] = ensureDeferred(bridge.deliver(alarm(**changes)))
        self.deferred.addBoth(self._done)

    def _done(self, result: Any) -> None:
        self.result = result.value if isinstance(result, Failure) else result


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_the_seed(wire: Wire) -> None:
    """The event of the seed goes out as one frame, and its ACK is the delivery."""
    bridge = bridge_on(wire)
    delivering = Delivering(bridge)
    [(place, frame)] = wire.sent
    assert place == MAIN
    assert frame == Dc09Frame(
        name="ADM-CID", sequence="0001", receiver="0", line="0", account="1113",
        data="#1113|1123 03 003",
    )  # fmt: skip
    assert delivering.result is None
    wire.answers(ACK)
    assert delivering.result == Delivered(detail=f"ACK from {MAIN}, sequence 0001")
    assert bridge.outage == ""
    assert wire.clock.getDelayedCalls() == []
    assert wire.closed == 1


def test_the_log_has_the_words_of_the_seed(wire: Wire) -> None:
    """One line of the log has all that was reported to the station."""
    with capturedLogs() as logs:
        delivering = Delivering(bridge_on(wire))
        wire.answers(ACK)
    assert delivering.result
    said = "Account: 1113, Type: Preferred, Event: NewEvent, Code: 123, Partition: 03, Zone: 003"
    assert [one["event"] for one in logs if "event" in one] == [said, said]


def test_an_sms_is_no_alarm(wire: Wire) -> None:
    """A message without an event is refused, and nothing leaves."""
    bridge = bridge_on(wire)
    for message in (sms(), alarm("1113,18,5,123,03,003")):
        reasons: list[Any] = []
        refused = ensureDeferred(bridge.deliver(message))
        refused.addErrback(lambda failure, said=reasons: said.append(failure.trap(Refused)))
        assert reasons == [Refused]
    assert wire.sent == []
    assert settings().sms is False


def test_own_account(wire: Wire) -> None:
    """The station may know everything under one account."""
    Delivering(bridge_on(wire, account="00ab12"))
    [(_, frame)] = wire.sent
    assert (frame.account, frame.data) == ("00AB12", "#00AB12|1123 03 003")
    wire.answers(ACK)


def test_only_its_own_ack(wire: Wire) -> None:
    """
    A late ACK of something else, a frame of a panel, or an ACK that is naked
    delivers nothing.
    """
    delivering = Delivering(bridge_on(wire))
    wire.answers(ACK, sequence="0002")
    wire.answers("RSP")
    wire.answers("NULL")
    wire.says(b'"ACK"')
    wire.says(b"\n")
    assert delivering.result is None
    wire.answers(ACK)
    assert isinstance(delivering.result, Delivered)


def test_an_ack_with_none_for_the_receiver(wire: Wire) -> None:
    """pysiaalarm writes None where it has no R; it is an ACK all the same."""
    delivering = Delivering(bridge_on(wire))
    body = b'"ACK"0001NoneL0#1113[]'
    wire.says(b"\n%04X%04X%b\r" % (crc(body), len(body), body))
    assert isinstance(delivering.result, Delivered)


def test_silence(wire: Wire) -> None:
    """It is sent again with the same number, then the attempt is over, and counts."""
    bridge = bridge_on(wire, timeout=5.0, tries=3)
    delivering = Delivering(bridge)
    wire.clock.pump([5.0, 5.0])
    assert wire.sequences == ["0001"] * 3
    assert delivering.result is None
    wire.clock.advance(5.0)
    assert isinstance(delivering.result, TryLater)
    assert delivering.result.attempted
    assert "did not answer within 5 s, 3 times" in str(delivering.result)
    assert str(MAIN) in bridge.outage
    assert wire.clock.getDelayedCalls() == []


def test_the_second_receiver(wire: Wire) -> None:
    """When the first is silent the second has its turn, with the same number."""
    bridge = bridge_on(wire, backup=BACKUP, tries=1)
    delivering = Delivering(bridge)
    wire.clock.advance(5.0)
    assert [place for place, _ in wire.sent] == [MAIN, BACKUP]
    assert wire.sequences == ["0001", "0001"]
    wire.answers(ACK)
    assert delivering.result == Delivered(detail=f"ACK from {BACKUP}, sequence 0001")
    assert str(MAIN) in bridge.outage, "the first is still in trouble"


def test_nobody_is_there(wire: Wire) -> None:
    """Of both being away the chain hears at once, as an attempt."""
    wire.away = {MAIN, BACKUP}
    delivering = Delivering(bridge_on(wire, backup=BACKUP))
    assert isinstance(delivering.result, TryLater)
    assert delivering.result.attempted
    assert str(MAIN) in str(delivering.result)
    assert str(BACKUP) in str(delivering.result)


def test_a_repeat_keeps_its_number(wire: Wire) -> None:
    """An alarm whose ACK was lost comes again under its number; another has another."""
    wire.away = {MAIN}
    bridge = bridge_on(wire)
    Delivering(bridge, id="a1")
    wire.away = set()
    for message_id in ("a1", "a2", "a1"):
        Delivering(bridge, id=message_id)
        wire.answers(ACK)
    assert wire.sequences == ["0001", "0002", "0001"]


def test_duh(wire: Wire) -> None:
    """What the receiver will never understand is not tried again."""
    delivering = Delivering(bridge_on(wire))
    wire.answers("DUH")
    assert isinstance(delivering.result, Refused)
    assert "DUH" in str(delivering.result)


def test_a_naked_nak(wire: Wire) -> None:
    """pysiaalarm says no more than NAK to an account that it does not know."""
    delivering = Delivering(bridge_on(wire))
    wire.says(b'"NAK"')
    assert isinstance(delivering.result, TryLater)
    assert "does not know the account" in str(delivering.result)


def test_resync(wire: Wire) -> None:
    """The time of a NAK becomes ours, for this receiver, and the event goes once more."""
    bridge = bridge_on(wire, key=KEY)
    delivering = Delivering(bridge)
    assert wire.sent[-1][1].time == NOW
    nak = Dc09Frame(name="NAK", sequence="0000", receiver="0", line="0", time=NOW + 300)
    wire.clock.advance(1)
    wire.says(nak)
    assert wire.sequences == ["0001", "0001"]
    assert wire.sent[-1][1].time == NOW + 300
    wire.answers(ACK)
    assert isinstance(delivering.result, Delivered)
    Delivering(bridge, id="a2")
    assert wire.sent[-1][1].time == NOW + 300
    wire.answers(ACK)


def test_nak_again(wire: Wire) -> None:
    """A NAK to the right time is about something else: no loop."""
    delivering = Delivering(bridge_on(wire, key=KEY))
    nak = Dc09Frame(name="NAK", sequence="0000", time=NOW)
    wire.says(nak)
    wire.says(nak)
    assert isinstance(delivering.result, TryLater)
    assert len(wire.sent) == 2


def test_an_ack_in_clear_proves_nothing(wire: Wire) -> None:
    """With a key, only an ACK of somebody who has it counts; or the settings say else."""
    delivering = Delivering(bridge_on(wire, key=KEY, tries=1))
    wire.answers(ACK, encrypted=False)
    wire.key, right = b"another key 16 B", wire.key
    wire.answers(ACK)
    wire.key = right
    assert delivering.result is None
    wire.clock.advance(5.0)
    assert isinstance(delivering.result, TryLater)

    lenient = Wire()
    delivering = Delivering(bridge_on(lenient, key=KEY, plain_ack=True))
    lenient.answers(ACK, encrypted=False)
    assert isinstance(delivering.result, Delivered)


def test_why_an_ack_in_clear_was_not_enough(wire: Wire) -> None:
    """The sentence names the cure."""
    delivering = Delivering(bridge_on(wire, key=KEY, tries=1))
    wire.answers(ACK, encrypted=False)
    wire.clock.advance(5.0)
    assert "plain_ack = true" in str(delivering.result)


def test_one_after_the_other_over_one_connection(wire: Wire) -> None:
    """Receivers read no second frame before they have answered the first."""
    bridge = bridge_on(wire)
    deliveries = [Delivering(bridge, id=f"a{n}") for n in range(50)]
    for n in range(1, 51):
        assert wire.sequences[-1] == f"{n:04d}"
        assert len(wire.sent) == n
        wire.answers(ACK)
    assert all(isinstance(delivering.result, Delivered) for delivering in deliveries)
    assert (wire.opened, wire.closed) == (1, 1)


def test_a_receiver_that_hangs_up_after_each_ack(wire: Wire) -> None:
    """The next one opens anew, and loses no try by it."""
    bridge = bridge_on(wire, tries=1)
    first, second = Delivering(bridge, id="a1"), Delivering(bridge, id="a2")
    wire.answers(ACK)
    wire.listener.closed()
    wire.answers(ACK)
    assert isinstance(first.result, Delivered)
    assert isinstance(second.result, Delivered)
    assert wire.opened == 2


def test_a_storm_at_a_silent_receiver(wire: Wire) -> None:
    """Fifty that wait share the fate of the first: none waits fifty times as long."""
    bridge = bridge_on(wire, tries=2)
    deliveries = [Delivering(bridge, id=f"a{n}") for n in range(50)]
    wire.clock.pump([5.0, 5.0])
    assert all(isinstance(delivering.result, TryLater) for delivering in deliveries)
    assert len(wire.sent) == 2
    again = Delivering(bridge, id="a0")
    wire.answers(ACK)
    assert isinstance(again.result, Delivered)


def test_nonsense(wire: Wire) -> None:
    """What is no DC-09 is no answer; the reason says that there was one."""
    delivering = Delivering(bridge_on(wire, tries=1))
    wire.says(b"HTTP/1.1 400 Bad Request")
    wire.clock.advance(5.0)
    assert "nothing of SIA DC-09" in str(delivering.result)


def test_numbers_survive_a_restart(wire: Wire) -> None:
    """After a restart they go on behind all that may have been used."""
    gateway = StandInGateway(reactor=None, clock=wire.clock)
    for _ in range(2):
        bridge = bridge_on(wire, gateway)
        for n in (1, 2):
            Delivering(bridge, id=f"a{n}")
            wire.answers(ACK)
    assert wire.sequences == ["0001", "0002", f"{BLOCK + 1:04d}", f"{BLOCK + 2:04d}"]


def test_numbers_come_round(wire: Wire) -> None:
    """9999 is followed by 0001: 0000 is for link tests."""
    gateway = StandInGateway(reactor=None, clock=wire.clock)
    gateway.notes["sequence"] = str(LAST)
    bridge = bridge_on(wire, gateway)
    for n in (1, 2):
        Delivering(bridge, id=f"a{n}")
        wire.answers(ACK)
    assert wire.sequences == ["9999", "0001"]
    assert 0 < int(gateway.notes["sequence"]) <= LAST


def test_a_full_disk_holds_no_alarm_up(wire: Wire) -> None:
    """Tidy numbers are less than an alarm."""

    class Full(StandInMemory):
        async def put(self, key: str, value: str) -> None:
            raise StoreUnavailable("the disk is full")

    gateway = StandInGateway(reactor=None, clock=wire.clock)
    gateway.memory = Full({})
    bridge = bridge_on(wire, gateway)
    for n in (1, 2):
        delivering = Delivering(bridge, id=f"a{n}")
        wire.answers(ACK)
        assert isinstance(delivering.result, Delivered)
    assert wire.sequences == ["0001", "0002"]


def test_supervision(wire: Wire) -> None:
    """
    A link test at each interval. When one fails this is a trouble, told once,
    and told again when it is over.
    """
    bridge = bridge_on(wire, supervise=60.0, tries=1, account="1113")
    with capturedLogs() as logs:
        bridge.startService()
        assert wire.sent[-1][1] == Dc09Frame(
            name="NULL", sequence="0000", receiver="0", line="0", account="1113"
        )
        wire.answers(ACK)
        wire.clock.advance(60.0)
        assert len(wire.sent) == 2
        assert bridge.outage == ""
        wire.clock.pump([5.0, 55.0, 5.0])
        assert "did not answer" in bridge.outage
        wire.clock.advance(55.0)
        wire.answers(ACK)
        assert bridge.outage == ""
    levels = [event["log_level"] for event in logs]
    assert levels == [LogLevel.warn, LogLevel.info]
    bridge.stopService()
    assert wire.clock.getDelayedCalls() == []


def test_supervision_survives_a_bug(wire: Wire, logged_failures: Any) -> None:
    """What breaks a link test is a trouble, and the next test is made all the same."""
    bridge = bridge_on(wire, supervise=60.0)
    bridge.startService()
    wire.answers(ACK)
    bridge.open_transport = lambda place, listener: 1 / 0
    wire.clock.advance(60.0)
    assert "broke" in bridge.outage
    assert len(logged_failures.flush()) == 1
    bridge.open_transport = wire.opens
    wire.clock.advance(60.0)
    wire.answers(ACK)
    assert bridge.outage == ""
    bridge.stopService()


def test_stopping(wire: Wire) -> None:
    """An alarm under way comes again after the start, and no attempt is used up."""
    bridge = bridge_on(wire, backup=BACKUP)
    bridge.startService()
    delivering = Delivering(bridge)
    bridge.stopService()
    assert isinstance(delivering.result, TryLater)
    assert not delivering.result.attempted
    assert wire.clock.getDelayedCalls() == []
    bridge.startService()
    delivering = Delivering(bridge)
    wire.answers(ACK)
    assert isinstance(delivering.result, Delivered)
    bridge.stopService()


def test_given_up_by_its_queue(wire: Wire) -> None:
    """A delivery that was cancelled leaves no timer, and the connection free for the next."""
    bridge = bridge_on(wire)
    first = Delivering(bridge, id="a1")
    first.deferred.cancel()
    assert wire.clock.getDelayedCalls() == []
    second = Delivering(bridge, id="a2")
    wire.answers(ACK)
    assert isinstance(second.result, Delivered)


def test_check(wire: Wire) -> None:
    """C{--check-config} says what a link test was answered."""
    bridge = bridge_on(wire, account="1113")
    checking = ensureDeferred(bridge.check())
    wire.answers(ACK)
    said: list[str] = []
    checking.addCallback(said.append)
    assert said == [f"a link test was answered: {MAIN}: ACK"]


def test_check_without_an_account(wire: Wire) -> None:
    """Why should a receiver know the account of nobody? It is there, and that is said."""
    checking = ensureDeferred(bridge_on(wire).check())
    wire.says(Dc09Frame(name="NAK", sequence="0000", time=NOW))
    wire.says(Dc09Frame(name="NAK", sequence="0000", time=NOW))
    said: list[str] = []
    checking.addCallback(said.append)
    assert "NAK to account 0000" in said[0]


def test_check_of_a_wrong_account(wire: Wire) -> None:
    """But it must know the one in the settings."""
    checking = ensureDeferred(bridge_on(wire, account="1113").check())
    wire.says(b'"NAK"')
    troubles: list[str] = []
    checking.addErrback(lambda failure: troubles.append(str(failure.value)))
    assert "does not know the account" in troubles[0]


def test_pace(wire: Wire) -> None:
    """The queue gives it many at once, and counts every attempt, so that a chain goes on."""
    policy = retry_policy(bridge_on(wire), settings(), DeliverySettings())
    assert (policy.at_once, policy.circuit_breaker) == (50, False)


def test_the_alarm_is_not_its_text(wire: Wire) -> None:
    """What a person reads of it plays no part on the wire."""
    bridge = bridge_on(wire)
    ensureDeferred(bridge.deliver(evolve(alarm(), text="x]\r\n[|#", sender="\r")))
    assert wire.sent[0][1].data == "#1113|1123 03 003"
    wire.answers(ACK)


class TestProof:
    """With a key, only who has it can say that an alarm has arrived."""

    def refused(self, wire: Wire, raw: bytes) -> str:
        """What the delivery ends with when that was the only answer."""
        delivering = Delivering(bridge_on(wire, key=KEY, tries=1))
        wire.says(raw)
        assert delivering.result is None
        wire.clock.advance(5.0)
        return str(delivering.result)

    def test_our_own_words(self, wire: Wire) -> None:
        """What we have encrypted proves nothing when it comes back as an ACK."""
        raws: list[bytes] = []
        wire.raws = raws.append
        delivering = Delivering(bridge_on(wire, key=KEY, tries=1))
        head, _, secret = raws[0][9:].partition(b"[")
        body = head.replace(b"ADM-CID", b"ACK") + b"[" + secret.rstrip(b"\r")
        wire.says(b"\n%04X%04X%b\r" % (crc(body), len(body), body))
        assert delivering.result is None
        wire.clock.advance(5.0)
        assert "own words" in str(delivering.result)

    @pytest.mark.parametrize("time", [NOW - 3600, NOW + 3600, None])
    def test_an_old_one(self, wire: Wire, time: float | None) -> None:
        """An ACK that somebody has recorded carries the time at which it was said."""
        old = Dc09Frame(
            name=ACK, sequence="0001", receiver="0", line="0", account="1113",
            encrypted=True, time=time,
        )  # fmt: skip
        wire.key = KEY.encode()
        assert "no time near ours" in self.refused(wire, old.format(KEY.encode()))

    @pytest.mark.parametrize(
        "changes", [{"sequence": "0002"}, {"account": "2222"}, {"receiver": "7"}, {"line": "7"}]
    )
    def test_of_another_frame(self, wire: Wire, changes: dict[str, str]) -> None:
        """It names what it answers: sequence, account, receiver and line."""
        delivering = Delivering(bridge_on(wire, key=KEY, tries=1))
        wire.answers(ACK, encrypted=True, **changes)
        assert delivering.result is None
        wire.answers(ACK, encrypted=True)
        assert isinstance(delivering.result, Delivered)

    def test_random_blocks(self, wire: Wire) -> None:
        """Who has no key may try as often as the wire lets him."""
        delivering = Delivering(bridge_on(wire, key=KEY, tries=1))
        for number in range(1500):
            block = hashlib.sha256(b"%d" % number).hexdigest()[:32].encode().upper()
            body = b'"*ACK"0001R0L0#1113[' + block
            wire.says(b"\n%04X%04X%b\r" % (crc(body), len(body), body))
        assert delivering.result is None
        wire.answers(ACK, encrypted=True)
        assert isinstance(delivering.result, Delivered)

    def test_a_nak_of_2038(self, wire: Wire) -> None:
        """Anybody can say NAK: our frames do not get a time by it that nobody has."""
        delivering = Delivering(bridge_on(wire, key=KEY))
        wire.says(Dc09Frame(name="NAK", sequence="0000", time=2.1e9))
        assert isinstance(delivering.result, TryLater)
        Delivering(delivering.bridge, id="a2")
        assert wire.sent[-1][1].time == NOW
