"""Who asks, and may they? Bearer tokens as of RFC 6750; and names with passwords."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.web.iweb import IRequest

from goiptwist.secret import Remembered
from goiptwist.users import Attempts, User, Users
from goiptwist.waiting import carried_through
from goiptwist.web.problems import Problem, retry_after

#: What a 401 must offer (RFC 9110 section 11.6.1).
CHALLENGE = b'Bearer realm="goiptwist"'


@define
class Access:
    """
    Finds the user behind a request.

    @ivar attempts: counts wrong tokens and passwords by the address they came from.
    """

    users: Users
    attempts: Attempts
    #: Who came from where with which token or password. It makes the common case one hash,
    #: and lets the good clients on a machine through while a bad one is slowed.
    _known: Remembered[User] = field(factory=Remembered, init=False)

    async def user(self, request: IRequest, scope: str) -> User:
        """
        @param scope: what the user must be allowed, one of
            L{goiptwist.users.SCOPES}.
        @raise Problem: 401, 403, or 429 after too many wrong tokens.
        @raise Busy: too many tokens are being checked.
        """
        token = _bearer(request)
        user = await self._user(_source(request), self.users.by_token, token)
        if user is None:
            raise _unknown("no user has this token", b', error="invalid_token"')
        if not user.allowed(scope):
            challenge = b', error="insufficient_scope", scope="%s"' % scope.encode("ascii")
            headers = {b"WWW-Authenticate": CHALLENGE + challenge}
            raise Problem(403, f"this needs a user who may {scope}", headers=headers)
        return user

    async def by_password(self, request: IRequest, name: str, password: str) -> User | None:
        """
        @return: the user, or C{None} if nobody has this name and password.
        @raise Problem: 429 after too many wrong ones.
        @raise Busy: too many are being checked.
        """
        return await self._user(_source(request), self.users.by_password, name, password)

    async def _user(
        self, source: str, find: Callable[..., Awaitable[User | None]], *said: str
    ) -> User | None:
        """@param said: what C{find} is asked."""
        user = self._known.recall(source, *said)
        if user is None:
            # A guess counts, even if the one who made it hangs up at once.
            user = await carried_through(self._found(source, find, said))
        return user

    async def _found(
        self, source: str, find: Callable[..., Awaitable[User | None]], said: tuple[str, ...]
    ) -> User | None:
        wait = self.attempts.wait(source)
        if wait > 0:
            headers = retry_after(wait)
            sentence = "too many wrong tokens or passwords from your address"
            raise Problem(429, sentence, headers=headers)
        user = await find(*said)
        if user is None:
            self.attempts.failed(source)
        else:
            self._known.keep(user, source, *said)
        return user


def _bearer(request: IRequest) -> str:
    scheme, _, token = (request.getHeader(b"Authorization") or b"").partition(b" ")
    if scheme.lower() != b"bearer":
        raise _unknown("this needs the header Authorization: Bearer TOKEN")
    try:
        return token.strip().decode("utf-8")
    except UnicodeDecodeError:
        raise _unknown("the token is not UTF-8", b', error="invalid_token"') from None


def _source(request: IRequest) -> str:
    return getattr(request.getClientAddress(), "host", "")


def _unknown(detail: str, more: bytes = b"") -> Problem:
    return Problem(401, detail, headers={b"WWW-Authenticate": CHALLENGE + more})
