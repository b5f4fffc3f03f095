"""
The path C{/api}: reads a request as far as it takes to know its language, has
it answered, and writes the answer no faster than it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from http import HTTPStatus
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from goiptwist.accounts.verification import DeferToThread
from goiptwist.operator_interfaces import IOperatorGateway
from goiptwist.web.http.answers import HEADERS
from goiptwist.web.http.authentication import RequestAuthenticator
from goiptwist.web.http.problems import Problem
from goiptwist.web.ozeki import jsonlanguage, parameters
from goiptwist.web.ozeki.classic import ClassicLanguage
from goiptwist.web.ozeki.jsonlanguage import JsonLanguage
from goiptwist.web.ozeki.refusals import OUR_FAULT, Refusal, refusal_of, wrong
from goiptwist.web.ozeki.reply import OzekiReply
from goiptwist.web.ozeki.submitter import OzekiSubmitter, check_room

log = Logger()

#: Where it is spoken.
PATHS = frozenset({b"/api", b"/api/"})

#: Actions by which a client asks for a large answer. What is to be sent is
#: never turned away for others that do.
LARGE_ANSWERS = ("receivemessage", "receivemsg")

_FORM = b"application/x-www-form-urlencoded"


class OzekiDialect(Resource):
    """Both languages of the path."""

    isLeaf = True

    def __init__(
        self,
        gateway: IOperatorGateway,
        access: RequestAuthenticator,
        defer_to_thread: DeferToThread,
        *,
        strict: bool = False,
        zone: tzinfo | None = None,
        reports_by: str = "",
    ) -> None:
        """
        @param strict: whether errors have a status of their own.
        @param reports_by: the name of the bridge that calls report URLs, if any.
        @param zone: in which times are written; C{None} is that of this machine.
        """
        super().__init__()
        submitter = OzekiSubmitter(gateway, access, reports_by)
        self.defer_to_thread = defer_to_thread
        self.classic = ClassicLanguage(submitter, defer_to_thread, strict, zone)
        self.json = JsonLanguage(submitter, defer_to_thread, strict, zone)

    def render(self, request: Any) -> Any:
        """Twisted calls this for every request."""
        request.responseHeaders.removeHeader(b"Server")  # nobody needs our versions
        if request.method not in (b"GET", b"POST"):
            headers = {b"Allow": b"GET, POST"}
            return Problem(405, "this path knows GET and POST only", headers=headers).answer(
                request
            )
        gone: list[Failure] = []
        request.notifyFinish().addErrback(gone.append)

        def answered(reply: OzekiReply | Failure) -> None:
            if isinstance(reply, Failure):
                log.failure("The answer on /api broke", failure=reply)
                reply = self.classic.refused(_our_fault(), {})
            if not gone:
                _write(request, reply)

        # It is not cut off where the client hangs up: what is committed goes on.
        ensureDeferred(self._reply(request)).addBoth(answered)
        return NOT_DONE_YET

    async def _reply(self, request: Any) -> OzekiReply:
        given: Mapping[str, str] = {}
        action = ""
        try:
            query = request.uri.partition(b"?")[2]
            given = parameters.parameters(query)
            action = given.get("action", "").strip().lower()
            check_room(request.is_crowded and action in LARGE_ANSWERS)
            if action in jsonlanguage.SCOPES:
                return await self.json.reply(request, action, given)
            given = await self._with_body(request, query) or given
            return await self.classic.reply(request, given)
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                log.failure("A request for /api broke")
                refusal = _our_fault()
            if action in jsonlanguage.SCOPES:
                return self.json.refused(refusal)
            return self.classic.refused(refusal, given)

    async def _with_body(self, request: Any, query: bytes) -> dict[str, str] | None:
        """@return: the parameters of query and body; C{None} where there is no body."""
        body = request.content.read()
        if not body:
            return None
        kind = (request.getHeader(b"Content-Type") or b"").partition(b";")[0].strip().lower()
        if kind not in (b"", _FORM):
            raise wrong(f"the body must be {_FORM.decode()}")
        if len(body) <= jsonlanguage.LARGE:
            return parameters.parameters(query, body)
        # What a stranger sends is not read at length.
        await self.classic.check_login(request, parameters.claimed_login(query, body))
        found: dict[str, str] = await self.defer_to_thread(parameters.parameters, query, body)
        return found


def _our_fault() -> Refusal:
    return Refusal(OUR_FAULT, "an error inside the gateway; its log says more")


def _write(request: Any, reply: OzekiReply) -> None:
    request.setResponseCode(reply.status, HTTPStatus(reply.status).phrase.encode("ascii"))
    headers = request.responseHeaders
    for name, values in HEADERS:
        headers.setRawHeaders(name, values)
    for key, value in reply.headers.items():
        headers.setRawHeaders(key, [value])
    headers.setRawHeaders(b"Content-Type", [reply.kind])
    headers.setRawHeaders(b"Content-Length", [b"%d" % len(reply.body)])
    headers.setRawHeaders(b"Content-Security-Policy", [b"default-src 'none'"])
    request.write(reply.body)
    request.finish()
