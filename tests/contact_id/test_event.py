"""An event in words: for people, for programs, and for the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from goiptwist.contact_id.codes import CODES, KINDS, meaning
from goiptwist.contact_id.event import Event
from goiptwist.errors import Unacceptable
from goiptwist.telephony.segments import BASIC
from tests.contact_id.test_notation import HEX, SEED, events

LIST = json.loads((Path(__file__).parent.parent / "vectors/contact-id-events.json").read_text())


def of(qualifier: str, code: str, partition: str = "01", zone: str = "031") -> Event:
    return Event(account="9876", qualifier=qualifier, code=code, partition=partition, zone=zone)


def test_the_seed() -> None:
    """The example of Ozeki's page, in all its forms."""
    assert SEED.machine == "1113,18,1,123,03,003"
    assert SEED.words == "Account 1113: audible panic alarm, partition 3, zone 3"
    assert SEED.heading == "Alarm 1113"
    assert SEED.log_words == (
        "Account: 1113, Type: Preferred, Event: NewEvent, Code: 123, Partition: 03, Zone: 003"
    )


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (of("3", "130"), "burglary alarm restored, partition 1, zone 31"),
        (of("6", "301", "00", "000"), "AC (mains) power loss still present"),
        (of("1", "401"), "opening by a user, partition 1, user 31"),
        (of("3", "401"), "closing by a user, partition 1, user 31"),
        (of("6", "401"), "open/close by user, status report, partition 1, user 31"),
        (of("3", "441", "01", "000"), "armed STAY, partition 1"),
        (of("1", "421"), "access denied, partition 1, user 31"),
        (of("1", "602", "00", "000"), "periodic test report"),
        (of("1", "573", "00", "0B2"), "burglary bypass, user B2"),
        (of("1", "129"), "unlisted panic alarm, code 129, partition 1, zone 31"),
        (of("3", "3F9"), "unlisted trouble, code 3F9 restored, partition 1, zone 31"),
        (of("3", "499"), "unlisted closing, code 499, partition 1, user 31"),
        (of("1", "7AB", "0A", "000"), "unlisted event, code 7AB, partition A"),
    ],
)
def test_words(event: Event, words: str) -> None:
    """A person on call understands it without a table of codes."""
    assert event.words == f"Account 9876: {words}"


def test_every_code_of_the_list() -> None:
    """Each listed code has a name, its class, and the right word for its last digits."""
    assert set(CODES) == set(LIST)
    for code, row in LIST.items():
        known = meaning(code)
        assert known.listed
        assert known.who == row["data"]
        assert known.kind in KINDS
        first = row["category"].removeprefix("Alarm: ").split(":")[0].split()[0].lower()
        if code < "200" and not code.startswith(("15", "16")):
            assert known.kind == first


@given(events(HEX, account=16))
def test_one_cheap_sms(event: Event) -> None:
    """Any event fits into one SMS of plain letters, and any code has a class."""
    assert len(event.words) <= 160
    assert set(event.words) <= set(BASIC)
    assert event.kind in KINDS
    assert event.who in ("zone", "user")


def test_parts_are_made_tidy() -> None:
    """Programs may leave out zeros, and write hex as they like."""
    event = Event(account=" adf ", type=98, qualifier=1, code="130", partition=3, zone="c")
    assert event.machine == "0ADF,98,1,130,03,00C"
    assert Event(account="1113", qualifier="1", code="602").machine == "1113,18,1,602,00,000"


@pytest.mark.parametrize("machine", ["", "1113", "1113,18,1,123,03,003,2", "1113,18,5,123,03,003"])
def test_what_no_machine_wrote(machine: str) -> None:
    """A row of the queue that holds something else is refused, and breaks nothing."""
    with pytest.raises(Unacceptable):
        Event.from_machine(machine)
