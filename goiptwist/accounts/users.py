"""Who may use the gateway: people and programs, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from attrs import Attribute, frozen

from goiptwist.accounts.secrets import Secret
from goiptwist.config.values import Network, setting

#: An address, or a domain behind its at sign. Domains beyond ASCII stand in
#: their ASCII form, as they do wherever mail servers speak of them.
_MAIL = re.compile(r"[^\s<>@,;:\"()]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")

#: What a user may be allowed. C{admin} includes the others.
SCOPES = ("send", "read", "admin")


def _check_not_negative(_: Any, attribute: Attribute[int], value: int) -> None:
    if value < 0:
        raise ValueError(f"{attribute.name}: must be 0 or more")


@frozen(kw_only=True)
class User:
    """One C{[[user]]} section."""

    name: str = setting("Who it is: stands in the log and in the journey of messages.")
    password: Secret | None = setting(
        "What the user says with the name: clear, or as 'twistd goip --hash' prints it.",
        default=None,
    )
    token: Secret | None = setting(
        "What a program says as a bearer token: clear, or as 'twistd goip --hash-token' prints it.",
        default=None,
    )
    may: tuple[str, ...] = setting(
        "Any of send, read and admin; admin includes the others.", default=("send", "read")
    )
    to: tuple[str, ...] = setting(
        'Numbers that the user may write to; "+3630*" is every number that begins so. Empty: any.',
        default=(),
    )
    lines: tuple[str, ...] = setting(
        "Lines that the user may send by; each text must then name one. Empty: any.", default=()
    )
    messages_a_day: int = setting(
        "To how many recipients the user may write in a day (of UTC); 0 is no limit.",
        default=0,
        validator=_check_not_negative,
    )
    segments_a_day: int = setting(
        "How many SMS the user may cause in a day, where a long text needs several; 0 is no limit.",
        formerly="parts_a_day",
        default=0,
        validator=_check_not_negative,
    )
    networks: tuple[Network, ...] = setting(
        "Addresses and networks that the user may come from; behind a proxy it is the proxy's "
        "address that counts, unless [http] proxies names that one. Empty: from anywhere.",
        default=(),
    )

    mail: tuple[str, ...] = setting(
        "Addresses whose mails count as this user's once our own mail server vouches for them: "
        '"ops@example.org", or "@example.org" for everybody there; see authserv in [mail].',
        default=(),
    )

    def __attrs_post_init__(self) -> None:
        if not self.name or not self.name.isprintable():
            raise ValueError("a user's name must have printable characters only, and some")
        for scope in self.may:
            if scope not in SCOPES:
                raise ValueError(f"may: {scope!r} is none of {', '.join(SCOPES)}")
        for address in self.mail:
            if not _MAIL.fullmatch(address):
                raise ValueError(
                    f"mail: {address!r} is neither an address, such as ops@example.org, "
                    "nor a domain, such as @example.org"
                )

    def allowed(self, scope: str) -> bool:
        """@param scope: one of L{SCOPES}."""
        return scope in self.may or "admin" in self.may

    def may_come_from(self, host: str) -> bool:
        """@param host: the address at the other end, as text; not a name."""
        if not self.networks:
            return True
        try:
            return any(network.holds(host) for network in self.networks)
        except ValueError:
            return False  # a local socket has no address


def shared_addresses(users: Sequence[User]) -> list[str]:
    """@return: what is wrong where two users claim the mails of one address, in sentences."""
    owners: dict[str, str] = {}
    sentences = []
    for user in users:
        for address in dict.fromkeys(address.lower() for address in user.mail):
            if address in owners:
                both = f"{owners[address]!r} and {user.name!r}"
                sentences.append(f"mail: {address} is of {both}; its mails can be of one only")
            owners.setdefault(address, user.name)
    return sentences
