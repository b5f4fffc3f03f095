"""
The send dialogue with one number: its end, and what holds in every state
(protocol section 3.3), through a whole gateway.
"""

from __future__ import annotations

import pytest

from goiptwist.goip import sending
from tests.conftest import FailureLog
from tests.goip.conftest import MakesWires
from tests.goip.dialogue import DONE, MSG, SEND, submitted
from tests.wire import Wire


class TestClosing:
    """What may follow DONE: the text is settled already."""

    def test_no_reply(self, wire: Wire) -> None:
        """DONE again, and then no more: a lost goodbye does not undo the text."""
        message = submitted(wire)
        wire.says("OK 11 1\n")
        assert wire.waits(60) == [DONE] * 3
        assert wire.state(message) == "sent"
        assert wire.the_line().status.sessions == 0

    @pytest.mark.parametrize("answer", ["DONE 11\n", "DONE 11 \n", "ERROR 11 SENDID\n"])
    def test_the_session_is_gone(self, wire: Wire, answer: str) -> None:
        """DONE confirms it, and so does not knowing the session."""
        submitted(wire)
        wire.says("OK 11 1\n")
        wire.says(answer)
        assert wire.hears() == [DONE]
        assert wire.the_line().status.sessions == 0

    @pytest.mark.parametrize("late", ["OK 11 1 32\n", "ERROR 11 1 errorstatus:38\n"])
    def test_a_second_verdict(self, wire: Wire, late: str) -> None:
        """The first one counts: here and after DONE nothing changes it."""
        message = submitted(wire)
        wire.says("OK 11 1 31\n")
        wire.says(late)
        wire.waits(60)
        wire.says(late)
        assert wire.state(message) == "sent"
        assert wire.journey(message) == ["accepted", "given to the SIM", "sent"]


class TestAnyState:
    """What holds throughout."""

    def test_another_session(self, wire: Wire) -> None:
        """Replies with unknown session numbers are passed over."""
        wire.one()
        for stray in ("PASSWORD 12\n", "SEND 1\n", "PASSWORD 111\n", "OK 9 1\n", "DONE 1\n"):
            wire.says(stray)
        assert wire.hears() == [MSG]

    @pytest.mark.parametrize("lines", [1, 2])
    def test_another_address(self, wires: MakesWires, lines: int) -> None:
        """
        A reply counts only from the line's own address: anybody can write
        C{OK 11 1}, and so may another line of the same device.
        """
        wire = wires(lines=lines)
        for n in range(lines, 0, -1):
            wire.registers(n)
        message = wire.one(line="goipid1")
        elsewhere = wire.address(2)
        for said in ("PASSWORD 11\n", "SEND 11\n", "OK 11 1\n"):
            wire.says(said, at=elsewhere)
        assert wire.hears() == [MSG]
        assert wire.state(message) == "queued"
        stray = wire.gateway.rejections.counts["stray_answer"]
        assert stray == (3 if lines == 1 else 0)

    def test_written_down_before_it_leaves(self, wire: Wire) -> None:
        """After a crash the gateway must know what a SIM may have had."""
        message = wire.one()
        wire.says("PASSWORD 11\n")
        assert wire.state(message) == "queued"
        wire.says("SEND 11\n")
        assert wire.hears()[-1] == SEND
        assert (wire.state(message), wire.message(message).line) == ("sending", "goipid1")
        assert wire.journey(message) == ["accepted", "given to the SIM"]


class TestOurOwnBugs:
    """Something of ours breaks in the middle: no text is lost for it, none sent twice."""

    def test_before_the_number_was_given(
        self, wire: Wire, monkeypatch: pytest.MonkeyPatch, logged_failures: FailureLog
    ) -> None:
        """The text is tried again later."""

        def broken(session: int, text: str) -> None:
            raise KeyError("bug")

        with monkeypatch.context() as bug:
            bug.setattr(sending, "SessionOffer", broken)
            message = wire.one()
            assert wire.hears() == []
        assert (wire.state(message), wire.message(message).reason) == (
            "queued",
            "internal error, see the log",
        )
        assert len(logged_failures.flush()) == 1
        assert wire.waits(5) == [b"MSG 12 5 hello\n"]

    def test_afterwards(
        self, wire: Wire, monkeypatch: pytest.MonkeyPatch, logged_failures: FailureLog
    ) -> None:
        """Nobody knows what the device did."""
        message = submitted(wire)

        def broken(answer: object, line: str) -> None:
            raise KeyError("bug")

        monkeypatch.setattr(sending, "verdict_of", broken)
        wire.says("OK 11 1\n")
        assert wire.state(message) == "unknown"
        assert wire.message(message).reason == "internal error, see the log"
        assert [e["session"] for e in logged_failures.flush()] == [11]


class TestRoughWays:
    """
    On a way that lost or repeated something, copies of our own datagrams may
    still be under way. After DONE they would open the session anew.
    """

    def test_lingers_before_done(self, wire: Wire) -> None:
        """DONE waits until nothing can be late any more; the text is settled at once."""
        message = submitted(wire)
        wire.says("SEND 11\n")  # a copy
        wire.says("OK 11 1\n")
        assert wire.state(message) == "sent"
        assert wire.waits(9.5) == []
        assert wire.waits(0.5) == [DONE]

    def test_trusts_the_way_again(self, wire: Wire) -> None:
        """Ten minutes without trouble, and nothing lingers."""
        submitted(wire)
        wire.says("SEND 11\n")
        wire.says("OK 11 1\n")
        wire.waits(10)
        wire.says("DONE 11\n")
        for _ in range(20):
            wire.registers()
            wire.waits(30)
        wire.one()
        wire.opens(12)
        wire.says("OK 12 1\n")
        assert wire.hears()[-1] == b"DONE 12\n"
