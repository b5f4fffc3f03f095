"""
One login for every listener of a gateway: HTTP, SMTP and LMTP share the users,
the brake for those who guess, and what is known to be right.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from goiptwist.accounts.secrets import CredentialCache
from goiptwist.accounts.throttle import CountedAttempt, LoginThrottle
from goiptwist.accounts.users import User
from goiptwist.accounts.verification import CredentialVerifier, DeferToThread
from goiptwist.errors import Forbidden
from goiptwist.net.shielding import shielded


@frozen(kw_only=True)
class LoginAttempt:
    """
    What somebody says to prove who it is.

    @ivar find: looks for the user behind the C{credentials}.
    @ivar source: the address that it comes from.
    @ivar name: of the user; empty where a token is said, without a name.
    @ivar credentials: name and password, or a token.
    @ivar scope: what the user must be allowed; empty is nothing.
    @ivar silent: whether the one who asks is not told why not.
    """

    find: Callable[..., Awaitable[User | None]] = field(repr=False)
    source: str
    name: str = ""
    credentials: tuple[str, ...] = field(repr=False)
    scope: str = ""
    silent: bool = False

    @property
    def cache_key(self) -> tuple[str, ...]:
        """What a success is remembered by: two texts for a token, three for a password."""
        return self.source, *self.credentials

    def refusal(self, user: User) -> str:
        """@return: why this user may not log in so, in words; empty where it may."""
        if self.scope and not user.allowed(self.scope):
            return f"user {user.name} may not {self.scope}"
        if not user.may_come_from(self.source):
            return f"user {user.name} may not come from {self.source or 'here'}"
        return ""


class Authenticator:
    """
    Finds out who somebody is, and slows those who guess.

    A login that was right goes through from the same address again, at once
    and even while others guess there: it costs one fast hash.

    @ivar users: in the order of the configuration.
    @ivar verifier: checks secrets.
    @ivar throttle: counts attempts, of all listeners together.
    """

    def __init__(
        self, users: Sequence[User], clock: IReactorTime, defer_to_thread: DeferToThread
    ) -> None:
        """
        @param clock: tells when somebody who guessed may try again.
        @param defer_to_thread: where hashes are made.
        """
        self.users = tuple(users)
        self.verifier = CredentialVerifier(self.users, defer_to_thread)
        self.throttle = LoginThrottle(clock)
        #: The users who came from a place with a token or password.
        self._known: CredentialCache[User] = CredentialCache()
        #: Those who wait for a check of the same secret from the same place.
        self._under_way: dict[bytes, list[Deferred[User | None]]] = {}

    async def by_token(self, source: str, token: str) -> User | None:
        """
        @param source: the address that it comes from; empty is a local socket.
        @return: whose token it is, or C{None}.
        @raise Forbidden: the user may not come from there.
        @raise TooManyAttempts: too many wrong ones came from there.
        @raise Busy: too many are being checked.
        """
        return await self._login(
            LoginAttempt(find=self.verifier.by_token, source=source, credentials=(token,))
        )

    async def by_password(
        self, source: str, name: str, password: str, *, scope: str = "", silent: bool = False
    ) -> User | None:
        """
        @param source: the address that it comes from; empty is a local socket.
        @param scope: what the user must be allowed, one of
            L{SCOPES<goiptwist.accounts.users.SCOPES>}; empty is nothing.
        @param silent: whether the one who asks is not told why not; then a
            right password of a user who may not log in counts as a wrong one,
            so that the brake does not tell it either.
        @return: who has this name and password, or C{None}.
        @raise Forbidden: the user may not come from there, or not that scope.
        @raise TooManyAttempts: too many wrong ones came from there, or for that name.
        @raise Busy: too many are being checked.
        """
        return await self._login(
            LoginAttempt(
                find=self.verifier.by_password,
                source=source,
                name=name,
                credentials=(name, password),
                scope=scope,
                silent=silent,
            )
        )

    async def _login(self, attempt: LoginAttempt) -> User | None:
        user = self._known.get(*attempt.cache_key)
        if user is None or attempt.refusal(user):
            # A guess counts, even if the one who made it hangs up at once.
            user = await shielded(self._checked_once(attempt))
        if user is not None and (refusal := attempt.refusal(user)):
            raise Forbidden(refusal)
        return user

    async def _checked_once(self, attempt: LoginAttempt) -> User | None:
        """
        A crowd that says the same from one place is one check. It is one
        attempt too, and each counts only where it turns out to be wrong.
        """
        digest = self._known.digest(*attempt.cache_key, attempt.scope, str(attempt.silent))
        crowd = self._under_way.get(digest)
        if crowd is not None:
            waiting: Deferred[User | None] = Deferred()
            crowd.append(waiting)
            return await waiting
        counted = self.throttle.begin(attempt.source, attempt.name)
        crowd = self._under_way[digest] = []
        try:
            user = await attempt.find(*attempt.credentials)
        except Exception as error:
            counted.unchecked()
            del self._under_way[digest]
            for waiting in crowd:
                waiting.errback(error)
            raise
        self._count(counted, attempt, user, 1 + len(crowd))
        del self._under_way[digest]
        for waiting in crowd:
            waiting.callback(user)
        return user

    def _count(
        self, counted: CountedAttempt, attempt: LoginAttempt, user: User | None, times: int
    ) -> None:
        if user is None or (attempt.silent and attempt.refusal(user)):
            counted.failed(times)
        elif attempt.refusal(user):
            counted.unchecked()
        else:
            self._known.put(user, *attempt.cache_key)
            counted.succeeded(user.name)
