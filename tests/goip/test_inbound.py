"""
Incoming SMS: kept first, answered then, handed on once. An acknowledgement
makes the device delete its copy.
"""

from __future__ import annotations

import pytest
from twisted.logger import capturedLogs

from goiptwist.alarm.panel_sms import PanelSms
from goiptwist.errors import TryLater
from goiptwist.gateway import device_ports
from tests.conftest import FailureLog
from tests.goip.conftest import MakesWires
from tests.wire import HeldBack, Wire, refuse_writes


def sms(number: int = 7, text: str = "hello", sender: str = "+3630", **fields: str) -> str:
    who = {"id": "goipid1", "password": "password1", **fields}
    head = ";".join(f"{key}:{value}" for key, value in who.items())
    return f"RECEIVE:{number};{head};srcnum:{sender};msg:{text}"


def taken(wire: Wire) -> list[str]:
    return [message.text for message in wire.recorder.taken]


BODIES = {
    "separators": "a;b:c;msg:d;id:x;password:y",
    "begins like a field": ";msg:;msg:",
    "newlines inside": "one\ntwo\r\nthree",
    "newline at the end": "one\n",
    "blanks around": "  one  ",
    "empty": "",
    "emoji and bidi": "\U0001f600\u202eabc\u202c\u200d",
    "not normalised": "e\u0301 \u00e9",
    "control characters": "a\x01\x1b[31mb\x7f",
    "html and formulas": '<script>alert("x")</script> =1+1',
    "shell words": "$(reboot) `x` 'y' \"z\" | & ; #",
    "percent and braces": "%s %(x)s {line} {0}",
    "longest": "x" * 3000,
    "longest in three bytes": "\u20ac" * 1000,
    "missed part": " [SMS1 missed] rest",
    "like a command": "RECEIVE 7 OK\n",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_every_body_is_kept_exactly(wire: Wire, body: str) -> None:
    """C{msg} is last and runs to the end of the datagram; nothing in it is syntax."""
    wire.says(sms(text=body))
    assert wire.hears() == [b"RECEIVE 7 OK\n"]
    assert taken(wire) == [body]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"caf\xe9", "caf\ufffd"),
        (b"a\0b", "a\ufffdb"),
        (b"a\0\0", "a"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
    ids=["latin-1", "NUL inside", "NUL at the end", "no UTF-8 at all"],
)
def test_what_no_text_can_hold(wire: Wire, sent: bytes, kept: str) -> None:
    """An SMS is not lost for a bad byte: it is shown as one that cannot be shown."""
    wire.says(sms(text="").encode() + sent)
    assert wire.hears() == [b"RECEIVE 7 OK\n"]
    assert taken(wire) == [kept]


@pytest.mark.parametrize("sender", ["+36301234567", "100", "Vodafone", "A-B C", "", "\u00c1ron"])
def test_senders(wire: Wire, sender: str) -> None:
    """Numbers, short codes, names; the network may hide it altogether."""
    wire.says(sms(sender=sender))
    assert [m.sender for m in wire.recorder.taken] == [sender]


@pytest.mark.parametrize("number", [0, -5, 1, 1270197307, 2**31, 10**17])
def test_numbers(wire: Wire, number: int) -> None:
    """From the clock, counting down; small or negative where there is no clock."""
    wire.says(sms(number))
    assert wire.hears() == [b"RECEIVE %d OK\n" % number]


def test_the_service_centre(wire: Wire) -> None:
    """Newer firmware names it before the text."""
    wire.says("RECEIVE:7;id:goipid1;password:password1;srcnum:1;smscnum:+3620;msg:hi")
    assert [(m.smsc, m.text) for m in wire.recorder.taken] == [("+3620", "hi")]


def test_no_keepalive_is_needed(wires: MakesWires) -> None:
    """The SMS carries id and password itself; it may come before any keepalive."""
    wire = wires()
    wire.says(sms(), at=("198.51.100.1", 1))
    assert wire.hears_where() == [(b"RECEIVE 7 OK\n", ("198.51.100.1", 1))]


class TestKeepFirst:
    """The order of commit and acknowledgement."""

    def test_no_yes_before_the_commit(self, wires: MakesWires) -> None:
        """While the disk works nothing is said and nothing handed on; keepalives go on."""
        disk = HeldBack()
        disk.holding = False
        wire = wires(run_writing=disk)
        disk.holding = True
        wire.says(sms())
        assert (wire.hears(), taken(wire)) == ([], [])
        wire.registers()
        disk.release()
        assert (wire.hears(), taken(wire)) == ([b"RECEIVE 7 OK\n"], ["hello"])

    def test_repeats_meanwhile(self, wires: MakesWires) -> None:
        """The device repeats itself while the disk is slow: one SMS, as many answers."""
        disk = HeldBack()
        disk.holding = False
        wire = wires(run_writing=disk)
        disk.holding = True
        for _ in range(4):
            wire.says(sms())
        disk.release()
        assert wire.hears() == [b"RECEIVE 7 OK\n"] * 4
        assert taken(wire) == ["hello"]

    def test_the_store_is_not_to_be_had(self, wire: Wire, logged_failures: FailureLog) -> None:
        """
        No answer, so that the device keeps its copy; keepalives are answered,
        health says why, and all goes on by itself.
        """
        refuse_writes(wire.store)
        wire.says(sms())
        assert (wire.hears(), taken(wire)) == ([], [])
        wire.registers()
        assert wire.gateway.rejections.counts == {"not_kept": 1}
        [problem] = wire.gateway.powers.operator.health().problems
        assert problem.startswith("the store cannot commit: ")
        refuse_writes(wire.store, False)
        wire.says(sms())
        assert (wire.hears(), taken(wire)) == ([b"RECEIVE 7 OK\n"], ["hello"])
        assert wire.gateway.powers.operator.health().ok
        assert len(logged_failures.flush()) == 1

    def test_a_bug_is_no_yes(
        self, wire: Wire, monkeypatch: pytest.MonkeyPatch, logged_failures: FailureLog
    ) -> None:
        """Whatever breaks on the way to the disk, the device keeps its copy."""

        async def broken(panels: object, sms: object) -> None:
            raise KeyError("bug")

        monkeypatch.setattr(PanelSms, "receive", broken)
        wire.says(sms())
        assert wire.hears() == []
        assert [e["log_failure"].type for e in logged_failures.flush()] == [KeyError]

    def test_overload(self, wires: MakesWires, monkeypatch: pytest.MonkeyPatch) -> None:
        """Too much waits for the disk: the device repeats in 3 s, when it is better."""
        monkeypatch.setattr(device_ports, "OVERLOAD", 2)
        disk = HeldBack()
        disk.holding = False
        wire = wires(run_writing=disk)
        disk.holding = True
        for number in range(10):
            wire.says(sms(number))
        disk.release()
        assert len(wire.hears()) == 4  # one in hand, three waiting
        assert wire.gateway.rejections.counts["overload"] == 6


class TestRepeats:
    """A device repeats until it is answered; its numbers come again after a reboot."""

    def test_answered_again_and_not_handed_on(self, wire: Wire) -> None:
        """Our answer was lost."""
        for _ in range(4):
            wire.says(sms())
        assert wire.hears() == [b"RECEIVE 7 OK\n"] * 4
        assert taken(wire) == ["hello"]
        assert wire.gateway.rejections.counts["repeats"] == 3

    def test_after_a_restart_too(self, wire: Wire) -> None:
        """It is remembered on disk."""
        wire.says(sms())
        wire.crash()
        wire.start()
        wire.says(sms())
        assert wire.hears() == [b"RECEIVE 7 OK\n"] * 2
        assert taken(wire) == ["hello"]

    @pytest.mark.parametrize(
        "other",
        [sms(6), sms(text="hullo"), sms(sender="+3631")],
        ids=["number", "text", "sender"],
    )
    def test_something_else(self, wire: Wire, other: str) -> None:
        """Another number, text or sender is another SMS."""
        wire.says(sms())
        wire.says(other)
        assert len(taken(wire)) == 2

    def test_another_line(self, wires: MakesWires) -> None:
        """Two SIMs may get the same text with the same number."""
        wire = wires(lines=2)
        wire.says(sms())
        wire.says(sms(id="goipid2", password="password2"), 2)
        assert len(taken(wire)) == 2

    def test_not_for_ever(self, wire: Wire) -> None:
        """Three days later the same number and text are a new SMS."""
        wire.says(sms())
        wire.clock.advance(3 * 86400 - 1)
        wire.says(sms())
        assert len(taken(wire)) == 1
        wire.clock.advance(1)
        wire.says(sms())
        assert len(taken(wire)) == 2

    def test_a_bridge_that_is_down_makes_no_second(self, wire: Wire) -> None:
        """A repeat is no new delivery, however the first one stands."""
        wire.recorder.troubles.append(TryLater("down", attempted=False))
        wire.says(sms())
        wire.says(sms())
        assert taken(wire) == []
        wire.waits(5)
        assert taken(wire) == ["hello"]


class TestStrangers:
    """Who is not a line learns little and gains nothing."""

    @pytest.mark.parametrize("fields", [{"id": "nobody"}, {"password": "geheim"}])
    def test_refused(self, wire: Wire, fields: dict[str, str]) -> None:
        """As the seed says, with one text for both, kept nowhere."""
        datagram = sms(**fields)
        with capturedLogs() as logs:
            wire.says(datagram)
        assert wire.hears() == [b"RECEIVE 7 ERROR wrong id or password"]
        assert taken(wire) == []
        assert "geheim" not in str(list(logs))

    @pytest.mark.parametrize("kind", ["RECEIVE:1;id:;srcnum:;msg:", "DELIVER:1;id:;sms_no:"])
    def test_never_longer_than_the_question(self, wire: Wire, kind: str) -> None:
        """Nobody can use the gateway to send more than he sent himself."""
        wire.says(kind, at=("198.51.100.1", 1))
        [answer] = wire.hears()
        assert answer.startswith(kind[:7].encode() + b" 1 ERROR ")
        assert len(answer) == len(kind)

    def test_pinned_elsewhere(self, wires: MakesWires) -> None:
        """The right password from the wrong place: silence, and a line in the log."""
        wire = wires(line={"address": "192.0.2.1"})
        with capturedLogs() as logs:
            wire.says(sms(), at=("192.0.2.2", 10991))
        assert (wire.hears(), taken(wire)) == ([], [])
        assert [e["complaint"] for e in logs] == ["wrong_address"]
