"""
The address book: whose number is it? Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import Attribute, frozen

from goiptwist.config.values import setting
from goiptwist.errors import Unacceptable
from goiptwist.telephony.numbering import international

#: Characters of a name, as a mail program shows it in one line.
LONGEST_NAME = 64


def _check_name(_: Any, __: Attribute[str], name: str) -> None:
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise ValueError(f"name: 1 to {LONGEST_NAME} printable characters")


@frozen(kw_only=True)
class Contact:
    """One C{[[contact]]} section."""

    number: str = setting(
        "The number as its SMS come from it, with + and the country code, or the name that "
        "stands in its place."
    )
    name: str = setting("Whose it is; mail and chat show it.", validator=_check_name)


class Contacts:
    """Finds a name, however the number is written."""

    def __init__(self, contacts: Sequence[Contact], country: str = "") -> None:
        """@param country: as in L{goiptwist.telephony.numbering.NumbersSettings}."""
        self._country = country
        self._names = {self._whole(contact.number): contact.name for contact in contacts}

    def name_of(self, number: str) -> str:
        """@return: the name, or an empty text."""
        if not self._names:
            return ""
        return self._names.get(number) or self._names.get(self._whole(number), "")

    def _whole(self, number: str) -> str:
        try:
            return international(number, self._country)
        except Unacceptable:
            return number  # an alphanumeric sender
