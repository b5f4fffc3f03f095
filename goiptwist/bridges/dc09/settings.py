"""
The keys of a C{[bridge.NAME]} section with C{kind = "dc09"}.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from goiptwist.alarm.panels import ACCOUNT, MEANT_ACCOUNT, MEANT_KEY, Key
from goiptwist.config.values import HostPort, setting

_NUMBER = re.compile(r"[0-9A-Fa-f]{1,6}")
#: Seconds between link tests that are no burden to anybody.
SHORTEST_SUPERVISION = 10.0


def _check_transport(_: Any, __: Any, transport: str) -> None:
    if transport not in ("tcp", "udp"):
        raise ValueError('transport: must be "tcp" or "udp"')


def _check_account(_: Any, __: Any, account: str) -> None:
    if account and not ACCOUNT.fullmatch(account):
        raise ValueError(f"account: {MEANT_ACCOUNT}")


def _check_number(_: Any, attribute: Any, number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{attribute.name}: must be 1 to 6 hex digits, such as 0")


def _check_supervise(_: Any, __: Any, seconds: float) -> None:
    if seconds and seconds < SHORTEST_SUPERVISION:
        raise ValueError(f"supervise: must be 0, or at least {SHORTEST_SUPERVISION:g} seconds")


def _check_timeout(_: Any, __: Any, seconds: float) -> None:
    if not 0 < seconds <= 60:
        raise ValueError("timeout: must be more than 0 and at most 60 seconds")


def _check_tries(_: Any, __: Any, tries: int) -> None:
    if not 1 <= tries <= 10:
        raise ValueError("tries: must be 1 to 10")


def _check_port(_: Any, attribute: Any, place: HostPort | None) -> None:
    if place is not None and not place.port:
        raise ValueError(f"{attribute.name}: has port 0")


@frozen(kw_only=True)
class Dc09Settings:
    """Which monitoring station alarms are reported to over IP."""

    receiver: HostPort = setting(
        "host:port of the receiver of the monitoring station.", validator=_check_port
    )
    backup: HostPort | None = setting(
        "host:port of a second receiver, which gets an alarm that the first does not take; or "
        "empty.",
        validator=_check_port,
        default=None,
    )
    transport: str = setting('"tcp" or "udp".', validator=_check_transport, default="tcp")
    key: Key | None = setting(
        f"The key that the station gave out; it {MEANT_KEY}. Empty: alarms go in clear, for "
        "everybody on the way to read and to forge.",
        default=None,
    )
    account: str = setting(
        "The account under which everything is reported; empty: each alarm's own.",
        validator=_check_account,
        default="",
    )
    supervise: float = setting(
        "Seconds between two link tests; one that is not answered is shown in /healthz and "
        "logged. 0 for none. Set account too: a test in the name of nobody shows no more than that "
        "somebody is there.",
        validator=_check_supervise,
        default=0.0,
    )
    timeout: float = setting(
        "Seconds to wait for an answer before the same is sent again.",
        validator=_check_timeout,
        default=5.0,
    )
    tries: int = setting(
        "How often an alarm is sent to a receiver that says nothing, before the second receiver, "
        "or the next destination of the route, has its turn.",
        validator=_check_tries,
        default=3,
    )
    receiver_number: str = setting(
        "The number of the receiver (R), if the station gave one out.",
        validator=_check_number,
        default="0",
    )
    line_number: str = setting(
        "The number of the line (L), if the station gave one out.",
        validator=_check_number,
        default="0",
    )
    plain_ack: bool = setting(
        "Whether an answer in clear is believed though there is a key. Some receivers give no "
        "other; but anybody on the way could give it as well.",
        default=False,
    )

    @property
    def sms(self) -> bool:
        """See L{goiptwist.messaging.router.RoutingRule}: it has no use for an SMS."""
        return False
