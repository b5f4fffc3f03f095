"""
The keys of C{[alarm]}.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import Attribute, frozen

from goiptwist.alarm.panels import PanelSettings
from goiptwist.config.values import setting

_ACCOUNT = re.compile(r"[0-9A-Fa-f]{4}")


def _check_seconds(_: Any, attribute: Attribute[float], value: float) -> None:
    if not value >= 0:
        raise ValueError(f"{attribute.name}: must be a number of seconds, or 0")


def _check_account(_: Any, __: Any, account: str) -> None:
    if account and not _ACCOUNT.fullmatch(account):
        raise ValueError('test_account: must be 4 hex digits, such as "1113"')


def _check_every(instance: Any, attribute: Attribute[float], every: float) -> None:
    _check_seconds(instance, attribute, every)
    if 0 < every < 60:
        raise ValueError("test_every: must be at least 60 seconds, or 0 for no tests")


@frozen(kw_only=True)
class AlarmSettings(PanelSettings):
    """C{[alarm]}"""

    dedup_window: float = setting(
        "Seconds in which the same alarm again is the same alarm: a loose contact wakes people "
        "once. It is counted in the journey. 0: each is one of its own.",
        formerly="joins",
        default=30.0,
        validator=_check_seconds,
    )
    test_every: float = setting(
        "Seconds between two test alarms (Contact ID 602) by each way, 86400 for once a day; "
        "0 for none. If one does not arrive, that is an alarm itself: 350, communication trouble, "
        "with the number of the way as its zone.",
        default=0.0,
        validator=_check_every,
    )
    test_account: str = setting(
        "The account of test alarms; a [[route]] must take it.",
        default="",
        validator=_check_account,
    )
    test_bridges: tuple[str, ...] = setting(
        "The ways that are tested, by the names of their bridges; empty: all that routes name.",
        default=(),
    )
    test_wait: float = setting(
        "Seconds after which a test alarm that has not arrived is missed.",
        default=300.0,
        validator=_check_seconds,
    )
