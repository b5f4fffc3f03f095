"""How a simulated device behaves: its age, its pace, its personality."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum

from attrs import field, frozen


class Generation(Enum):
    """What a line tells in its keepalive; four generations are known."""

    #: id, pass, num and signal: the oldest print of the vendor's paper.
    OLDEST = "oldest"
    #: also gsm_status and voip_status: the seed.
    SEED = "seed"
    #: also imei, imsi and iccid: the papers of the middle years.
    MIDDLE = "middle"
    #: eighteen fields: firmware since 2014.
    LONG = "long"


class Personality(Enum):
    """What a device does with a second C{SEND} of the same telid."""

    #: It reports the state of the first, as the seed says.
    REMEMBERS = "remembers"
    #: It sends the SMS again, as one public gateway saw its device do.
    REPEATS = "repeats"


@frozen
class NumberRule:
    """
    What happens to SMS whose number matches.

    @ivar pattern: searched for anywhere in the number, so C{999$} is an end.
    @ivar code: the C{errorstatus}, or the state of the delivery report.
    @ivar times: only for the first so many SMS to each number; C{None} is all.
    """

    pattern: re.Pattern[str]
    code: int
    times: int | None = None

    def matches(self, number: str) -> bool:
        """Whether the rule is about this number."""
        return self.pattern.search(number) is not None


def rules(given: Mapping[str, int] | Iterable[NumberRule]) -> tuple[NumberRule, ...]:
    """Read the short form C{{"999$": 38}}; rules pass as they are."""
    if isinstance(given, Mapping):
        return tuple(NumberRule(re.compile(pattern), code) for pattern, code in given.items())
    return tuple(given)


#: Seconds between keepalives (seed, section "Registration and Keepalive").
KEEPALIVE = 30.0
#: Seconds that the module needs for one SMS, from and to (seed, step 5).
REAL_PACE = (2.0, 5.0)
#: Seconds from an SMS to its delivery report, from and to. Our choice: no
#: source tells; handsets that are switched on answer within moments.
REPORT_AFTER = (1.0, 4.0)


@frozen(kw_only=True)
class SimulatorSettings:
    """
    @ivar generation: which fields a keepalive has.
    @ivar keepalive: seconds between keepalives.
    @ivar stagger: seconds between the first keepalives of two neighbouring
        lines; the lines of a device go round within one interval.
    @ivar personality: what a repeated C{SEND} does.
    @ivar pace: seconds that one SMS takes, from and to, or C{None}: at once.
    @ivar unsolicited: with a pace, whether the final C{OK} or C{ERROR} comes
        by itself, or only when the server asks.
    @ivar numbered: whether C{OK} carries an C{sms_no}; the seed has none.
    @ivar names_unknown: whether an unknown session is answered with
        C{ERROR <session> SENDID}, or with silence.
    @ivar errors: which numbers the mobile network refuses, with what code.
    @ivar reports: whether delivery reports come.
    @ivar report_after: seconds until a delivery report comes, from and to.
    @ivar report_states: the state of the report by number; else 0, delivered.
    @ivar insists: whether a push that nobody acknowledged is offered again
        and again. Real devices give up.
    """

    generation: Generation = Generation.LONG
    keepalive: float = KEEPALIVE
    stagger: float = 0.0
    personality: Personality = Personality.REMEMBERS
    pace: tuple[float, float] | None = None
    unsolicited: bool = True
    numbered: bool = True
    names_unknown: bool = True
    errors: tuple[NumberRule, ...] = field(default=(), converter=rules)
    reports: bool = False
    report_after: tuple[float, float] = REPORT_AFTER
    report_states: tuple[NumberRule, ...] = field(default=(), converter=rules)
    insists: bool = False

    def __attrs_post_init__(self) -> None:
        if self.keepalive <= 0:
            raise ValueError("keepalive must be more than 0 seconds")
        if self.pace and not self.unsolicited and self.personality is Personality.REPEATS:
            raise ValueError(
                "a device that sends again for each SEND must tell the outcome by itself,"
                " or nobody would ever learn it"
            )
