"""
The keys of a C{[bridge.NAME]} section with C{kind = "dc09"}, and of C{[alarm]}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

from attrs import field, frozen

from goiptwist.bridges.dc09.frames import plain_account
from goiptwist.values import PLACEHOLDERS, HostPort, HostPorts, setting

#: Bytes of a key: AES-128, 192 and 256.
KEY_LENGTHS = (16, 24, 32)
_HEX_PREFIX = "hex:"

_ACCOUNT = re.compile(r"[0-9A-Fa-f]{3,16}")
_NUMBER = re.compile(r"[0-9A-Fa-f]{1,6}")
_MEANT_ACCOUNT = "must be 3 to 16 hex digits, such as 1113"
_MEANT_KEY = (
    "must be 16, 24 or 32 characters, which are the key as they stand; or 48 or 64 hex digits; or "
    f"{_HEX_PREFIX} and 32, 48 or 64 hex digits"
)
#: Seconds between link tests that are no burden to anybody.
SHORTEST_SUPERVISION = 10.0


@frozen(repr=False)
class Key:
    """A key that a panel and its receiver share; it shows itself to nobody."""

    clear: bytes

    @classmethod
    def from_setting(cls, value: object) -> Self:
        if not isinstance(value, str):
            raise ValueError("must be a text")  # noqa: TRY004
        text = value.strip()
        if text.lower() in PLACEHOLDERS:
            raise ValueError("is empty or still the placeholder: put the real key here")
        explicit = text.lower().startswith(_HEX_PREFIX)
        if not explicit and len(text) in KEY_LENGTHS and text.isascii():
            return cls(text.encode())
        try:
            clear = bytes.fromhex(text[len(_HEX_PREFIX) :] if explicit else text)
        except ValueError:
            raise ValueError(_MEANT_KEY) from None
        if len(clear) not in KEY_LENGTHS:
            raise ValueError(_MEANT_KEY)
        return cls(clear)

    def __repr__(self) -> str:
        return "<a key>"


@frozen
class Panels:
    """The accounts whose panels may report, each with its key, or with none."""

    keys: Mapping[str, Key | None] = field(factory=dict)

    @classmethod
    def from_setting(cls, value: object) -> Self:
        if value == "":
            return cls()
        if isinstance(value, list):
            value = {str(account): "" for account in value}
        if not isinstance(value, dict):
            raise ValueError('must be accounts with their keys, such as { 1113 = "THE KEY" }')  # noqa: TRY004
        keys: dict[str, Key | None] = {}
        for account, key in value.items():
            if not _ACCOUNT.fullmatch(account):
                raise ValueError(f"account {account!r} {_MEANT_ACCOUNT}")
            try:
                keys[plain_account(account)] = Key.from_setting(key) if key != "" else None
            except ValueError as wrong:
                raise ValueError(f"the key of account {account} {wrong}") from None
        return cls(keys)

    def __contains__(self, account: str) -> bool:
        return plain_account(account) in self.keys

    def key_of(self, account: str) -> bytes | None:
        """The key of an account that is among them, if it has one."""
        key = self.keys[plain_account(account)]
        return None if key is None else key.clear

    def __bool__(self) -> bool:
        return bool(self.keys)

    def __str__(self) -> str:
        return ", ".join(self.keys)


def _check_transport(_: Any, __: Any, transport: str) -> None:
    if transport not in ("tcp", "udp"):
        raise ValueError('transport: must be "tcp" or "udp"')


def _check_account(_: Any, __: Any, account: str) -> None:
    if account and not _ACCOUNT.fullmatch(account):
        raise ValueError(f"account: {_MEANT_ACCOUNT}")


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
        f"The key that the station gave out; it {_MEANT_KEY}. Empty: alarms go in clear, for "
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
        "logged. 0 for none.",
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
        "or the next way, has its turn.",
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
        "other; but whoever is on the way could give it as well.",
        default=False,
    )

    @property
    def sms(self) -> bool:
        """See L{goiptwist.router.Rule}: it has no use for an SMS."""
        return False


@frozen(kw_only=True)
class AlarmSettings:
    """Where alarm panels may report to us over IP, and which of them."""

    dc09_listen: HostPorts = setting(
        "host:port, or several, where panels report by SIA DC-09 over TCP; empty: nowhere.",
        default=HostPorts(),
    )
    dc09_udp: HostPorts = setting("The same over UDP.", default=HostPorts())
    accounts: Panels = setting(
        'Whose reports are taken: { 1113 = "THE KEY", 13E3186 = "" }, each account with its key, '
        'or with an empty one if it reports in clear; or just ["1113", "13E3186"]. A key '
        f"{_MEANT_KEY}.",
        default=Panels(),
    )

    @property
    def listens(self) -> bool:
        """Whether panels may report at all."""
        return bool(self.dc09_listen or self.dc09_udp)

    def __attrs_post_init__(self) -> None:
        if self.listens and not self.accounts:
            raise ValueError('accounts: whose panels may report to dc09_listen? Such as ["1113"]')
