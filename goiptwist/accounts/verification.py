"""
Finds the user behind a token, or behind a name and a password.

A clear secret takes a microsecond. A hashed one takes a tenth of a second in a
thread, and only a few are checked at a time; one that was right is remembered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.logger import Logger

from goiptwist.accounts.secrets import CredentialCache, Secret, TokenGroup, token_groups
from goiptwist.accounts.users import User
from goiptwist.errors import Busy
from goiptwist.net.shielding import shielded

log = Logger()

#: Slow checks that run at a time; each holds a thread and tens of megabytes.
SLOW_AT_A_TIME = 2

#: Slow checks that may wait for their turn: some seconds of work.
SLOW_WAITING = 32

#: C{deferToThread} of L{twisted.internet.threads}, or in tests a call at once.
DeferToThread = Callable[..., Deferred[Any]]


class CredentialVerifier:
    """
    @ivar defer_to_thread: where the slow checks run.
    """

    def __init__(self, users: Sequence[User], defer_to_thread: DeferToThread) -> None:
        self.defer_to_thread = defer_to_thread
        self._by_name = {user.name: user for user in users}
        tokens = [(user.token, user) for user in users if user.token is not None]
        self._clear_tokens = ClearTokens([pair for pair in tokens if not pair[0].is_slow])
        self._slow_tokens = token_groups([pair for pair in tokens if pair[0].is_slow])
        if len(self._slow_tokens) > 1:
            log.warn(
                "Each wrong token costs {count} checks: hashes that twistd goip --hash-token or "
                "--new-key prints cost one for all users together",
                count=len(self._slow_tokens),
            )
        self._decoy = _decoy(users)
        self._cache: CredentialCache[User] = CredentialCache()
        self._turns = DeferredSemaphore(SLOW_AT_A_TIME)

    async def by_token(self, token: str) -> User | None:
        """
        @return: whose token it is, or C{None}.
        @raise Busy: too many slow checks are waiting.
        """
        found = self._clear_tokens.owner(token)
        if found is not None or not self._slow_tokens:
            return found
        return await self._slowly(("token", token), _owner_of_token, self._slow_tokens, token)

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
        key = ("password", name, password)
        return await self._slowly(key, _owner_of_password, known, user, password)

    async def _slowly(
        self, key: tuple[str, ...], find: Callable[..., User | None], *arguments: Any
    ) -> User | None:
        """
        @param key: what a success is kept under.
        @param find: runs in a thread.
        """
        found = self._cache.get(*key)
        if found is not None:
            return found
        if len(self._turns.waiting) >= SLOW_WAITING:
            raise Busy("too many passwords are being checked already", after=1.0)
        # A client that hangs up must not free the turn of a thread that still runs.
        return await shielded(self._in_turn(key, find, arguments))

    async def _in_turn(
        self, key: tuple[str, ...], find: Callable[..., User | None], arguments: tuple[Any, ...]
    ) -> User | None:
        await self._turns.acquire()
        try:
            found = self._cache.get(*key)  # another may have asked the same
            if found is None:
                found = await self.defer_to_thread(find, *arguments)
            if found is not None:
                self._cache.put(found, *key)  # before the next in turn looks
        finally:
            self._turns.release()
        return found


class ClearTokens:
    """
    Whose a clear token is, by its keyed hash, so that one guess costs one
    look, however many users there are.
    """

    def __init__(self, tokens: Sequence[tuple[Secret, User]]) -> None:
        self._key = os.urandom(32)
        self._owners: Mapping[bytes, tuple[Secret, User]] = {
            secret.keyed_digest(self._key): (secret, user) for secret, user in reversed(tokens)
        }

    def owner(self, token: str) -> User | None:
        """@return: whose it is, or C{None}."""
        secret, user = self._owners.get(Secret.of(token).keyed_digest(self._key), (None, None))
        return user if secret is not None and secret.matches(token) else None


def _owner_of_token(groups: Sequence[TokenGroup[User]], token: str) -> User | None:
    return next((user for group in groups if (user := group.owner(token)) is not None), None)


def _owner_of_password(secret: Secret, user: User | None, password: str) -> User | None:
    return user if secret.matches(password) else None


def _decoy(users: Sequence[User]) -> Secret | None:
    """
    Stands in for the password of nobody. C{None} where every password is
    clear: then each check takes a microsecond, and there is nothing to hide.
    """
    passwords = (user.password for user in users if user.password is not None)
    return next((password.decoy() for password in passwords if password.is_slow), None)
