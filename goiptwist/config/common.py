"""The keys that belong to no limb."""

from __future__ import annotations

import re
from typing import Any

from attrs import Attribute, frozen

from goiptwist.config.values import setting
from goiptwist.model.messages import OnUnknown

DAY = 86400.0

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _check_name(instance: Any, attribute: Attribute[str], value: str) -> None:
    if not _HOST_NAME.fullmatch(value):
        raise ValueError("name must be a host name, such as sms.example.org")


def _check_positive(instance: Any, attribute: Attribute[float], value: float) -> None:
    if not value > 0:
        raise ValueError(f"{attribute.name} must be more than 0")


def _check_days(instance: Any, attribute: Attribute[float], value: float) -> None:
    if not value >= 0:
        raise ValueError(f"{attribute.name} must be a number of days, or 0 for ever")


def _check_match(_: Any, __: Any, match: str) -> None:
    try:
        re.compile(match)
    except re.error as wrong:
        raise ValueError(f"match: {match!r} is no regular expression: {wrong}") from None


@frozen(kw_only=True)
class BridgeSettings:
    """
    The keys that bridges for SMS share, see L{goiptwist.messaging.router.RoutingRule}; each kind
    adds its own.
    """

    lines: tuple[str, ...] = setting(
        "Only what comes in by these lines; empty: by any.", default=()
    )
    pools: tuple[str, ...] = setting(
        "Only what comes in by lines of these pools; empty: of any.", default=()
    )
    numbers: tuple[str, ...] = setting(
        'Only SMS from these numbers or names; "+3630*" is every number that begins so. Empty: '
        "from any.",
        default=(),
    )
    match: str = setting(
        "Only SMS in whose text this regular expression is found; empty: any.",
        validator=_check_match,
        default="",
    )
    fallback: str = setting(
        "The name of another bridge that gets the SMS which this one can never deliver, because "
        "its far side refuses them for good, or sends them back. Empty: none.",
        default="",
    )


@frozen(kw_only=True)
class TopSettings:
    """The keys before any section."""

    state: str = setting(
        "The folder for everything that is kept; it is made if it is not there.",
        default="goip-state",
    )
    name: str = setting(
        "The host name of the gateway, for greetings and ids.",
        default="goiptwist.localdomain",
        validator=_check_name,
    )


@frozen(kw_only=True)
class DeliverySettings:
    """C{[delivery]}"""

    validity: float = setting(
        "Seconds for which an outgoing SMS is tried before it expires.",
        default=DAY,
        validator=_check_positive,
    )
    give_up: float = setting(
        "Seconds for which a bridge is tried before an incoming SMS has failed there.",
        default=5 * DAY,
        validator=_check_positive,
    )
    attempts: int = setting(
        "How often the network may turn an SMS down for now before it has failed.",
        default=5,
        validator=_check_positive,
    )
    delay_warning: float = setting(
        "Seconds after which those who want to be told of delays are told that an SMS still waits.",
        default=4 * 3600.0,
        validator=_check_positive,
    )
    on_unknown: OnUnknown = setting(
        "What follows when a device goes silent after it was given a number, so that nobody "
        'knows whether the SMS went out: "hold" it for an operator, "resend" it, or "fail" it.',
        default=OnUnknown.HOLD,
    )


@frozen(kw_only=True)
class HistorySettings:
    """C{[history]}"""

    keep: float = setting(
        "Days for which settled messages are kept; 0 is for ever. Those that came by mail, or "
        "with an id, stay for 7 days at least: until then the same mail or id sends nothing again.",
        default=90.0,
        validator=_check_days,
    )
