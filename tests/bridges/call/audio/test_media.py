"""Audio under a clock: when packets leave, and whose packets are heard."""

from __future__ import annotations

import numpy as np
import pytest
from twisted.internet.task import Clock

from goiptwist.bridges.call.audio.g711 import PCMA, PCMU, RATE, Samples
from goiptwist.bridges.call.audio.media import AHEAD, SLEPT, RtpSession
from goiptwist.bridges.call.audio.rtp import PACKET, RtpPacket, RtpPacketizer, RtpTarget
from goiptwist.bridges.call.audio.tones import digits, tone
from goiptwist.bridges.call.dialogue import ContactIdDialogue, PendingFrame
from goiptwist.simulator.station import SimulatedToneReceiver
from tests.bridges.call.audio.test_tones import FRAMES

THERE = ("192.0.2.9", 4000)


class RecordedEndpoint:
    """Says one sound, and keeps what it hears."""

    def __init__(self, sound: Samples) -> None:
        self.sound, self.heard, self.over = sound, [np.zeros(0, np.int16)], False

    def receive(self, samples: Samples) -> None:
        self.heard.append(samples)

    def produce(self, count: int) -> Samples:
        said, self.sound = self.sound[:count], self.sound[count:]
        return np.concatenate([said, np.zeros(count - len(said), np.int16)])


class OneEnd:
    """One end of a call, and a list of what it sent."""

    def __init__(self, sound: Samples) -> None:
        self.clock = Clock()
        self.sent: list[tuple[float, RtpPacket, tuple[str, int]]] = []
        self.endpoint = RecordedEndpoint(sound)
        self.media = RtpSession(self.clock, self.endpoint, write=self._write)
        self.media.connect(RtpTarget(*THERE, (PCMA,)), THERE[0])

    def _write(self, datagram: bytes, address: tuple[str, int]) -> None:
        self.sent.append((self.clock.seconds(), RtpPacket.parse(datagram), address))

    @property
    def sound(self) -> Samples:
        return np.concatenate([PCMA.decode(packet.audio) for _, packet, _ in self.sent])


@pytest.mark.parametrize("pauses", [[0.02] * 100, [0.02, 0.5] * 4, [0.013] * 160, [0.3, 0.001] * 7])
def test_whatever_the_gateway_does_meanwhile(pauses: list[float]) -> None:
    """
    What leaves is whole, numbered without a hole, and never later than the
    clock at the moment when it ran: no digit is cut.
    """
    sound = digits(FRAMES[0])
    rig = OneEnd(sound)
    for pause in pauses:
        rig.clock.advance(pause)
        assert len(rig.sent) * PACKET >= int(rig.clock.seconds() * RATE) - PACKET + AHEAD - PACKET
    numbers = [packet.sequence for _, packet, _ in rig.sent]
    assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(len(numbers))]
    stamps = [packet.timestamp for _, packet, _ in rig.sent]
    assert stamps == [(stamps[0] + n * PACKET) & 0xFFFFFFFF for n in range(len(stamps))]
    assert [packet.marker for _, packet, _ in rig.sent] == [True] + [False] * (len(numbers) - 1)
    expected = PCMA.decode(PCMA.encode(sound))
    assert rig.sound[: len(sound)].tolist() == expected.tolist()
    rig.media.stop()
    assert rig.clock.getDelayedCalls() == []


def test_a_machine_that_slept() -> None:
    """It does not send minutes of silence at once."""
    rig = OneEnd(digits(FRAMES[0]))
    rig.clock.advance(3600)
    assert len(rig.sent) < SLEPT // PACKET
    rig.media.stop()


def test_only_whom_we_speak_with_is_heard() -> None:
    """A stranger could say the kissoff, and no alarm would be missed by anybody."""
    rig = OneEnd(digits(FRAMES[0]))
    out = RtpPacketizer(PCMA, 7, 1, 1)
    for address in (("198.51.100.1", 4000), THERE, (THERE[0], 4001), THERE):
        rig.media.datagramReceived(out.packet(tone(0.02, -10, 440)), address)
    rig.clock.pump([0.02] * 20)
    loud = np.concatenate(rig.endpoint.heard)
    assert rig.media.jitter_buffer.lost == 1
    assert loud[: 2 * PACKET].any()
    rig.media.datagramReceived(b"no RTP at all", THERE)
    assert {address for _, _, address in rig.sent} == {THERE}
    rig.media.stop()


def test_who_is_first_on_the_host_of_the_station() -> None:
    """
    Another program there knows the port of the call as well as the station does: what
    it plays first is no audio of the call.
    """
    rig = OneEnd(digits(FRAMES[0]))
    false = RtpPacketizer(PCMA, 8, 1, 1)
    true = RtpPacketizer(PCMA, 7, 1, 1)
    for _ in range(5):
        rig.media.datagramReceived(false.packet(tone(0.02, -10, 1400)), (THERE[0], 4001))
    rig.media.datagramReceived(true.packet(tone(0.02, -10, 440)), THERE)
    rig.clock.pump([0.02] * 10)
    heard = np.concatenate(rig.endpoint.heard)
    assert np.count_nonzero(heard) <= PACKET
    assert heard.any()
    rig.media.stop()


def test_nothing_that_was_not_agreed() -> None:
    """The SDP says how audio is coded; what comes in another way is not from there."""
    rig = OneEnd(digits(FRAMES[0]))
    rig.media.datagramReceived(RtpPacketizer(PCMU, 7, 1, 1).packet(tone(0.02, -10, 440)), THERE)
    rig.clock.pump([0.02] * 10)
    assert not np.concatenate(rig.endpoint.heard).any()
    rig.media.stop()


def test_another_side_that_does_not_know_its_own_address() -> None:
    """Audio from the host that speaks SIP is taken, and answered where it came from."""
    clock = Clock()
    sent: list[tuple[str, int]] = []
    media = RtpSession(
        clock, RecordedEndpoint(tone(0.1, -10, 440)), write=lambda _, address: sent.append(address)
    )
    media.connect(RtpTarget("10.0.0.5", 4000, (PCMA,)), "192.0.2.9")
    media.datagramReceived(RtpPacketizer(PCMA, 7, 1, 1).packet(tone(0.02, -10, 440)), THERE)
    clock.advance(0.02)
    assert sent[0] == ("10.0.0.5", 4000)
    assert sent[-1] == THERE
    media.stop()


@pytest.mark.parametrize(("kissoff", "why"), [(0.6, ""), (0.3, "the other side hung up")])
def test_hanging_up_ends_a_kissoff(kissoff: float, why: str) -> None:
    """
    A station that gives its kissoff and hangs up in the same moment has the
    event; one that hangs up before 400 ms of it may not.
    """
    clock, outcomes = Clock(), list[str]()
    dialogue = ContactIdDialogue(10)
    dialogue.add(PendingFrame(FRAMES[0], outcomes.append))
    sent: list[bytes] = []
    media = RtpSession(clock, dialogue, write=lambda datagram, _: sent.append(datagram))
    media.connect(RtpTarget(*THERE, (PCMA,)), THERE[0])
    dialogue.call_answered()
    receiver, out, left = (
        SimulatedToneReceiver(lambda frame: None),
        RtpPacketizer(PCMA, 7, 1, 1),
        9999.0,
    )
    while left > 0:
        media.datagramReceived(out.packet(receiver.produce(PACKET)), THERE)
        clock.advance(0.02)
        for datagram in sent:
            receiver.receive(PCMA.decode(RtpPacket.parse(datagram).audio))
        sent.clear()
        left = min(left, kissoff + 0.2) - 0.02 if receiver.events else left
    assert outcomes == []
    media.drain()
    dialogue.abort("the other side hung up")
    assert outcomes == [why]
    media.stop()
