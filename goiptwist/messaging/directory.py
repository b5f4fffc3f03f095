"""Numbers: how they are written, whose they are, and who may write to them."""

from __future__ import annotations

from attrs import define
from zope.interface import implementer

from goiptwist.accounts.quotas import Permissions
from goiptwist.interfaces import IDirectory
from goiptwist.telephony.contacts import Contacts
from goiptwist.telephony.numbering import international


@implementer(IDirectory)
@define(eq=False, repr=False)
class Directory:
    """
    @ivar contacts: the address book.
    @ivar country: as in L{goiptwist.telephony.numbering.NumbersSettings}.
    """

    permissions: Permissions
    contacts: Contacts
    country: str = ""

    def normalized(self, typed: str) -> str:
        """See L{IDirectory}."""
        return international(typed, self.country)

    def display_name(self, number: str) -> str:
        """See L{IDirectory}."""
        return self.contacts.name_of(number)

    def check_permission(self, origin: str, number: str, line: str) -> None:
        """See L{IDirectory}."""
        self.permissions.check(origin, [number], line)
