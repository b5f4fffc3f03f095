"""
Who may use the gateway: people and programs, what they may do, and how those
who guess are slowed.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from attrs import Attribute, define, field, frozen
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime

from goiptwist.accounts.secrets import Remembered, Secret
from goiptwist.config.values import Network, setting
from goiptwist.errors import Busy
from goiptwist.net.shielding import shielded

#: An address, or a domain behind its at sign. Domains beyond ASCII stand in
#: their ASCII form, as they do wherever mail servers speak of them.
_MAIL = re.compile(r"[^\s<>@,;:\"()]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")

#: What a user may be allowed. C{admin} includes the others.
SCOPES = ("send", "read", "admin")

#: Slow checks that run at a time; each holds a thread and tens of megabytes.
SLOW_AT_A_TIME = 2

#: Slow checks that may wait for their turn: some seconds of work.
SLOW_WAITING = 32

#: Failed attempts that one source has in C{WINDOW}: room for a person's typing
#: errors, none for guessing.
FAILURES = 10

#: Seconds from a source's first failure until all its failures are forgotten.
WINDOW = 60.0

#: Bits of an address of IPv6 that tell one customer from another: each gets at
#: least a network of that length (RFC 6177 section 2; RFC 4291 section 2.5.1).
CUSTOMER_BITS = 64

#: Sources whose failures are kept at a time; about a hundred bytes each.
MAX_SOURCES = 4096

#: C{deferToThread} of L{twisted.internet.threads}, or in tests a call at once.
DeferToThread = Callable[..., Deferred[Any]]


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
        "What a program says as a bearer token: clear, or as 'twistd goip --hash' prints it.",
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
    parts_a_day: int = setting(
        "How many SMS the user may cause in a day, where a long text needs several; 0 is no limit.",
        default=0,
        validator=_check_not_negative,
    )
    networks: tuple[Network, ...] = setting(
        "Addresses and networks that the user may come from; behind a proxy it is the proxy's "
        "address that counts. Empty: from anywhere.",
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


class Users:
    """
    Finds the user behind a token, or behind a name and a password.

    @ivar defer_to_thread: where the slow checks run.
    """

    def __init__(self, users: Sequence[User], defer_to_thread: DeferToThread) -> None:
        self.defer_to_thread = defer_to_thread
        self._by_name = {user.name: user for user in users}
        tokens = [(user.token, user) for user in users if user.token is not None]
        self._clear_tokens = [pair for pair in tokens if not pair[0].is_slow]
        self._slow_tokens = [pair for pair in tokens if pair[0].is_slow]
        self._decoy = _decoy(users)
        self._remembered: Remembered[User] = Remembered()
        self._turns = DeferredSemaphore(SLOW_AT_A_TIME)

    def __iter__(self) -> Iterator[User]:
        """In the order of the configuration."""
        return iter(self._by_name.values())

    async def by_token(self, token: str) -> User | None:
        """
        @return: whose token it is, or C{None}.
        @raise Busy: too many slow checks are waiting.
        """
        found = _owner(self._clear_tokens, token)
        if found is not None or not self._slow_tokens:
            return found
        return await self._slowly(("token", token), self._slow_tokens, token)

    async def by_password(self, name: str, password: str) -> User | None:
        """
        An unknown name takes the same time as a wrong password.

        @return: the user of that name if the password is right, or C{None}.
        @raise Busy: too many slow checks are waiting.
        """
        user = self._by_name.get(name)
        known = user.password if user is not None else None
        if known is not None and not known.is_slow:
            if known.matches(password):
                return user
            known = None
        if known is None:
            known, user = self._decoy, None
        if known is None:
            return None
        said = ("password", name, password)
        return await self._slowly(said, [(known, user)], password)

    async def _slowly(
        self, said: tuple[str, ...], pairs: Sequence[tuple[Secret, User | None]], candidate: str
    ) -> User | None:
        """@param said: what the memory knows a success by."""
        found = self._remembered.recall(*said)
        if found is not None:
            return found
        if len(self._turns.waiting) >= SLOW_WAITING:
            raise Busy("too many passwords are being checked already", after=1.0)
        # Who hangs up must not free the turn of a thread that still runs.
        return await shielded(self._in_turn(said, pairs, candidate))

    async def _in_turn(
        self, said: tuple[str, ...], pairs: Sequence[tuple[Secret, User | None]], candidate: str
    ) -> User | None:
        await self._turns.acquire()
        try:
            found = self._remembered.recall(*said)  # another may have asked the same
            if found is None:
                found = await self.defer_to_thread(_owner, pairs, candidate)
            if found is not None:
                self._remembered.keep(found, *said)  # before the next in turn looks
        finally:
            self._turns.release()
        return found


def _owner(pairs: Sequence[tuple[Secret, User | None]], candidate: str) -> User | None:
    return next((user for secret, user in pairs if secret.matches(candidate)), None)


def _decoy(users: Sequence[User]) -> Secret | None:
    """
    Stands in for the password of nobody. C{None} where every password is
    clear: then each check takes a microsecond, and there is nothing to hide.
    """
    passwords = (user.password for user in users if user.password is not None)
    return next((password.decoy() for password in passwords if password.is_slow), None)


def _one_customer(source: str) -> str:
    """
    @return: an address of IPv4 as it is, on whichever socket it came; of IPv6
        the network of 64 bits, of whose addresses one machine has all.
    """
    if ":" not in source:
        return source
    try:
        address = IPv6Address(source)
    except ValueError:
        return source
    plain = address.ipv4_mapped
    return str(plain or IPv6Network((int(address), CUSTOMER_BITS), strict=False))


@define
class Attempts:
    """
    Counts failed attempts by where they came from.

    @ivar clock: where time comes from.
    """

    clock: IReactorTime
    failures: int = FAILURES
    window: float = WINDOW
    max_sources: int = MAX_SOURCES
    _failed: OrderedDict[str, tuple[float, int]] = field(factory=OrderedDict, init=False)

    def wait(self, source: str) -> float:
        """
        @param source: an address.
        @return: seconds until that source may try again; 0 is now.
        """
        since, count = self._failed.get(_one_customer(source), (0.0, 0))
        if count < self.failures:
            return 0.0
        return max(0.0, since + self.window - self.clock.seconds())

    def failed(self, source: str) -> None:
        """Note one failure; where too many sources fail, the oldest is let go."""
        now, source = self.clock.seconds(), _one_customer(source)
        since, count = self._failed.get(source, (now, 0))
        if now >= since + self.window:
            since, count = now, 0
            self._failed.pop(source, None)  # it counts as new again
        self._failed[source] = since, count + 1
        if len(self._failed) > self.max_sources:
            self._failed.popitem(last=False)
