"""
L{Event}: the one shape of an alarm. Every way in makes it, every way out takes it.
"""

from __future__ import annotations

import re
from typing import Any, Self

from attrs import field, frozen

from goiptwist.contact_id import codes
from goiptwist.errors import Unacceptable

#: Digits of an account: Contact ID has four. SIA DC-09, section 5.5.1.6.4,
#: has 3 to 16.
SHORTEST_ACCOUNT, USUAL_ACCOUNT, LONGEST_ACCOUNT = 3, 4, 16

#: The types of message that are Contact ID. Receivers take both (DC-05).
TYPES = {"18": "Preferred", "98": "Optional"}
NEW, RESTORE, STATUS = "1", "3", "6"
QUALIFIERS = {NEW: "NewEvent", RESTORE: "NewRestore", STATUS: "StatusReport"}

_HEX = re.compile(r"[0-9A-F]+")


def _tidy(value: object) -> str:
    return str(value).strip().upper()


def _two(value: object) -> str:
    text = _tidy(value)
    return text.rjust(2, "0") if text else text


def _three(value: object) -> str:
    text = _tidy(value)
    return text.rjust(3, "0") if text else text


def _account(value: object) -> str:
    text = _tidy(value)
    return text.rjust(USUAL_ACCOUNT, "0") if len(text) >= SHORTEST_ACCOUNT else text


def shown(text: str) -> str:
    """What somebody wrote, as far as it belongs into a sentence about it."""
    readable = "".join(c if c.isprintable() else "?" for c in text[:20])
    return f"'{readable}{'...' if len(text) > 20 else ''}'"


def _must(attribute: Any, value: str, meant: str) -> Unacceptable:
    name = attribute.name
    fault = f"is {shown(value)}" if value else "is missing"
    return Unacceptable(name, f"The {name} of an alarm {fault}; it must be {meant}")


def _check_account(_: Any, attribute: Any, value: str) -> None:
    if not _HEX.fullmatch(value) or not USUAL_ACCOUNT <= len(value) <= LONGEST_ACCOUNT:
        meant = "4 hex digits, such as 1113; 3 to 16 where it goes over IP"
        raise _must(attribute, value, meant)


def _check_type(_: Any, attribute: Any, value: str) -> None:
    if value not in TYPES:
        raise _must(attribute, value, "18, or 98 for the few receivers that want it")


def _check_qualifier(_: Any, attribute: Any, value: str) -> None:
    if value not in QUALIFIERS:
        meant = "1 (new event, opening), 3 (restore, closing) or 6 (still so)"
        raise _must(attribute, value, meant)


def _check_code(_: Any, attribute: Any, value: str) -> None:
    if not _HEX.fullmatch(value) or len(value) != 3:
        raise _must(attribute, value, "3 hex digits, such as 130 for a burglary")


def _check_partition(_: Any, attribute: Any, value: str) -> None:
    if not _HEX.fullmatch(value) or len(value) != 2:
        raise _must(attribute, value, "up to 2 hex digits; 0 for none")


def _check_zone(_: Any, attribute: Any, value: str) -> None:
    if not _HEX.fullmatch(value) or len(value) != 3:
        raise _must(attribute, value, "up to 3 hex digits, the zone or user; 0 for none")


@frozen(kw_only=True)
class Event:
    """
    What a panel reports, after SIA DC-05 (Ademco Contact ID). Each part is
    checked, in upper case, and filled up with zeros.

    @ivar account: whose panel it is: 4 hex digits, or up to 16 over IP.
    @ivar type: C{18}, or C{98}.
    @ivar qualifier: C{1} new event or opening, C{3} restore or closing, C{6}
        still so.
    @ivar code: what happened, 3 digits; see L{goiptwist.contact_id.codes}.
    @ivar partition: 2 digits; C{00} is none.
    @ivar zone: 3 digits, of a zone or of a user, see C{who}; C{000} is none.
    @raise Unacceptable: from the constructor: one of them cannot be; its
        C{field} is the name of the attribute.
    """

    account: str = field(converter=_account, validator=_check_account)
    type: str = field(default="18", converter=_tidy, validator=_check_type)
    qualifier: str = field(converter=_tidy, validator=_check_qualifier)
    code: str = field(converter=_tidy, validator=_check_code)
    partition: str = field(default="00", converter=_two, validator=_check_partition)
    zone: str = field(default="000", converter=_three, validator=_check_zone)

    @classmethod
    def from_machine(cls, machine: str) -> Self:
        """
        @param machine: what C{machine} of another said.
        @raise Unacceptable: it is nothing of the kind.
        """
        parts = machine.split(",")
        if len(parts) != 6:
            raise Unacceptable("alarm", "An alarm must have its six parts, as 1113,18,1,123,03,003")
        account, type_, qualifier, code, partition, zone = parts
        return cls(
            account=account,
            type=type_,
            qualifier=qualifier,
            code=code,
            partition=partition,
            zone=zone,
        )

    @property
    def who(self) -> str:
        """What C{zone} holds: C{zone} or C{user}."""
        return codes.meaning(self.code).who

    @property
    def kind(self) -> str:
        """The class of event, one of L{goiptwist.contact_id.codes.KINDS}."""
        return codes.meaning(self.code).kind

    @property
    def machine(self) -> str:
        """Its six parts, joined by commas: C{1113,18,1,123,03,003}."""
        parts = (self.account, self.type, self.qualifier, self.code, self.partition, self.zone)
        return ",".join(parts)

    @property
    def heading(self) -> str:
        """From whom a person gets it: C{Alarm 1113}."""
        return f"Alarm {self.account}"

    @property
    def what(self) -> str:
        """What happened, without saying where: C{audible panic alarm}."""
        meant = codes.meaning(self.code)
        if meant.opening:
            turned = {NEW: meant.opening, RESTORE: meant.closing}.get(self.qualifier)
            return turned or f"{meant.name}, status report"
        return (
            meant.name + {NEW: "", RESTORE: " restored", STATUS: " still present"}[self.qualifier]
        )

    @property
    def words(self) -> str:
        """
        A sentence for a person, short and plain enough for one SMS:
        C{Account 1113: audible panic alarm, partition 3, zone 3}.
        """
        where = ""
        if self.partition != "00":
            where += f", partition {self.partition.lstrip('0')}"
        if self.zone != "000":
            where += f", {self.who} {self.zone.lstrip('0')}"
        return f"Account {self.account}: {self.what}{where}"

    @property
    def log_words(self) -> str:
        """As the log of Ozeki's Contact ID sender says it."""
        return (
            f"Account: {self.account}, Type: {TYPES[self.type]}, "
            f"Event: {QUALIFIERS[self.qualifier]}, Code: {self.code}, "
            f"Partition: {self.partition}, Zone: {self.zone}"
        )
