"""
Which user a request comes from, and what that user may do: bearer
tokens as of RFC 6750, and names with passwords as of RFC 7617.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable

from attrs import frozen
from twisted.web.iweb import IRequest

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.throttle import TooManyAttempts
from goiptwist.accounts.users import User
from goiptwist.errors import Forbidden
from goiptwist.web.http.problems import Problem, retry_after
from goiptwist.web.http.proxies import NO_PROXIES, TrustedProxies

#: What a 401 must offer (RFC 9110 section 11.6.1).
CHALLENGE = b'Bearer realm="goiptwist"'
BASIC = b'Basic realm="goiptwist", charset="UTF-8"'


@frozen
class RequestAuthenticator:
    """
    Finds the user behind a request.

    @ivar accounts: the login of the whole gateway.
    @ivar proxies: those who are believed where a request comes from.
    """

    accounts: Authenticator
    proxies: TrustedProxies = NO_PROXIES

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
        scheme, _, credentials = (request.getHeader(b"Authorization") or b"").partition(b" ")
        if scheme.lower() == b"bearer":
            token = _token(credentials)
            user = await _as_problem(self.accounts.by_token(self._source(request), token))
            if user is None:
                raise _unknown("no user has this token", b', error="invalid_token"')
        elif scheme.lower() == b"basic":
            user = await self.by_password(request, *_name_and_password(credentials))
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
        source = self._source(request)
        return await _as_problem(self.accounts.by_password(source, name, password))

    def _source(self, request: IRequest) -> str:
        try:
            return self.proxies.source_of(request)
        except ValueError as unreadable:
            raise Problem(400, str(unreadable)) from None


async def _as_problem(login: Awaitable[User | None]) -> User | None:
    try:
        return await login
    except TooManyAttempts as slowed:
        sentence = f"{slowed} from your address, or for this user"
        raise Problem(429, sentence, headers=retry_after(slowed.after)) from None
    except Forbidden as refused:
        raise Problem(403, str(refused)) from None


def _token(credentials: bytes) -> str:
    try:
        return credentials.strip().decode("utf-8")
    except UnicodeDecodeError:
        raise _unknown("the token is not UTF-8", b', error="invalid_token"') from None


def _name_and_password(credentials: bytes) -> tuple[str, str]:
    try:
        name, colon, password = (
            b64decode(credentials.strip(), validate=True).decode("utf-8").partition(":")
        )
    except ValueError:  # which bad base64 and bad UTF-8 both are
        raise _unknown("what stands behind Basic is not base64 of UTF-8") from None
    if not colon:
        raise _unknown("what stands behind Basic is not name:password")
    return name, password


def _unknown(detail: str, more: bytes = b"") -> Problem:
    return Problem(401, detail, headers={b"WWW-Authenticate": CHALLENGE + more + b", " + BASIC})
