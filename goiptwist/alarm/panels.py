"""
Alarm panels that report to us over IP: whose, and with which key. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

from attrs import field, frozen

from goiptwist.config.values import PLACEHOLDERS, HostPorts, setting

#: Bytes of a key: AES-128, 192 and 256.
KEY_LENGTHS = (16, 24, 32)
_HEX_PREFIX = "hex:"

ACCOUNT = re.compile(r"[0-9A-Fa-f]{3,16}")
MEANT_ACCOUNT = "must be 3 to 16 hex digits, such as 1113"
MEANT_KEY = (
    "must be 16, 24 or 32 characters, which are the key as they stand; or 48 or 64 hex digits; or "
    f"{_HEX_PREFIX} and 32, 48 or 64 hex digits"
)


def plain_account(account: str) -> str:
    """An account as it can be compared: case and zeros before it do not matter."""
    return account.upper().lstrip("0") or "0"


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
            raise ValueError(MEANT_KEY) from None
        if len(clear) not in KEY_LENGTHS:
            raise ValueError(MEANT_KEY)
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
            if not ACCOUNT.fullmatch(account):
                raise ValueError(f"account {account!r} {MEANT_ACCOUNT}")
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


def _check_accounts(settings: Any, _: Any, accounts: Panels) -> None:
    if (settings.dc09_listen or settings.dc09_udp) and not accounts:
        raise ValueError('accounts: whose panels may report over IP? Say such as ["1113"]')


@frozen(kw_only=True)
class PanelSettings:
    """The keys of C{[alarm]} about panels that report over IP."""

    dc09_listen: HostPorts = setting(
        "host:port, or several, where panels report by SIA DC-09 over TCP; empty: nowhere.",
        default=HostPorts(),
    )
    dc09_udp: HostPorts = setting("The same over UDP.", default=HostPorts())
    accounts: Panels = setting(
        'Whose reports are taken: { 1113 = "THE KEY", 13E3186 = "" }, each account with its key, '
        'or with an empty one if it reports in clear; or just ["1113", "13E3186"]. A key '
        f"{MEANT_KEY}.",
        validator=_check_accounts,
        default=Panels(),
    )

    @property
    def listens(self) -> bool:
        """Whether panels may report at all."""
        return bool(self.dc09_listen or self.dc09_udp)
