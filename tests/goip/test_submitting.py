"""
The device has the number: every event in the state SUBMITTED of the server's
machine (protocol section 3.3), through a whole gateway.
"""

from __future__ import annotations

import pytest
from twisted.logger import capturedLogs

from tests.goip.conftest import MakesWires
from tests.goip.dialogue import DONE, SEND, submitted
from tests.wire import Wire


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
