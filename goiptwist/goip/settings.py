"""The keys of a line."""

from __future__ import annotations

import re
from typing import Any

from attrs import Attribute, frozen

from goiptwist.config.values import HostPort, Network, Password, setting

#: What would break a frame: the device does not escape.
_UNSAFE = re.compile(r"[;:\s\x00-\x1f\x7f]")


#: Seconds between two polls, at the least and at the most: more often would
#: flood the device, and a verdict is not waited for much longer.
_POLLS = (0.2, 60.0)


def poll_seconds(value: object) -> float:
    """
    C{"never"} or seconds.

    @raise ValueError: it is neither.
    """
    # 0 is what many programs mean by never; True and False are numbers to Python.
    if value == "never" or (value == 0 and not isinstance(value, bool)):
        return 0.0
    if isinstance(value, int | float) and not isinstance(value, bool):
        shortest, longest = _POLLS
        if shortest <= value <= longest:
            return float(value)
    raise ValueError('must be 0.2 to 60 seconds, or "never"')


@frozen
class Poll:
    """
    How a device is asked what became of a SEND.

    @ivar seconds: of silence before the same SEND is repeated; 0 is never.
    """

    seconds: float = 5.0

    @classmethod
    def from_setting(cls, value: object) -> Poll:
        """Read it from a number of seconds or C{"never"}."""
        return cls(poll_seconds(value))

    def __str__(self) -> str:
        return f"{self.seconds:g}" if self.seconds else "never"


def _check_id(instance: Any, attribute: Attribute[str], value: str) -> None:
    if not value or len(value) > 64:
        raise ValueError("id must have 1 to 64 characters")
    if _UNSAFE.search(value):
        raise ValueError("id must not hold blanks, ':' or ';': the device does not escape them")


def _check_password(instance: Any, attribute: Attribute[Password], value: Password) -> None:
    if len(value.clear) > 64:
        raise ValueError("password must have at most 64 characters")
    if re.search(r"[;\s\x00-\x1f\x7f]", value.clear):
        raise ValueError("password must not hold blanks or ';': the device does not escape them")


def _check_sessions(instance: Any, attribute: Attribute[int], value: int) -> None:
    if not 1 <= value <= 5:
        raise ValueError("sessions must be 1 to 5: the device takes no more at once")


@frozen(kw_only=True)
class LineSettings:
    """One C{[[line]]} section."""

    id: str = setting(
        'The "SMS Client ID" of the line, as typed into the device.', validator=_check_id
    )
    password: Password = setting(
        'The "Password" of the line, as typed into the device.', validator=_check_password
    )
    number: str = setting("The number of the SIM, for people to read.", default="")
    address: Network | None = setting(
        "Pin: the address or network that the line must come from; empty is any.", default=None
    )
    status: int = setting("The status in the answer to a keepalive.", default=0)
    poll: Poll = setting(
        "Seconds of silence before the device is asked again what became of an SMS, by "
        'repeating SEND; "never" for devices that would send it again.',
        default=Poll(),
    )
    pool: str = setting("The pool that the line belongs to.", default="default")
    sessions: int = setting("Bulk sessions at once, 1 to 5.", default=5, validator=_check_sessions)


@frozen(kw_only=True)
class GoipSettings:
    """C{[goip]}"""

    listen: HostPort = setting(
        "Where devices send to, host:port over UDP. 0.0.0.0 is every address of this machine.",
        default=HostPort("0.0.0.0", 44444),  # noqa: S104
    )
