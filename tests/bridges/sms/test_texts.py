"""What people read, and what they answer."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given

from goiptwist.bridges.sms.texts import acknowledged_id, alarm_text, forwarded_text
from goiptwist.telephony.validation import LONGEST_TEXT, accepted_text
from goiptwist.testing.contract import any_text
from goiptwist.testing.stubs import sms
from tests.bridges.sms.alarms import ALARM


def test_for_people() -> None:
    """A sentence, and what to do about it."""
    assert alarm_text(ALARM, "words") == (
        "Account 1113: audible panic alarm, partition 3, zone 3. Reply ACK x-7"
    )


def test_for_machines() -> None:
    """Exactly what a receiver of Contact ID reads, and nothing else."""
    assert alarm_text(ALARM, "machine") == "1113,18,1,123,03,003"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ACK x-7", "x-7"),
        ("ack X-7", "x-7"),
        ("Ack x-7.", "x-7"),
        (" ACK\n", ""),
        ("Ack!", ""),
        ("ACK now", None),
        ("Acknowledged", None),
        ("please ACK x-7", None),
        ("", None),
    ],
)
def test_answers(text: str, meant: str | None) -> None:
    """Telephones capitalise and punctuate; anything else is an SMS like any other."""
    assert acknowledged_id(text) == meant


def test_handed_over() -> None:
    """What mail could not deliver says who wrote it."""
    assert forwarded_text(sms("Pump 3 stopped"), "") == "+36301234567: Pump 3 stopped"
    assert forwarded_text(sms("Pump 3 stopped"), "Béla") == "Béla (+36301234567): Pump 3 stopped"


@given(any_text, any_text)
def test_anything_can_be_handed_over(sender: str, text: str) -> None:
    """Whatever came in, a device takes what we make of it."""
    whole = forwarded_text(evolve(sms(text), sender=sender), "")
    assert accepted_text(whole) == whole


def test_too_long() -> None:
    """A text that just fitted still fits with its sender before it."""
    whole = forwarded_text(sms("ő" * 1500), "")
    assert len(whole.encode()) <= LONGEST_TEXT
