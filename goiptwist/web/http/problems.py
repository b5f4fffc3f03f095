"""
What a refusal looks like: problem details as of RFC 9457, and which of our
errors becomes which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil

from twisted.web.iweb import IRequest
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from goiptwist.errors import (
    Busy,
    Conflict,
    Forbidden,
    GoipTwistError,
    StoreUnavailable,
    Unacceptable,
)
from goiptwist.web.http.answers import answer

PROBLEM = b"application/problem+json"

#: Seconds to wait where the store cannot commit: a disk is not made free in
#: less, and a client that waits longer loses its alarm's minute.
STORE_PATIENCE = 5.0


class Problem(GoipTwistError):
    """
    A refusal that tells the client what to change.

    The type is always C{about:blank}: the status says it all (RFC 9457
    section 4.2.1), and C{field} the rest.

    @ivar errors: everything that is wrong, as pairs of field and sentence.
    @ivar headers: further headers of the answer, by name.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        field: str = "",
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[bytes, bytes] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors) or (((field, detail),) if field else ())
        self.headers = dict(headers or {})

    @classmethod
    def of_fields(cls, errors: Sequence[tuple[str, str]]) -> Problem:
        """@param errors: at least one pair of field and sentence."""
        detail = "; ".join(f"{field}: {sentence}" for field, sentence in errors)
        return cls(400, detail, errors=errors)

    @property
    def after(self) -> float:
        """Seconds after which another try makes sense; 0 is never."""
        return float(self.headers.get(b"Retry-After", 0))

    def document(self) -> dict[str, object]:
        """What the body of the answer says."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
        }
        if self.detail:
            document["detail"] = self.detail
        if self.errors:
            document["field"] = self.errors[0][0]
        if len(self.errors) > 1:
            document["errors"] = [
                {"field": name, "detail": sentence} for name, sentence in self.errors
            ]
        return document

    def answer(self, request: IRequest) -> bytes:
        """Set status and headers, and return the body."""
        for name, value in self.headers.items():
            request.responseHeaders.setRawHeaders(name, [value])
        return answer(request, self.status, self.document(), PROBLEM)


def retry_after(seconds: float) -> dict[bytes, bytes]:
    """The header of RFC 9110 section 10.2.3, in whole seconds and never 0."""
    return {b"Retry-After": b"%d" % max(1, ceil(seconds))}


def problem_of(error: BaseException | None) -> Problem | None:
    """@return: what an error means to the client, or C{None} where it is our bug."""
    match error:
        case Problem():
            return error
        case Unacceptable():
            return Problem(400, str(error), field=error.field)
        case Forbidden():
            return Problem(403, str(error))
        case Conflict():
            return Problem(409, str(error))
        case Busy():
            return Problem(429, str(error), headers=retry_after(error.after))
        case StoreUnavailable():
            return Problem(503, str(error), headers=retry_after(STORE_PATIENCE))
        case NotFound():
            return Problem(404, "there is nothing under this path")
        case MethodNotAllowed():
            allowed = ", ".join(sorted(error.valid_methods or ()))
            headers = {b"Allow": allowed.encode("ascii")}
            return Problem(405, f"this path knows {allowed} only", headers=headers)
        case HTTPException() if error.code is not None:
            return Problem(error.code, error.description or "")
    return None
