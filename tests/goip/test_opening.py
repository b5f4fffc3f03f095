"""
Opening a bulk session: every event in the states IDLE, MSG_SENT and PASS_SENT
of the server's machine (protocol section 3.3), through a whole gateway.
"""

from __future__ import annotations

import pytest
from twisted.logger import LogLevel, capturedLogs

from tests.conftest import FailureLog
from tests.goip.conftest import MakesWires
from tests.goip.dialogue import DONE, MSG, PASSWORD, SEND
from tests.wire import Wire


class TestIdle:
    """No session is begun on a line that cannot send."""

    def test_a_job_for_a_line_that_is_there(self, wire: Wire) -> None:
        """A new session number, and MSG."""
        wire.one()
        assert wire.hears() == [MSG]

    @pytest.mark.parametrize("facts", ["gsm_status:LOGIN;", "gsm_status:;", ""])
    def test_a_line_with_a_network(self, wires: MakesWires, facts: str) -> None:
        """What does not say LOGOUT is taken for a network: old firmware says nothing."""
        wire = wires()
        wire.registers(facts=facts)
        wire.one()
        assert wire.hears() == [MSG]

    def test_unheard(self, wires: MakesWires) -> None:
        """Nobody knows where the line is; the text waits until it registers."""
        wire = wires()
        message = wire.one()
        assert wire.waits(60) == []
        assert wire.state(message) == "queued"
        wire.registers()
        assert wire.hears() == [MSG]

    def test_logged_out(self, wires: MakesWires) -> None:
        """A line without a network gets nothing, until it says LOGIN."""
        wire = wires()
        wire.registers(facts="gsm_status:LOGOUT;")
        wire.one()
        assert wire.waits(20) == []
        wire.registers(facts="gsm_status:LOGIN;")
        assert wire.hears() == [MSG]


class TestMsgSent:
    """What may follow MSG."""

    def test_no_reply(self, wire: Wire) -> None:
        """MSG again, with the same number and text; then the line rests."""
        message = wire.one()
        heard = wire.waits(26.5)
        assert heard == [MSG] * 7
        with capturedLogs() as logs:
            assert wire.waits(0.5) == []
        assert wire.state(message) == "queued"
        [event] = [e for e in logs if "pauses" in e["log_format"]]
        assert (event["line"], event["reason"]) == ("goipid1", "no answer for 27 s")
        # The rest, then a session of its own.
        assert wire.waits(9.5) == []
        wire.registers()
        assert wire.waits(0.5) == [b"MSG 12 5 hello\n"]

    def test_silence_uses_up_no_attempt(self, wires: MakesWires) -> None:
        """
        The device did not have the text, so however often it is silent the
        text stays queued.
        """
        wire = wires(tables={"delivery": {"attempts": 1}})
        wire.registers()
        message = wire.one()
        for _ in range(4):
            wire.waits(37)
            wire.registers()
        assert wire.state(message) == "queued"

    def test_send_instead_of_password(self, wire: Wire) -> None:
        """Our PASSWORD got through, its SEND did not: it is authorised already."""
        wire.one()
        wire.says("SEND 11\n")
        assert wire.hears() == [MSG, SEND]

    def test_too_many_sessions(self, wire: Wire) -> None:
        """
        The device has five sessions already. The seed: stop the session, try
        again later. There is no session to say goodbye to.
        """
        message = wire.one()
        wire.says("ERROR 11 too_many_sends_in_server\n")
        assert wire.hears() == [MSG]
        assert wire.state(message) == "queued"
        assert wire.message(message).reason == "the device has too many sessions"
        assert wire.waits(4.5) == []
        assert wire.waits(0.5) == [b"MSG 12 5 hello\n"]

    def test_after_an_error_the_line_goes_on(self, wire: Wire) -> None:
        """
        A public server stays for ever in this state after ERROR to its MSG.
        Ours frees the session at once, and the next one works.
        """
        message = wire.one()
        wire.says("ERROR 11 out of memory\n")
        assert wire.the_line().status.sessions == 0
        wire.waits(5)
        wire.opens(12)
        wire.says("OK 12 1\n")
        assert wire.state(message) == "sent"

    @pytest.mark.parametrize(
        ("said", "reason", "rest"),
        [
            ("GSM_LOGOUT", "the line lost its network", 100),
            ("SENDID", "the device does not know the session", 5),
            ("out of memory", "the device said 'out of memory'", 5),
        ],
    )
    def test_other_errors(self, wire: Wire, said: str, reason: str, rest: int) -> None:
        """The text stays queued, and the line rests as long as is apt."""
        message = wire.one()
        wire.says(f"ERROR 11 {said}\n")
        assert (wire.state(message), wire.message(message).reason) == ("queued", reason)
        assert wire.the_line().status.last_error == reason
        assert wire.hears() == [MSG]
        heard: list[bytes] = []
        for _ in range(rest):
            assert heard == []
            wire.registers()
            heard = wire.waits(1)
        assert heard == [b"MSG 12 5 hello\n"]

    @pytest.mark.parametrize(
        "stray", ["OK 11 1\n", "WAIT 11 1\n", "DONE 11\n", "ERROR 11 1 errorstatus:1\n", "OK 11\n"]
    )
    def test_what_answers_nothing(self, wire: Wire, stray: str) -> None:
        """Verdicts do not answer MSG; it is repeated as if nothing had come."""
        wire.one()
        wire.says(stray)
        assert wire.hears() == [MSG]
        assert wire.waits(1) == [MSG]


class TestPassSent:
    """What may follow PASSWORD."""

    def test_no_reply(self, wire: Wire) -> None:
        """PASSWORD again; then the text waits for another session."""
        message = wire.one()
        wire.says("PASSWORD 11\n")
        heard = wire.waits(26.5)
        assert heard == [MSG] + [PASSWORD] * 7
        assert wire.waits(0.5) == []
        assert wire.state(message) == "queued"
        assert DONE in wire.waits(10.5)  # the device has the session, and the way is rough

    def test_a_second_password(self, wire: Wire) -> None:
        """
        A late copy of what we are answering: not answered at once, for then
        each copy would make another. If ours was lost, its repeat is due.
        """
        wire.one()
        wire.says("PASSWORD 11\n")
        wire.says("PASSWORD 11\n")
        assert wire.hears() == [MSG, PASSWORD]
        assert wire.waits(1) == [PASSWORD]
        wire.says("SEND 11\n")
        assert wire.hears() == [SEND]

    def test_wrong_password(self, wire: Wire, logged_failures: FailureLog) -> None:
        """
        Another try would not help: the line is stopped until an operator acts,
        its texts wait, and the log tells what to do, without the password.
        The device waits for another PASSWORD or for DONE, so it gets DONE.
        """
        message = wire.one()
        wire.says("PASSWORD 11\n")
        wire.says("ERROR 11 PASSWORD\n")
        assert wire.hears() == [MSG, PASSWORD, DONE]
        wire.says("DONE 11\n")
        for _ in range(10):
            wire.registers()
            assert wire.waits(30) == []
        assert wire.state(message) == "queued"
        assert wire.the_line().status.stopped == "the device says that the password is wrong"
        assert "line goipid1 is stopped" in wire.gateway.powers.operator.health().problems[0]
        [event] = logged_failures.flush()
        assert (event["log_level"], event["line"]) == (LogLevel.error, "goipid1")
        assert "password1" not in str(event)

    def test_logged_out(self, wire: Wire) -> None:
        """The session was opened, so it is closed; the line rests."""
        message = wire.one()
        wire.says("PASSWORD 11\n")
        wire.says("ERROR 11 GSM_LOGOUT\n")
        assert wire.hears() == [MSG, PASSWORD, DONE]
        assert wire.state(message) == "queued"

    def test_the_session_is_gone(self, wire: Wire) -> None:
        """SENDID: start again with MSG, in a new session."""
        wire.one()
        wire.says("PASSWORD 11\n")
        wire.says("ERROR 11 SENDID\n")
        wire.says("DONE 11\n")
        wire.hears()
        assert wire.waits(5) == [b"MSG 12 5 hello\n"]
