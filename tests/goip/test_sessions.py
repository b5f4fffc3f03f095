"""
Several numbers in one bulk session, several sessions on one line: the limits
of the seed, and what becomes of the rest when a session ends early.
"""

from __future__ import annotations

import pytest

from goiptwist.model.messages import Message
from tests.conftest import FailureLog
from tests.goip.conftest import MakesWires
from tests.wire import Wire, refuse_writes


def numbers(many: int) -> list[str]:
    return [f"+3630000{n:04}" for n in range(many)]


def states(wire: Wire, messages: list[Message]) -> list[str]:
    return [wire.state(message) for message in messages]


@pytest.fixture
def wire(wires: MakesWires) -> Wire:
    """One line that is given one session at a time."""
    made = wires(line={"sessions": 1})
    made.registers()
    return made


class TestSharing:
    """The recipients of one submission share a session."""

    def test_telid_by_telid(self, wire: Wire) -> None:
        """The next number after OK or ERROR for the one before (seed, step 7)."""
        messages = wire.submit(numbers(3))
        wire.opens()
        assert wire.hears()[-1] == b"SEND 11 1 +36300000000\n"
        wire.says("OK 11 1\n")
        assert wire.hears() == [b"SEND 11 2 +36300000001\n"]
        wire.says("ERROR 11 2 errorstatus:28\n")
        assert wire.hears() == [b"SEND 11 3 +36300000002\n"]
        wire.says("OK 11 3\n")
        assert wire.hears() == [b"DONE 11\n"]
        assert states(wire, messages) == ["sent", "failed", "sent"]

    def test_an_ok_of_an_older_number(self, wire: Wire) -> None:
        """A late copy is recorded where it belongs, and advances nothing."""
        messages = wire.submit(numbers(2))
        wire.opens()
        wire.says("OK 11 1\n")
        wire.hears()
        wire.says("OK 11 1\n")
        assert wire.hears() == []
        assert states(wire, messages) == ["sent", "sending"]

    def test_a_text_of_its_own(self, wire: Wire) -> None:
        """Another submission has another session, though its text is the same."""
        wire.submit(numbers(1))
        wire.submit(numbers(2)[1:])
        wire.opens()
        wire.says("OK 11 1\n")
        assert wire.hears()[-1] == b"DONE 11\n"
        wire.says("DONE 11\n")
        assert wire.hears() == [b"MSG 12 5 hello\n"]

    def test_ten_numbers(self, wire: Wire) -> None:
        """The device remembers the last ten numbers only; the eleventh needs a new session."""
        messages = wire.submit(numbers(11))
        wire.opens()
        for telid in range(1, 11):
            assert wire.hears()[-1].startswith(b"SEND 11 %d " % telid)
            wire.says(f"OK 11 {telid}\n")
        assert wire.hears() == [b"DONE 11\n"]
        wire.says("DONE 11\n")
        assert wire.hears() == [b"MSG 12 5 hello\n"]
        wire.opens(12)
        assert wire.hears()[-1] == b"SEND 12 1 +36300000010\n"
        wire.says("OK 12 1\n")
        assert states(wire, messages) == ["sent"] * 11

    def test_long_queues_take_more_lines(self, wires: MakesWires) -> None:
        """
        A free line begins a session of its own rather than let the fourth
        number wait behind three others.
        """
        wire = wires(lines=2)
        wire.registers(1)
        wire.registers(2)
        wire.submit(numbers(5))
        offers = [(d, a) for d, a in wire.hears_where() if d.startswith(b"MSG")]
        assert offers == [
            (b"MSG 11 5 hello\n", wire.address(1)),
            (b"MSG 12 5 hello\n", wire.address(2)),
        ]


class TestTooOld:
    """The device drops a session 90 s after MSG, so no number is given late."""

    def test_the_rest_goes_into_a_new_session(self, wire: Wire) -> None:
        """And uses up no attempt."""
        messages = wire.submit(numbers(3))
        wire.opens()
        wire.says("WAIT 11 1\n")
        for _ in range(14):
            wire.waits(5)
            wire.says("WAIT 11 1\n")
        wire.hears()
        wire.registers()
        wire.says("OK 11 1\n")
        assert wire.hears() == [b"DONE 11\n"]
        wire.says("DONE 11\n")
        assert wire.hears() == [b"MSG 12 5 hello\n"]
        assert states(wire, messages) == ["sent", "queued", "queued"]
        wire.opens(12)
        for telid in (1, 2):
            wire.says(f"OK 12 {telid}\n")
        assert states(wire, messages) == ["sent"] * 3

    def test_counted_from_the_first_msg(self, wire: Wire) -> None:
        """The device's own count began when it had that, however long the rest took."""
        wire.submit(numbers(2))
        wire.waits(20)
        wire.says("PASSWORD 11\n")
        wire.waits(20)
        wire.says("SEND 11\n")
        for _ in range(6):
            wire.says("WAIT 11 1\n")
            wire.waits(4.9)
            wire.registers()
        wire.waits(1)
        wire.hears()
        wire.says("OK 11 1\n")
        assert [d for d in wire.hears() if d.startswith(b"SEND")] == []


class TestEndingEarly:
    """The session breaks with numbers that were never given."""

    def test_silence(self, wire: Wire) -> None:
        """The number that was given is unknown, the others wait for another session."""
        messages = wire.submit(numbers(3))
        wire.opens()
        wire.waits(60)
        assert states(wire, messages) == ["unknown", "queued", "queued"]
        assert wire.message(messages[1]).reason == "the device went silent"

    @pytest.mark.parametrize("said", ["SENDID", "GSM_LOGOUT"])
    def test_the_device_ends_it(self, wire: Wire, said: str) -> None:
        """In the middle: the first is sent, the second refused, the third never given."""
        messages = wire.submit(numbers(3))
        wire.opens()
        wire.says("OK 11 1\n")
        wire.says(f"ERROR 11 {said}\n")
        assert states(wire, messages) == ["sent", "queued", "queued"]

    def test_wrong_password(self, wire: Wire, logged_failures: FailureLog) -> None:
        """Nobody was given anything, and everybody waits."""
        messages = wire.submit(numbers(3))
        wire.says("PASSWORD 11\n")
        wire.says("ERROR 11 PASSWORD\n")
        assert states(wire, messages) == ["queued"] * 3
        assert len(logged_failures.flush()) == 1

    def test_the_store_cannot_write_it_down(self, wire: Wire, logged_failures: FailureLog) -> None:
        """
        What is not on disk is not given to a SIM. The session ends, and all
        goes on by itself when there is space again.
        """
        messages = wire.submit(numbers(2))
        wire.says("PASSWORD 11\n")
        refuse_writes(wire.store)
        wire.says("SEND 11\n")
        assert wire.hears()[-1] == b"DONE 11\n"
        wire.says("DONE 11\n")
        wire.waits(10)
        refuse_writes(wire.store, False)
        assert set(wire.waits(10)) == {b"MSG 12 5 hello\n"}
        wire.opens(12)
        wire.says("OK 12 1\n")
        wire.says("OK 12 2\n")
        assert states(wire, messages) == ["sent", "sent"]
        assert all("cannot commit" in e["log_format"] for e in logged_failures.flush())


class TestSessionsAtOnce:
    """A device takes five sessions at once (seed, step 2)."""

    def test_five(self, wires: MakesWires) -> None:
        """The sixth text waits until one is done."""
        wire = wires()
        wire.registers()
        for n in range(6):
            wire.one(text=f"text {n}")
        assert [d.split(b" ")[1] for d in wire.hears()] == [b"11", b"12", b"13", b"14", b"15"]
        assert wire.the_line().status.sessions == 5
        wire.opens(13)
        wire.says("OK 13 1\n")
        assert wire.hears()[-1] == b"DONE 13\n"
        wire.says("DONE 13\n")
        assert wire.hears() == [b"MSG 16 6 text 5\n"]

    def test_numbers_never_come_again(self, wires: MakesWires) -> None:
        """
        Not even after a restart: a late answer to an old session would settle
        the wrong message.
        """
        wire = wires()
        wire.registers()
        wire.one()
        assert wire.hears() == [b"MSG 11 5 hello\n"]
        wire.crash()
        wire.start()
        wire.registers()
        [offer] = wire.hears()
        assert int(offer.split(b" ")[1]) > 11

    def test_no_number_no_session(self, wire: Wire, logged_failures: FailureLog) -> None:
        """
        Where the store cannot reserve numbers, the text waits; and the line,
        which had room for one session only, is used again afterwards.
        """
        message = wire.one()
        wire.says("ERROR 11 no\n")
        wire.hears()
        numbers_left = wire.gateway.goip.lines._numbers
        numbers_left._next = numbers_left._end
        refuse_writes(wire.store)
        wire.registers()
        assert wire.waits(10) == []
        refuse_writes(wire.store, False)
        wire.waits(5)
        wire.registers()
        assert wire.state(message) == "queued"
        assert wire.the_line().status.sessions == 1
        logged_failures.flush()
