"""
The keys of an SMS bridge.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from goiptwist.bridges.sms.texts import ANSWER
from goiptwist.config.values import setting
from goiptwist.messaging.router import RoutingRule

FORMS = ("words", "machine")
UNTIL = ("delivered", "sent", "acknowledged")

_NUMBER = re.compile(r"\+[0-9]{6,15}")


def _check_numbers(_: Any, __: Any, numbers: tuple[str, ...]) -> None:
    if not numbers:
        raise ValueError("numbers: name at least one")
    for number in numbers:
        if not _NUMBER.fullmatch(number):
            # So that an answer is known by the number that it comes from.
            raise ValueError(
                f"numbers: {number!r} must have + and the country code, and digits only, "
                'such as "+36301234567"'
            )


def _check_form(_: Any, __: Any, form: str) -> None:
    if form not in FORMS:
        raise ValueError(f"form: {form!r} is none of {', '.join(FORMS)}")


def _check_until(_: Any, __: Any, until: str) -> None:
    if until not in UNTIL:
        raise ValueError(f"until: {until!r} is none of {', '.join(UNTIL)}")


def _check_patience(_: Any, __: Any, patience: float) -> None:
    if not 0 < patience <= 86400:
        raise ValueError("patience: must be more than 0 and at most 86400 seconds")


@frozen(kw_only=True)
class SmsSettings:
    """Who gets SMS, and what counts as having got one."""

    numbers: tuple[str, ...] = setting(
        "Who is texted, each with + and the country code. Any of them will do: the alarm is "
        "delivered when the first one has it.",
        validator=_check_numbers,
    )
    pool: str = setting("The pool of lines to send by; empty: the usual one.", default="")
    form: str = setting(
        'What is written: a sentence and how to answer ("words"), or Contact ID for a receiver '
        'that reads it, such as 1113,18,1,123,03,003 ("machine").',
        validator=_check_form,
        default="words",
    )
    until: str = setting(
        'When an alarm is delivered: when the handset says so ("delivered"), when the network '
        'has taken the SMS ("sent", for devices without delivery reports), or when a person has '
        'answered ACK ("acknowledged").',
        validator=_check_until,
        default="delivered",
    )
    patience: float = setting(
        "Seconds to wait for that; then the alarm has failed here.",
        validator=_check_patience,
        default=300.0,
    )
    confirm: bool = setting("Whether a person who answers ACK gets a confirmation.", default=True)

    @property
    def rule(self) -> RoutingRule:
        """Only answers: alarms come by routes, SMS by the C{fallback} of others."""
        return RoutingRule(match=ANSWER)
