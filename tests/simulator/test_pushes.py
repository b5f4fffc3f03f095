"""What a line offers by itself: incoming SMS, delivery reports, the rest."""

from __future__ import annotations

import pytest

from goiptwist.simulator.book import PushOutcome, SettledSms
from tests.simulator.server import NOW, Server


class TestIncomingSms:
    def test_the_seeds_example(self) -> None:
        """Offered with a number from the clock, until it is acknowledged."""
        server = Server()
        number = server.line.receive_sms("+8613513415667", "just a test")
        assert number == 1270197307
        assert server.hears() == [
            b"RECEIVE:1270197307;id:goipid1;password:password1;"
            b"srcnum:+8613513415667;msg:just a test"
        ]
        assert server.says(b"RECEIVE 1270197307 OK") == []
        assert server.waits(60) == []
        assert server.book.handed_in == [
            SettledSms(
                "goipid1",
                number,
                "+8613513415667",
                "just a test",
                PushOutcome.ACKNOWLEDGED,
                float(NOW),
            )
        ]

    def test_smsc(self) -> None:
        """Newer firmware names the service centre."""
        server = Server()
        server.line.receive_sms("+7", "x", smsc="+86138")
        assert server.hears()[0].endswith(b"srcnum:+7;smscnum:+86138;msg:x")

    def test_resent_three_times(self) -> None:
        """After 3, 6 and 9 s; then it is given up."""
        server = Server()
        server.line.receive_sms("+1", "x")
        [first] = server.hears()
        for _ in range(3):
            assert server.waits(2.9) == []
            assert server.waits(0.1) == [first]
        assert server.line.unsettled == 1
        assert server.waits(3) == []
        assert server.book.texts(PushOutcome.GIVEN_UP) == ["x"]
        assert server.line.unsettled == 0

    def test_late_acknowledgement(self) -> None:
        """Once given up, an answer changes nothing; nor does a second one."""
        server = Server()
        number = server.line.receive_sms("+1", "x")
        server.waits(12)
        server.says(b"RECEIVE %d OK\n" % number)
        assert [entry.outcome for entry in server.book.handed_in] == [PushOutcome.GIVEN_UP]
        number = server.line.receive_sms("+1", "y")
        server.says(b"RECEIVE %d OK\n" % number)
        server.says(b"RECEIVE %d OK\n" % number)
        assert len(server.book.handed_in) == 2

    @pytest.mark.parametrize("answer", [b"ERROR not find this id", b"DISABLE"])
    def test_refused(self, answer: bytes) -> None:
        """An error is an answer too: it is not offered again."""
        server = Server()
        number = server.line.receive_sms("+1", "x")
        server.hears()
        server.says(b"RECEIVE %d " % number + answer)
        assert server.waits(20) == []
        assert server.book.texts(PushOutcome.REFUSED) == ["x"]

    def test_answer_to_something_else(self) -> None:
        """The name must fit as well as the number."""
        server = Server()
        number = server.line.receive_sms("+1", "x")
        server.says(b"DELIVER %d OK\n" % number)
        server.says(b"RECEIVE %d OK\n" % (number + 1))
        assert server.line.unsettled == 1

    def test_insists(self) -> None:
        """A device that does not give up begins another round after a while."""
        server = Server(insists=True)
        number = server.line.receive_sms("+1", "x")
        assert len(server.hears()) == 1
        assert len(server.waits(12)) == 3
        assert server.waits(29) == []
        assert len(server.waits(1 + 12)) == 4
        server.says(b"RECEIVE %d OK\n" % number)
        assert server.waits(120) == []
        assert server.book.texts(PushOutcome.ACKNOWLEDGED) == ["x"]

    def test_reboot_loses_it(self) -> None:
        """What nobody acknowledged is gone."""
        server = Server()
        server.line.receive_sms("+1", "x")
        server.line.reboot()
        server.hears()
        assert server.waits(20) == []
        assert server.book.texts(PushOutcome.FORGOTTEN) == ["x"]


class TestNumbers:
    def test_one_counter_for_all_kinds(self) -> None:
        """It counts down."""
        server = Server()
        numbers = [
            server.line.push("STATE", {"gsm_remain_state": "IDLE"}),
            server.line.receive_sms("+1", "x"),
            server.line.push("CGATT", {"cgatt": "1"}),
        ]
        assert numbers == [NOW, NOW - 1, NOW - 2]

    def test_after_a_reboot(self) -> None:
        """From the clock again, so that old numbers come back in time."""
        server = Server()
        server.line.receive_sms("+1", "x")
        server.waits(1)
        server.line.reboot()
        assert server.line.receive_sms("+1", "y") == NOW + 1
        assert server.line.receive_sms("+1", "z") == NOW

    def test_without_a_clock(self) -> None:
        """A device that does not know the time counts below nought."""
        server = Server()
        server.line.restart_counters(1)
        assert [server.line.receive_sms("+1", "x") for _ in range(3)] == [1, 0, -1]
        assert server.hears()[-1].startswith(b"RECEIVE:-1;")
        server.says(b"RECEIVE -1 OK\n")
        assert server.line.unsettled == 2

    def test_the_same_number_again(self) -> None:
        """The later push takes the place of the one that still waited."""
        server = Server()
        server.line.restart_counters(7)
        server.line.receive_sms("+1", "old")
        server.line.restart_counters(7)
        server.line.receive_sms("+1", "new")
        assert server.book.texts(PushOutcome.FORGOTTEN) == ["old"]
        server.says(b"RECEIVE 7 OK\n")
        assert server.book.texts(PushOutcome.ACKNOWLEDGED) == ["new"]


OTHERS = [
    ("STATE", {"gsm_remain_state": "INCOMING:+49"}, b"gsm_remain_state:INCOMING:+49"),
    ("RECORD", {"dir": "1", "num": "+49"}, b"dir:1;num:+49"),
    ("REMAIN", {"gsm_remain_time": "-1"}, b"gsm_remain_time:-1"),
    ("EXPIRY", {"exp": "-1"}, b"exp:-1"),
    ("HANGUP", {"num": "", "cause": "Normal"}, b"num:,cause:Normal"),
    ("USSN", {"msg": "3 EUR; left"}, b"msg:3 EUR; left"),
    ("CELLINFO", {"info": "LAC:FFFF,CELL ID:FFFF"}, b"info:LAC:FFFF,CELL ID:FFFF"),
    ("BCCH", {"bcch": "689,638,"}, b"bcch:689,638,"),
    ("CELLS", {"lists": "123,456,"}, b"lists:123,456,"),
    ("CGATT", {"cgatt": "0"}, b"cgatt:0"),
    ("unheard_of", {"x": "1"}, b"x:1"),
]


@pytest.mark.parametrize(("name", "fields", "written"), OTHERS)
def test_other_pushes(name: str, fields: dict[str, str], written: bytes) -> None:
    """Each as the vendor spells it, resent like an SMS until it is acknowledged."""
    server = Server()
    number = server.line.push(name, fields)
    head = f"{name}:{number};id:goipid1;password:password1;".encode()
    assert server.hears() == [head + written]
    assert server.waits(3) == [head + written]
    server.says(f"{name} {number} OK".encode())
    assert server.waits(20) == []


class TestDeliveryReports:
    def test_follows_the_sms(self) -> None:
        """A while after OK, with its sms_no and number, until acknowledged."""
        server = Server(reports=True, report_after=(2, 2))
        server.line.next_sms_no = 32
        server.opens(1)
        assert server.says(b"SEND 1 1 +861380013800\n") == [b"OK 1 1 32\n"]
        assert server.waits(1) == []
        report = (
            b"DELIVER:%d;id:goipid1;password:password1;sms_no:32;state:0;num:+861380013800" % NOW
        )
        assert server.waits(1) == [report]
        assert server.waits(3) == [report]
        server.says(b"DELIVER %d OK\n" % NOW)
        assert server.waits(20) == []

    def test_state_by_number(self) -> None:
        """Some handsets never get it."""
        server = Server(reports=True, report_states={"7$": 70})
        server.opens(1)
        server.says(b"SEND 1 1 +17\n")
        assert b";state:70;" in server.waits(4)[0]

    def test_none_for_what_failed(self) -> None:
        """Nor where reports are off."""
        for server in (Server(reports=True, errors={"1": 38}), Server()):
            server.opens(1)
            server.says(b"SEND 1 1 +1\n")
            assert server.waits(20) == []

    def test_survives_a_reboot(self) -> None:
        """The report comes from the network, not from the device's memory."""
        server = Server(reports=True, report_after=(2, 2))
        server.opens(1)
        server.says(b"SEND 1 1 +1\n")
        server.line.reboot()
        server.hears()
        assert server.waits(2)[0].startswith(b"DELIVER:")

    def test_nothing_ticks_once_stopped(self) -> None:
        """Switched off is off, whatever was under way."""
        server = Server(reports=True)
        server.opens(1)
        server.says(b"SEND 1 1 +1\n")
        server.line.receive_sms("+1", "x")
        server.device.stop()
        assert server.clock.getDelayedCalls() == []
