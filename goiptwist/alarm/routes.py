"""
C{[[route]]}: which way an alarm goes, and which texts are alarms. Pure:
settings in, names of destinations out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from enum import Enum, auto
from typing import Any, Self

from attrs import Attribute, Factory, evolve, field, frozen

from goiptwist.config.values import setting
from goiptwist.contact_id import notation
from goiptwist.contact_id.codes import KINDS
from goiptwist.contact_id.event import NEW, RESTORE, STATUS, Event
from goiptwist.errors import Unacceptable
from goiptwist.model.escalation import EscalationStep, merged
from goiptwist.model.messages import AlarmReport
from goiptwist.telephony.numbering import recognised
from goiptwist.telephony.patterns import matches

#: Seconds that a step of a chain has: a call of four tries takes about 45
#: (contact-id.md, "Timing"), and nobody should wait for an alarm for much longer.
WAIT = 60.0
#: What each word stands for.
QUALIFIERS = {"event": NEW, "restore": RESTORE, "status": STATUS}

_CODE = re.compile(r"[0-9A-Fa-f]{3}|[0-9A-Fa-f]{0,2}\*")
_ACCOUNT = re.compile(r"[0-9A-Fa-f]{4,16}|[0-9A-Fa-f]{0,15}\*")


@frozen
class Names:
    """One name, or a list of them."""

    names: tuple[str, ...] = ()

    @classmethod
    def from_setting(cls, value: object) -> Self:
        if value == "":
            return cls()
        listed = value if isinstance(value, list) else [value]
        names = tuple(name for name in listed if isinstance(name, str) and name)
        if len(names) < len(listed):
            raise ValueError('must be a list of names, such as ["station"]')
        return cls(names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __bool__(self) -> bool:
        return bool(self.names)

    def __str__(self) -> str:
        return ", ".join(self.names)


def _check_wait(instance: Any, attribute: Attribute[float], value: float) -> None:
    if not value > 0:
        raise ValueError("escalate_after must be a number of seconds, more than 0")


@frozen(kw_only=True)
class RouteSettings:
    """C{[[route]]}"""

    user: Names = setting(
        "Only alarms that this [[user]] hands in, or one of these; empty: anybody's.",
        default=Names(),
    )
    sender: Names = setting(
        'Only alarms that come as SMS from this number; "+3630*" is every number that begins so. '
        "Empty: whichever way they come.",
        default=Names(),
    )
    account: Names = setting(
        'Only alarms of this account; "11*" is every account that begins so, "*" is every alarm.',
        default=Names(),
    )
    code: Names = setting(
        'Only alarms with this event code; "13*" is every code that begins so. Or a class: '
        + ", ".join(f'"{kind}"' for kind in KINDS)
        + ".",
        default=Names(),
    )
    qualifier: Names = setting(
        'Only these: "event" (new, or opened), "restore" (or closed), "status" (still so). '
        "Empty: any.",
        default=Names(),
    )
    alarm: bool = setting(
        "Whether the texts of that user, and SMS of that sender, are alarms: they must then be "
        "Contact ID, such as 1113,18,1,123,03,003. Where neither user nor sender is named: whether "
        "a text of any user is an alarm if it is Contact ID and all else here holds.",
        default=False,
    )
    to: Names = setting("The names of bridges that get the alarm, all at once.", default=Names())
    chain: Names = setting(
        "The names of bridges that get the alarm one after another, until one has delivered it.",
        default=Names(),
    )
    escalate_after: float = setting(
        "Seconds after which the next bridge of the chain gets the alarm, if the one before has "
        "neither delivered it nor failed; it may still deliver.",
        formerly="wait",
        default=WAIT,
        validator=_check_wait,
    )
    also: bool = setting(
        "Whether the routes behind this one are looked at too. Otherwise the first that holds, "
        "in the order of this file, is the only one.",
        default=False,
    )


def faults(
    routes: Sequence[RouteSettings], bridges: Collection[str], users: Collection[str]
) -> Iterator[tuple[int, str]]:
    """
    What no section can know of itself, and keys that do not go together.

    @param bridges: the names of all bridges.
    @param users: the names of all users.
    @return: the place of each route that something is wrong with, from 1, and
        a sentence.
    """
    for place, route in enumerate(routes, 1):
        for sentence in (*_conditions(route, users), *_ways(route, bridges)):
            yield place, sentence


def _conditions(route: RouteSettings, users: Collection[str]) -> Iterator[str]:
    if not (route.user or route.sender or route.account or route.code):
        yield 'name a user, sender, account or code; account = "*" is every alarm'
    for name in route.user:
        if name not in users:
            yield f"user: there is no user {name!r}{_near(name, users)}"
    for account in route.account:
        if not _ACCOUNT.fullmatch(account):
            yield f'account: {account!r} must be 4 to 16 hex digits, or fewer and *: "11*"'
    for code in route.code:
        if code not in KINDS and not _CODE.fullmatch(code):
            yield (
                f'code: {code!r} must be three hex digits, fewer with * at the end ("13*"), '
                f"or one of {', '.join(KINDS)}"
            )
    for word in route.qualifier:
        if word not in QUALIFIERS:
            yield f"qualifier: {word!r} is none of {', '.join(QUALIFIERS)}"


def _ways(route: RouteSettings, bridges: Collection[str]) -> Iterator[str]:
    if route.to and route.chain:
        yield "to and chain: have one; for both write two routes, the first with also = true"
    if not route.to and not route.chain and not route.alarm:
        yield "names no bridge: say to (all at once) or chain (one after another)"
    for key, names in (("to", route.to), ("chain", route.chain)):
        for name in dict.fromkeys(names):
            if name not in bridges:
                yield f"{key}: there is no bridge {name!r}{_near(name, bridges)}"
        if len(set(names)) < len(tuple(names)):
            yield f"{key}: names a bridge twice"


def _near(name: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


class Reads(Enum):
    """How a text is to be read."""

    TEXT = auto()  # it is no alarm, whatever it says
    EITHER = auto()  # it is one if it is Contact ID, and the rest of the route holds
    ALARM = auto()  # it must be Contact ID


@frozen
class Routes:
    """
    All routes, in the order of the configuration.

    @ivar settings: which are sound, see L{faults}.
    @ivar country: as in L{goiptwist.telephony.numbering.NumbersSettings}: a route for
        C{+3630*} is one for 0630... too.
    """

    settings: Sequence[RouteSettings] = ()
    country: str = ""
    _own: Sequence[RouteSettings] = field(
        init=False, default=Factory(lambda self: self._recognised(), takes_self=True)
    )

    def _recognised(self) -> list[RouteSettings]:
        return [
            evolve(route, sender=Names(tuple(map(self._whole, route.sender))))
            for route in self.settings
        ]

    def _whole(self, number: str) -> str:
        return recognised(number, self.country) if number else ""

    def reads(self, *, user: str = "", sender: str = "") -> Reads:
        """
        How to read a text that a user hands in, or an SMS of a sender. No SMS
        is ever read as L{Reads.EITHER}: anybody can send one.
        """
        marked = [route for route in self._own if route.alarm]
        if any(route.sender for route in marked):
            sender = self._whole(sender)
        for route in marked:
            by_user = not route.user or user in route.user
            by_sender = not route.sender or _is_any(route.sender, sender)
            if (route.user or route.sender) and by_user and by_sender:
                return Reads.ALARM
        if user and any(not route.user and not route.sender for route in marked):
            return Reads.EITHER
        return Reads.TEXT

    def recognize(self, text: str, *, user: str = "", sender: str = "") -> Event | None:
        """As L{goiptwist.interfaces.IAlarms.recognize}."""
        reads = self.reads(user=user, sender=sender)
        if reads is Reads.TEXT:
            return None
        try:
            event = notation.read(text)
        except Unacceptable:
            if reads is Reads.ALARM:
                raise
            return None
        origin = f"user:{user}" if user else ""
        report = AlarmReport(event=event, origin=origin, sender=self._whole(sender))
        if reads is Reads.ALARM or any(r.alarm and _holds(r, report) for r in self._own):
            return event
        return None

    def steps(self, report: AlarmReport) -> tuple[EscalationStep, ...]:
        """
        Where an alarm goes at first, and who follows.

        @raise Unacceptable: no route takes it; what is missing.
        """
        found: list[EscalationStep] = []
        chains = 0
        report = evolve(report, sender=self._whole(report.sender))
        for route in self._own:
            if not (route.to or route.chain) or not _holds(route, report):
                continue
            found += [EscalationStep(f"bridge:{name}") for name in route.to]
            if route.chain:
                chains += 1
                first, *rest = (f"bridge:{name}" for name in route.chain)
                found.append(EscalationStep(first, chains, tuple(rest), route.escalate_after))
            if not route.also:
                break
        if not found:
            event = report.event
            raise Unacceptable(
                "account",
                f"no route takes an alarm of account {event.account} with code {event.code}: "
                f'the configuration needs a [[route]] with account = "{event.account}", '
                "and to or chain",
            )
        return merged(found)


def _is_any(patterns: Names, name: str) -> bool:
    return bool(name) and any(matches(pattern.upper(), name.upper()) for pattern in patterns)


def _holds(route: RouteSettings, report: AlarmReport) -> bool:
    event = report.event
    words = [QUALIFIERS[word] for word in route.qualifier]
    return (
        (not route.user or any(report.origin == f"user:{name}" for name in route.user))
        and (not route.sender or _is_any(route.sender, report.sender))
        and (not route.account or _is_any(route.account, event.account))
        and (not route.code or _is_any(route.code, event.code) or event.kind in route.code)
        and (not words or event.qualifier in words)
    )
