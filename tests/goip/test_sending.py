"""
The send dialogue with one number: every state of the server's machine and
every event in it (protocol section 3.3), through a whole gateway.
"""

from __future__ import annotations

import pytest
from twisted.logger import LogLevel, capturedLogs

from goiptwist.goip import sending
from goiptwist.message import Message
from tests.conftest import FailureLog
from tests.goip.conftest import MakesWires
from tests.wire import Wire

MSG = b"MSG 11 5 hello\n"
PASSWORD = b"PASSWORD 11 password1\n"
SEND = b"SEND 11 1 +8613800138000\n"
DONE = b"DONE 11\n"


def submitted(wire: Wire) -> Message:
    """Bring the dialogue to where the device has the number."""
    message = wire.one()
    wire.opens()
    assert wire.hears() == [MSG, PASSWORD, SEND]
    return message


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
        [event] = [e for e in logs if "rests" in e["log_format"]]
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
        assert "line goipid1 is stopped" in wire.gateway.overview.health().problems[0]
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


class TestSubmitted:
    """What may follow SEND with a number."""

    def test_ok_with_a_number(self, wire: Wire) -> None:
        """Newer firmware numbers its texts, for the delivery report."""
        message = submitted(wire)
        wire.says("OK 11 1 32\n")
        assert wire.hears() == [DONE]
        assert wire.state(message) == "sent"
        wire.says("DELIVER:7;id:goipid1;password:password1;sms_no:32;state:0;num:")
        assert wire.message(message).report == "delivered"

    def test_wait_then_ok_by_itself(self, wire: Wire) -> None:
        """The device tells the outcome when its module is done."""
        message = submitted(wire)
        wire.says("WAIT 11 1\n")
        assert wire.waits(4) == []
        wire.says("OK 11 1\n")
        assert wire.hears() == [DONE]
        assert wire.state(message) == "sent"

    def test_wait_and_poll(self, wire: Wire) -> None:
        """Each WAIT is good for another while; the same telid asks again."""
        message = submitted(wire)
        for _ in range(20):
            wire.says("WAIT 11 1\n")
            assert wire.waits(4.5) == []
            assert wire.waits(0.5) == [SEND]
        wire.says("OK 11 1\n")
        assert wire.state(message) == "sent"

    def test_wait_is_not_believed_for_ever(self, wire: Wire) -> None:
        """After five minutes of "not yet" nobody knows."""
        message = submitted(wire)
        for _ in range(80):
            wire.says("WAIT 11 1\n")
            wire.waits(5)
        assert wire.state(message) == "unknown"

    def test_no_reply(self, wire: Wire) -> None:
        """
        The same SEND is asked again and again; in the end nobody knows, and
        it is never repeated on the gateway's own account.
        """
        message = submitted(wire)
        assert wire.waits(59.5) == [SEND] * 11
        wire.waits(0.5)
        assert wire.state(message) == "unknown"
        assert wire.message(message).reason == (
            "the device was given the number, then: no answer for 60 s"
        )
        for _ in range(60):
            wire.registers()
            heard = wire.waits(60)
            assert set(heard) <= {DONE}
        assert wire.state(message) == "unknown"

    def test_never_polled(self, wires: MakesWires) -> None:
        """Some devices send again for each SEND: theirs is said once, ever."""
        wire = wires(line={"poll": "never"})
        wire.registers()
        message = submitted(wire)
        wire.says("WAIT 11 1\n")
        heard = wire.waits(89)
        assert heard == []
        assert wire.state(message) == "sending"
        heard = wire.waits(30)
        assert SEND not in heard
        assert wire.state(message) == "unknown"

    def test_a_late_ok_settles_it(self, wire: Wire) -> None:
        """The device answers after all, when its session is long gone here."""
        message = submitted(wire)
        wire.waits(120)
        assert wire.state(message) == "unknown"
        wire.says("OK 11 1 32\n")
        assert (wire.state(message), wire.message(message).reason) == ("sent", "OK, late")
        wire.says("DELIVER:7;id:goipid1;password:password1;sms_no:32;state:0;num:")
        assert wire.message(message).report == "delivered"

    def test_a_late_error_settles_it(self, wire: Wire) -> None:
        """It did not go out: the submitter may send it again himself."""
        message = submitted(wire)
        wire.waits(120)
        wire.says("ERROR 11 1 errorstatus:38\n")
        assert wire.state(message) == "failed"

    def test_a_late_wait_settles_nothing(self, wire: Wire) -> None:
        """It only says that nobody knows yet."""
        message = submitted(wire)
        wire.waits(120)
        wire.says("WAIT 11 1\n")
        assert wire.state(message) == "unknown"

    @pytest.mark.parametrize(
        ("code", "state"), [(28, "failed"), (30, "failed"), (1, "queued"), (38, "queued")]
    )
    def test_error_with_a_status(self, wire: Wire, code: int, state: str) -> None:
        """What no time will change has failed; the rest is tried again later."""
        message = submitted(wire)
        wire.says(f"ERROR 11 1 errorstatus:{code}\n")
        assert wire.hears() == [DONE]
        assert wire.state(message) == state
        assert f"(code {code})" in wire.message(message).reason

    def test_error_without_a_status(self, wire: Wire) -> None:
        """What is not understood is shown, and tried again."""
        message = submitted(wire)
        wire.says("ERROR 11 1 out of paper\n")
        assert wire.state(message) == "queued"
        assert wire.message(message).reason == "the device said 'out of paper'"

    def test_attempts_come_to_an_end(self, wires: MakesWires) -> None:
        """A network that turns a text down again and again has turned it down."""
        wire = wires(tables={"delivery": {"attempts": 2}})
        wire.registers()
        message = submitted(wire)
        wire.says("ERROR 11 1 errorstatus:38\n")
        wire.says("DONE 11\n")
        wire.waits(5)
        wire.opens(12)
        wire.says("ERROR 12 1 errorstatus:38\n")
        assert wire.state(message) == "failed"
        assert wire.message(message).reason.startswith("gave up after 2 attempts: ")

    @pytest.mark.parametrize(
        "stray",
        [
            "WAIT 11 2\n",
            "OK 11 2\n",
            "ERROR 11 2 errorstatus:1\n",
            "SEND 11\n",
            "PASSWORD 11\n",
            "DONE 11\n",
            "ERROR 11 PASSWORD\n",
            "ERROR 11 too_many_sends_in_server\n",
            "OK 1 1\n",
            "OK 111 1\n",
            "OK 11 11\n",
            "OK 11 1x\n",
            "OK 11\n",
            "HELLO 11 1\n",
        ],
    )
    def test_what_answers_nothing(self, wire: Wire, stray: str) -> None:
        """
        Late copies of what opened the session, other telids, and tokens that
        only begin like ours: whole tokens are compared, never prefixes.
        """
        message = submitted(wire)
        wire.says(stray)
        assert wire.hears() == []
        assert wire.state(message) == "sending"
        wire.says("OK 11 1\n")
        assert wire.state(message) == "sent"

    @pytest.mark.parametrize(
        ("said", "rest"), [("SENDID", 5), ("GSM_LOGOUT", 100), ("strange things", 5)]
    )
    def test_the_session_ends_at_the_first_send(self, wire: Wire, said: str, rest: int) -> None:
        """The device refused the only SEND that there was: the text did not go out."""
        message = submitted(wire)
        wire.says(f"ERROR 11 {said}\n")
        assert wire.hears() == [DONE]
        assert wire.state(message) == "queued"
        wire.says("DONE 11\n")
        heard: list[bytes] = []
        for _ in range(rest):
            assert heard == []
            wire.registers()
            heard = wire.waits(1)
        assert heard == [b"MSG 12 5 hello\n"]

    @pytest.mark.parametrize("said", ["SENDID", "GSM_LOGOUT"])
    @pytest.mark.parametrize("before", ["a WAIT", "a second SEND", "a rough way"])
    def test_the_session_ends_later(self, wire: Wire, said: str, before: str) -> None:
        """
        It may have taken the number and then forgotten the session, or this
        may answer something older: nobody knows, so it is not sent again.
        """
        message = submitted(wire)
        if before == "a WAIT":
            wire.says("WAIT 11 1\n")
        elif before == "a second SEND":
            wire.waits(5)
        else:
            wire.says("SEND 11\n")
        wire.says(f"ERROR 11 {said}\n")
        assert wire.state(message) == "unknown"

    def test_the_line_moves(self, wire: Wire) -> None:
        """
        A keepalive came from elsewhere: what follows goes there, answers
        count from there only, and the session goes on.
        """
        message = submitted(wire)
        elsewhere = ("198.51.100.7", 7)
        wire.registers(at=elsewhere)
        wire.says("OK 11 1\n")  # from where it was
        assert wire.state(message) == "sending"
        wire.says("OK 11 1\n", at=elsewhere)
        assert wire.state(message) == "sent"
        assert wire.hears_where() == [(DONE, elsewhere)]

    def test_the_line_is_lost(self, wire: Wire) -> None:
        """No keepalives any more: the dialogue goes its way, and nobody knows."""
        wire.registers()
        wire.waits(50)
        message = submitted(wire)
        with capturedLogs() as logs:
            wire.waits(61)
        assert [e["log_format"] for e in logs if "lost" in e["log_format"]]
        assert wire.the_line().state == "lost"
        assert wire.state(message) == "unknown"


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
        stray = wire.gateway.complaints.counts["stray_answer"]
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

        monkeypatch.setattr(sending, "Offer", broken)
        message = wire.one()
        assert wire.hears() == []
        assert (wire.state(message), wire.message(message).reason) == (
            "queued",
            "internal error, see the log",
        )
        monkeypatch.undo()
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
