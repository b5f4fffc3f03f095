"""Who asks, and may they? Bearer tokens as of RFC 6750."""

from __future__ import annotations

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

    @ivar attempts: counts wrong tokens by the address they came from.
    """

    users: Users
    attempts: Attempts
    #: Who came from where with which token. It makes the common case one hash,
    #: and lets the good clients on a machine through while a bad one is slowed.
    _known: Remembered[User] = field(factory=Remembered, init=False)

    async def user(self, request: IRequest, scope: str) -> User:
        """
        @param scope: what the user must be allowed, one of
            L{goiptwist.users.SCOPES}.
        @raise Problem: 401, 403, or 429 after too many wrong tokens.
        @raise Busy: too many tokens are being checked.
        """
        token, source = _bearer(request), _source(request)
        user = self._known.recall(source, token)
        if user is None:
            # A guess counts, even if the one who made it hangs up at once.
            user = await carried_through(self._checked(token, source))
        if not user.allowed(scope):
            challenge = b', error="insufficient_scope", scope="%s"' % scope.encode("ascii")
            headers = {b"WWW-Authenticate": CHALLENGE + challenge}
            raise Problem(403, f"this needs a user who may {scope}", headers=headers)
        return user

    async def _checked(self, token: str, source: str) -> User:
        wait = self.attempts.wait(source)
        if wait > 0:
            headers = retry_after(wait)
            raise Problem(429, "too many wrong tokens from your address", headers=headers)
        user = await self.users.by_token(token)
        if user is None:
            self.attempts.failed(source)
            raise _unknown("no user has this token", b', error="invalid_token"')
        self._known.keep(user, source, token)
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
