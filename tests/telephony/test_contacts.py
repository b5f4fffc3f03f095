"""The address book."""

from __future__ import annotations

import pytest

from goiptwist.telephony.contacts import Contact, Contacts

BOOK = [
    Contact(number="+36 30 123 4567", name="Kovács Béla"),
    Contact(number="MYBANK", name="The bank"),
]


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("+36301234567", "Kovács Béla"),
        ("06301234567", "Kovács Béla"),
        ("MYBANK", "The bank"),
        ("+36309999999", ""),
        ("", ""),
    ],
)
def test_names(number: str, name: str) -> None:
    """However the network writes the number of the SMS."""
    assert Contacts(BOOK, "HU").name_of(number) == name


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb"])
def test_no_name(name: str) -> None:
    """It stands in headers of mails."""
    with pytest.raises(ValueError, match="name: 1 to 64 printable"):
        Contact(number="+361", name=name)
