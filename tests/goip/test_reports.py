"""
Delivery reports: which text each one is about. Their numbers wrap at 256, and
they may come before we know that the text was sent at all.
"""

from __future__ import annotations

import pytest

from goiptwist.messaging.report_subscriber import ReportSubscriber
from goiptwist.model.messages import Message
from tests.conftest import FailureLog
from tests.goip.conftest import MakesWires
from tests.wire import Wire, refuse_writes

TO = "+36301234567"


def report(number: int, sms_no: int | str, state: int | str = 0, to: str = TO) -> str:
    return f"DELIVER:{number};id:goipid1;password:password1;sms_no:{sms_no};state:{state};num:{to}"


def session(wire: Wire) -> int:
    """The session that was offered last."""
    offers = [d for d in wire.hears() if d.startswith(b"MSG")]
    return int(offers[-1].split(b" ")[1])


def given(wire: Wire, to: str = TO, text: str = "hello") -> tuple[Message, int]:
    """A text whose number the device has."""
    message = wire.one(to, text)
    number = session(wire)
    wire.opens(number)
    return message, number


def sent(wire: Wire, sms_no: int | str = "", to: str = TO) -> Message:
    """A text that the device has sent under a number."""
    message, number = given(wire, to)
    wire.says(f"OK {number} 1 {sms_no}".rstrip() + "\n")
    wire.says(f"DONE {number}\n")
    wire.clock.advance(1)
    return message


def test_after_its_ok(wire: Wire) -> None:
    """The usual order: the handset has it some seconds later."""
    message = sent(wire, 32)
    wire.hears()
    wire.says(report(7, 32))
    assert wire.hears() == [b"DELIVER 7 OK\n"]
    assert wire.message(message).report == "delivered"
    assert wire.journey(message) == ["accepted", "given to the SIM", "sent", "delivered"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (0, "delivered"),
        (1, "unconfirmed"),
        (2, "unconfirmed"),
        (31, "unconfirmed"),
        (32, "pending"),
        (63, "pending"),
        (64, "undelivered"),
        (127, "undelivered"),
    ],
)
def test_states(wire: Wire, state: int, words: str) -> None:
    """TP-Status of 3GPP TS 23.040: there, done but not known, still trying, given up."""
    message = sent(wire, 32)
    wire.says(report(7, 32, state))
    assert wire.message(message).report == words


def test_still_trying_and_then_there(wire: Wire) -> None:
    """C{pending} is not the last word."""
    message = sent(wire, 32)
    wire.says(report(7, 32, 48))
    wire.says(report(6, 32, 0))
    assert wire.message(message).report == "delivered"


def test_repeated(wire: Wire) -> None:
    """Our answer was lost: answered again, noted once."""
    message = sent(wire, 32)
    wire.hears()
    for _ in range(3):
        wire.says(report(7, 32))
    assert wire.hears() == [b"DELIVER 7 OK\n"] * 3
    assert wire.journey(message).count("delivered") == 1


def test_of_nobody_we_know(wire: Wire) -> None:
    """Somebody sent an SMS from the device's own page: answered, and no harm."""
    wire.says(report(7, 32))
    assert wire.hears() == [b"DELIVER 7 OK\n"]


def test_before_its_ok(wire: Wire) -> None:
    """The handset was quicker than our bookkeeping: it finds its text afterwards."""
    message, number = given(wire)
    wire.says(report(7, 32))
    assert wire.message(message).report == ""
    wire.says(f"OK {number} 1 32\n")
    assert (wire.state(message), wire.message(message).report) == ("sent", "delivered")


def test_before_its_ok_but_of_another(wire: Wire) -> None:
    """Same number, other recipient: not ours."""
    message, number = given(wire)
    wire.says(report(7, 32, to="+36209999999"))
    wire.says(f"OK {number} 1 32\n")
    assert wire.message(message).report == ""


def test_long_before_its_ok(wire: Wire) -> None:
    """A report that found nobody for ten minutes is about somebody else's text."""
    wire.says(report(7, 32, to=""))
    for _ in range(7):
        wire.waits(90)
        wire.registers()
    message = sent(wire, 32)
    assert wire.message(message).report == ""


class TestUnknown:
    """A report settles what nobody knew: the text did go out."""

    def test_its_ok_was_lost(self, wire: Wire) -> None:
        """Then only the recipient tells which text it is."""
        message, _ = given(wire)
        wire.waits(60)
        assert wire.state(message) == "unknown"
        wire.says(report(7, 32))
        assert (wire.state(message), wire.message(message).report) == ("sent", "delivered")

    def test_an_undelivered_text_went_out_too(self, wire: Wire) -> None:
        """It was sent, and the handset never got it."""
        message, _ = given(wire)
        wire.waits(60)
        wire.says(report(7, 32, 70))
        assert (wire.state(message), wire.message(message).report) == ("sent", "undelivered")

    @pytest.mark.parametrize("poll", [5, "never"])
    def test_before_it_was_known_to_be_unknown(self, wires: MakesWires, poll: object) -> None:
        """
        The OK was lost, the report comes within seconds, and only much later
        the gateway gives up waiting: the report is still the answer.
        """
        wire = wires(line={"poll": poll})
        wire.registers()
        message, _ = given(wire)
        wire.says(report(7, 32))
        wire.waits(90)
        assert (wire.state(message), wire.message(message).report) == ("sent", "delivered")

    def test_an_older_report_is_no_answer(self, wire: Wire) -> None:
        """What came before the text was given is about an earlier one."""
        wire.says(report(7, 32))
        wire.waits(1)
        message, _ = given(wire)
        wire.waits(60)
        assert wire.state(message) == "unknown"

    def test_without_a_recipient(self, wire: Wire) -> None:
        """Old firmware names none: then nobody can tell."""
        message, _ = given(wire)
        wire.waits(60)
        wire.says(report(7, 32, to=""))
        assert wire.state(message) == "unknown"

    def test_said_again_of_another_text(self, wire: Wire) -> None:
        """
        A device reports twice, under another packet number, or once for each part: that
        is no word on a second text to the same handset, of which nobody knows anything.
        """
        first = sent(wire, 32)
        wire.says(report(7, 32))
        second, _ = given(wire)
        wire.waits(60)
        assert wire.state(second) == "unknown"
        wire.says(report(8, 32))
        assert (wire.state(second), wire.message(second).report) == ("unknown", "")
        assert wire.message(first).report == "delivered"

    def test_of_another_recipient(self, wire: Wire) -> None:
        """A report settles no text but its own."""
        message, _ = given(wire)
        wire.waits(60)
        wire.says(report(7, 32, to="+36209999999"))
        assert wire.state(message) == "unknown"


class TestNumbersComeAgain:
    """C{sms_no} is one byte."""

    def test_the_newest_counts(self, wire: Wire) -> None:
        """Both texts had the number; the report is about the later one."""
        older, newer = sent(wire, 32), sent(wire, 32)
        wire.says(report(7, 32))
        assert wire.message(newer).report == "delivered"
        assert wire.message(older).report == ""

    def test_the_one_that_has_none(self, wire: Wire) -> None:
        """A text with a final report gets no other."""
        older, newer = sent(wire, 32), sent(wire, 32)
        wire.says(report(7, 32))
        wire.says(report(6, 32, 64))
        assert wire.message(newer).report == "delivered"
        assert wire.message(older).report == "undelivered"

    def test_the_recipient_decides(self, wire: Wire) -> None:
        """Where the firmware names it, in whatever spelling."""
        older, newer = sent(wire, 32), sent(wire, 32, "+36209999999")
        wire.says(report(7, 32, to="06301234567"))
        assert wire.message(older).report == "delivered"
        assert wire.message(newer).report == ""

    def test_a_window(self, wire: Wire) -> None:
        """After three days no SMSC tries any more: it is about another text."""
        message = sent(wire, 32)
        wire.clock.advance(3 * 86400 + 1)
        wire.says(report(7, 32))
        assert wire.message(message).report == ""

    def test_another_line(self, wires: MakesWires) -> None:
        """Each line counts for itself."""
        wire = wires(lines=2)
        wire.registers(1)
        message = sent(wire, 32)
        wire.says(f"DELIVER:7;id:goipid2;password:password2;sms_no:32;state:0;num:{TO}", 2)
        assert wire.message(message).report == ""

    def test_no_number_at_all(self, wire: Wire) -> None:
        """Two texts of old firmware have none: an empty number matches nobody."""
        message = sent(wire, "")
        wire.says(report(7, ""))
        assert wire.message(message).report == ""


def test_the_submitter_is_told(wire: Wire) -> None:
    """A bridge that takes reports hears of each, after the commit."""
    told = []

    class Taker:
        def reported(self, message: Message) -> None:
            told.append((message.state.value, message.report))

    ReportSubscriber(wire.store.bus, {"user:test": Taker()})  # type: ignore[dict-item]
    sent(wire, 32)
    wire.says(report(7, 32))
    assert told == [("sent", ""), ("sent", "delivered")]


def test_not_kept_not_answered(wire: Wire, logged_failures: FailureLog) -> None:
    """The device repeats what could not be kept."""
    message = sent(wire, 32)
    wire.hears()
    refuse_writes(wire.store)
    wire.says(report(7, 32))
    assert wire.hears() == []
    refuse_writes(wire.store, False)
    wire.says(report(7, 32))
    assert wire.hears() == [b"DELIVER 7 OK\n"]
    assert wire.message(message).report == "delivered"
    logged_failures.flush()


def test_strangers(wire: Wire) -> None:
    """A report under a wrong password changes nothing."""
    message = sent(wire, 32)
    wire.hears()
    wire.says(f"DELIVER:7;id:goipid1;password:geheim;sms_no:32;state:0;num:{TO}")
    assert wire.hears() == [b"DELIVER 7 ERROR wrong id or password"]
    assert wire.message(message).report == ""
