"""
Who asks, and may they? Bearer tokens as of RFC 6750, and names with passwords
as of RFC 7617.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.web.iweb import IRequest

from goiptwist.accounts.secrets import Remembered
from goiptwist.accounts.users import Attempts, User, Users
from goiptwist.net.shielding import shielded
from goiptwist.web.problems import Problem, retry_after

#: What a 401 must offer (RFC 9110 section 11.6.1).
CHALLENGE = b'Bearer realm="goiptwist"'
BASIC = b'Basic realm="goiptwist", charset="UTF-8"'


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
            L{goiptwist.accounts.users.SCOPES}; or empty, if any user will do.
        @raise Problem: 401, 403, or 429 after too many wrong tokens.
        @raise Busy: too many tokens are being checked.
        """
        user = await self._asking(request)
        if scope and not user.allowed(scope):
            challenge = b', error="insufficient_scope", scope="%s"' % scope.encode("ascii")
            headers = {b"WWW-Authenticate": CHALLENGE + challenge}
            raise Problem(403, f"this needs a user who may {scope}", headers=headers)
        return user

    async def _asking(self, request: IRequest) -> User:
        scheme, _, said = (request.getHeader(b"Authorization") or b"").partition(b" ")
        if scheme.lower() == b"bearer":
            user = await self._user(_source(request), self.users.by_token, _token(said))
            if user is None:
                raise _unknown("no user has this token", b', error="invalid_token"')
        elif scheme.lower() == b"basic":
            user = await self.by_password(request, *_name_and_password(said))
            if user is None:
                raise _unknown("no user has this name and password")
        else:
            raise _unknown(
                "this needs the header Authorization: Bearer TOKEN, or Basic with a name "
                "and a password"
            )
        return user

    async def by_password(self, request: IRequest, name: str, password: str) -> User | None:
        """
        @return: the user, or C{None} if nobody has this name and password.
        @raise Problem: 403 from another network than the user's; 429 after too
            many wrong ones.
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
            user = await shielded(self._found(source, find, said))
        if user is not None and not user.may_come_from(source):
            raise Problem(403, f"user {user.name} may not come from {source or 'here'}")
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


def _token(said: bytes) -> str:
    try:
        return said.strip().decode("utf-8")
    except UnicodeDecodeError:
        raise _unknown("the token is not UTF-8", b', error="invalid_token"') from None


def _name_and_password(said: bytes) -> tuple[str, str]:
    try:
        name, colon, password = (
            b64decode(said.strip(), validate=True).decode("utf-8").partition(":")
        )
    except ValueError:  # which bad base64 and bad UTF-8 both are
        raise _unknown("what stands behind Basic is not base64 of UTF-8") from None
    if not colon:
        raise _unknown("what stands behind Basic is not name:password")
    return name, password


def _source(request: IRequest) -> str:
    return getattr(request.getClientAddress(), "host", "")


def _unknown(detail: str, more: bytes = b"") -> Problem:
    return Problem(401, detail, headers={b"WWW-Authenticate": CHALLENGE + more + b", " + BASIC})
