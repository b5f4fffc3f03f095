"""The send dialogue, from the device's side."""

from __future__ import annotations

import pytest

from goiptwist.simulator.book import TransmittedSms
from goiptwist.simulator.settings import (
    REAL_PACE,
    NumberRule,
    Personality,
    SimulatorSettings,
    rules,
)
from tests.simulator.server import NOW, Server


class TestTheSeedsExample:
    """Session 11, text hello, password password1: the vendor's own page."""

    def test_conversation(self) -> None:
        """Byte by byte, one number, an older device that numbers no SMS."""
        server = Server(numbered=False)
        assert server.says(b"MSG 11 5 hello\n") == [b"PASSWORD 11\n"]
        assert server.says(b"PASSWORD 11 password1\n") == [b"SEND 11\n"]
        assert server.says(b"SEND 11 1 +8613800138000\n") == [b"OK 11 1\n"]
        assert server.says(b"DONE 11\n") == [b"DONE 11\n"]
        assert server.book.sent == [
            TransmittedSms("goipid1", "+8613800138000", "hello", 11, 1, None, float(NOW))
        ]

    def test_newer_conversation(self) -> None:
        """At real pace: WAIT, the outcome by itself, and again to a late repeat."""
        server = Server(pace=REAL_PACE)
        server.line.next_sms_no = 160
        server.opens(11)
        assert server.says(b"SEND 11 1 +8613800138000\n") == [b"WAIT 11 1\n"]
        assert server.waits(5) == [b"OK 11 1 160\n"]
        assert server.says(b"SEND 11 2 +8613800138001\n") == [b"WAIT 11 2\n"]
        assert server.says(b"SEND 11 2 +8613800138001\n") == [b"WAIT 11 2\n"]
        assert server.waits(5) == [b"OK 11 2 161\n"]
        assert server.says(b"SEND 11 2 +8613800138001\n") == [b"OK 11 2 161\n"]
        assert server.says(b"DONE 11 \n") == [b"DONE 11\n"]
        assert [sent.recipient[-1] for sent in server.book.sent] == ["0", "1"]


class TestSession:
    def test_text_as_it_is(self) -> None:
        """Semicolons, newlines and other scripts reach the network unharmed."""
        server = Server()
        for session, text in enumerate(["hi\nЖ; x", "  two  blanks ", "ends\n", "ж" * 1500]):
            server.opens(session, text)
            server.says(b"SEND %d 1 +1\n" % session)
            server.says(b"DONE %d\n" % session)
            assert server.book.sent[-1].text == text

    def test_wrong_password(self) -> None:
        """The device says so, and waits for another one."""
        server = Server()
        server.says(b"MSG 11 5 hello\n")
        assert server.says(b"PASSWORD 11 password12\n") == [b"ERROR 11 PASSWORD\n"]
        assert server.says(b"SEND 11 1 +1\n") == [b"PASSWORD 11\n"]
        assert server.says(b"PASSWORD 11 password1\n") == [b"SEND 11\n"]
        assert server.says(b"SEND 11 1 +1\n") == [b"OK 11 1 0\n"]

    def test_repeats_are_answered_with_the_state(self) -> None:
        """A lost answer is had again by asking again."""
        server = Server()
        assert server.says(b"MSG 11 5 hello\n") == [b"PASSWORD 11\n"]
        assert server.says(b"MSG 11 5 hello\n") == [b"PASSWORD 11\n"]
        assert server.says(b"PASSWORD 11 password1\n") == [b"SEND 11\n"]
        assert server.says(b"PASSWORD 11 password1\n") == [b"SEND 11\n"]
        assert server.says(b"MSG 11 5 hello\n") == [b"SEND 11\n"]
        assert server.line.open_sessions == 1

    def test_another_text_under_an_old_id(self) -> None:
        """It is a new session; nothing of the old one is taken for it."""
        server = Server()
        server.opens(11, "hello")
        assert server.says(b"MSG 11 5 other\n") == [b"PASSWORD 11\n"]

    def test_five_at_once(self) -> None:
        """The sixth is refused until one of the others ends."""
        server = Server()
        for session in range(1, 6):
            assert server.says(b"MSG %d 2 hi\n" % session) == [b"PASSWORD %d\n" % session]
        assert server.says(b"MSG 6 2 hi\n") == [b"ERROR 6 too_many_sends_in_server\n"]
        assert server.says(b"MSG 5 2 hi\n") == [b"PASSWORD 5\n"]
        server.says(b"DONE 3\n")
        assert server.says(b"MSG 6 2 hi\n") == [b"PASSWORD 6\n"]

    @pytest.mark.parametrize("order", [b"PASSWORD 7 password1\n", b"SEND 7 1 +1\n"])
    def test_unknown_session(self, order: bytes) -> None:
        """Newer devices name what they do not know, others say nothing."""
        assert Server().says(order) == [b"ERROR 7 SENDID\n"]
        assert Server(names_unknown=False).says(order) == []

    def test_done_is_always_answered(self) -> None:
        """Also for a session that is long gone, or never was."""
        assert Server().says(b"DONE 7\n") == [b"DONE 7\n"]

    def test_dropped_after_90_seconds(self) -> None:
        """Without traffic; each word of the server begins the 90 s again."""
        server = Server()
        server.opens(11)
        server.waits(89)
        assert server.says(b"SEND 11 1 +1\n") == [b"OK 11 1 0\n"]
        server.waits(89)
        assert server.says(b"SEND 11 1 +1\n") == [b"OK 11 1 0\n"]
        server.waits(90)
        assert server.line.open_sessions == 0
        assert server.says(b"SEND 11 2 +1\n") == [b"ERROR 11 SENDID\n"]

    def test_logged_out(self) -> None:
        """A line without a network says so, to the password and to a number."""
        server = Server()
        server.line.sim.logged_in = False
        assert server.says(b"MSG 11 2 hi\n") == [b"PASSWORD 11\n"]
        assert server.says(b"PASSWORD 11 password1\n") == [b"ERROR 11 GSM_LOGOUT\n"]
        server.line.sim.logged_in = True
        assert server.says(b"PASSWORD 11 password1\n") == [b"SEND 11\n"]
        assert server.says(b"SEND 11 1 +1\n") == [b"OK 11 1 0\n"]
        server.line.sim.logged_in = False
        assert server.says(b"SEND 11 2 +1\n") == [b"ERROR 11 GSM_LOGOUT\n"]
        assert server.says(b"SEND 11 1 +1\n") == [b"OK 11 1 0\n"]  # still known
        server.line.sim.logged_in = True
        assert server.says(b"SEND 11 2 +1\n") == [b"OK 11 2 1\n"]

    def test_nonsense_is_ignored(self) -> None:
        """What is no frame gets no answer, and harms nothing."""
        server = Server()
        for datagram in (b"", b"\xff", b"MSG", b"MSG x 2 hi\n", b"SEND 1\n", b"CRON 5"):
            assert server.says(datagram) == []
        assert server.line.unread == 6


class TestPace:
    def test_one_at_a_time(self) -> None:
        """The module takes 2 to 5 s for each SMS; those of other sessions wait."""
        server = Server(pace=REAL_PACE)
        for session in (1, 2, 3):
            server.opens(session)
            assert server.says(b"SEND %d 1 +1\n" % session) == [b"WAIT %d 1\n" % session]
        server.waits(16)
        moments = [sent.at - NOW for sent in server.book.sent]
        gaps = [after - before for before, after in zip([0.0, *moments], moments, strict=False)]
        assert [sent.session for sent in server.book.sent] == [1, 2, 3]
        assert all(1 <= gap <= 6 for gap in gaps)  # within the second of the test's clock

    def test_outcome_on_demand_only(self) -> None:
        """Some devices must be asked."""
        server = Server(pace=REAL_PACE, unsolicited=False)
        server.opens(1)
        assert server.says(b"SEND 1 1 +1\n") == [b"WAIT 1 1\n"]
        assert server.waits(6) == []
        assert server.says(b"SEND 1 1 +1\n") == [b"OK 1 1 0\n"]

    def test_no_outcome_to_a_closed_session(self) -> None:
        """The SMS goes out, but nobody is told."""
        server = Server(pace=REAL_PACE)
        server.opens(1)
        server.says(b"SEND 1 1 +1\n")
        server.says(b"DONE 1\n")
        assert server.waits(6) == []
        assert len(server.book.sent) == 1

    def test_network_lost_meanwhile(self) -> None:
        """An SMS that meets no network fails with the code for that."""
        server = Server(pace=REAL_PACE)
        server.opens(1)
        server.says(b"SEND 1 1 +1\n")
        server.line.sim.logged_in = False
        assert server.waits(6) == [b"ERROR 1 1 errorstatus:331\n"]
        assert server.book.sent == []

    def test_reboot_forgets_what_waits(self) -> None:
        """What was not yet on the air never will be, and no session is left."""
        server = Server(pace=REAL_PACE)
        server.opens(1)
        server.says(b"SEND 1 1 +1\n")
        server.line.reboot()
        assert not server.line.sending
        server.waits(10)
        assert server.book.sent == []
        assert server.says(b"SEND 1 1 +1\n") == [b"ERROR 1 SENDID\n"]


class TestPersonality:
    def test_remembers(self) -> None:
        """A repeated telid is a question, not an order."""
        server = Server()
        server.opens(1)
        for _ in range(3):
            assert server.says(b"SEND 1 1 +1\n") == [b"OK 1 1 0\n"]
        assert len(server.book.sent) == 1

    def test_remembers_ten(self) -> None:
        """The eleventh number pushes the first out of memory."""
        server = Server()
        server.opens(1)
        for telid in range(11):
            server.says(b"SEND 1 %d +1\n" % telid)
        assert server.says(b"SEND 1 1 +1\n") == [b"OK 1 1 1\n"]
        assert len(server.book.sent) == 11
        assert server.says(b"SEND 1 0 +1\n") == [b"OK 1 0 11\n"]
        assert len(server.book.sent) == 12

    def test_repeats(self) -> None:
        """A device that sends again for every SEND that reaches it."""
        server = Server(personality=Personality.REPEATS)
        server.opens(1)
        assert server.says(b"SEND 1 1 +1\n") == [b"OK 1 1 0\n"]
        assert server.says(b"SEND 1 1 +1\n") == [b"OK 1 1 1\n"]
        assert len(server.book.sent) == 2

    def test_repeats_at_real_pace(self) -> None:
        """Each SEND is told to wait, and each has an outcome."""
        server = Server(personality=Personality.REPEATS, pace=REAL_PACE)
        server.opens(1)
        assert server.says(b"SEND 1 1 +1\n") == [b"WAIT 1 1\n"]
        assert server.says(b"SEND 1 1 +1\n") == [b"WAIT 1 1\n"]
        assert server.waits(12) == [b"OK 1 1 0\n", b"OK 1 1 1\n"]

    def test_impossible_device(self) -> None:
        """One that repeats and never tells the outcome could not be used at all."""
        with pytest.raises(ValueError, match="outcome"):
            SimulatorSettings(personality=Personality.REPEATS, pace=REAL_PACE, unsolicited=False)


class TestNumbersAndErrors:
    def test_sms_no_wraps(self) -> None:
        """One byte, so that 0 follows 255."""
        server = Server()
        server.line.next_sms_no = 255
        server.opens(1)
        assert server.says(b"SEND 1 1 +1\n") == [b"OK 1 1 255\n"]
        assert server.says(b"SEND 1 2 +1\n") == [b"OK 1 2 0\n"]

    def test_errors_by_number(self) -> None:
        """The pattern says who is refused, and with what code."""
        server = Server(errors={"999$": 38, r"^\+1": 500})
        server.opens(1)
        assert server.says(b"SEND 1 1 +49999\n") == [b"ERROR 1 1 errorstatus:38\n"]
        assert server.says(b"SEND 1 1 +49999\n") == [b"ERROR 1 1 errorstatus:38\n"]
        assert server.says(b"SEND 1 2 +1234\n") == [b"ERROR 1 2 errorstatus:500\n"]
        assert server.says(b"SEND 1 3 +9990\n") == [b"OK 1 3 0\n"]
        assert [sent.recipient for sent in server.book.sent] == ["+9990"]

    def test_errors_that_pass(self) -> None:
        """The first so many SMS to a number fail, on whichever line."""
        [rule] = rules({"9$": 41})
        server = Server(errors=[NumberRule(rule.pattern, rule.code, times=2)])
        server.opens(1)
        answers = [server.says(b"SEND 1 %d +9\n" % telid)[0] for telid in (1, 2, 3)]
        assert answers == [
            b"ERROR 1 1 errorstatus:41\n",
            b"ERROR 1 2 errorstatus:41\n",
            b"OK 1 3 0\n",
        ]
        assert server.says(b"SEND 1 4 +19\n") == [b"ERROR 1 4 errorstatus:41\n"]
