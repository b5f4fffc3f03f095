"""
The gateway's own HTTP interface: which path does what, and what is the same
for all of them.

What there is stands in L{goiptwist.web.v1.operations}. Every refusal is a
L{Problem<goiptwist.web.http.problems.Problem>}.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from klein import Klein
from klein.resource import KleinResource
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource
from werkzeug.routing import BaseConverter

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.operator_interfaces import IOperatorGateway
from goiptwist.web.http import validation
from goiptwist.web.http.answers import JSON, whole
from goiptwist.web.http.authentication import RequestAuthenticator
from goiptwist.web.http.problems import Problem, problem_of, retry_after
from goiptwist.web.http.proxies import NO_PROXIES, TrustedProxies
from goiptwist.web.http.request import CROWDED, CROWDED_WAIT
from goiptwist.web.http.validation import Shape, validated_body, validated_query
from goiptwist.web.v1 import openapi, page
from goiptwist.web.v1.context import ApiContext, Operation, RequestContext
from goiptwist.web.v1.operations import OPERATIONS
from goiptwist.web.v1.streams import EventStreams

log = Logger()

#: Where the interface describes itself, to programs and to people.
DOCUMENT, PAGE = "/api/v1/openapi.json", "/api/v1/docs"

#: The paths where batches are taken, which may be large.
BATCHES = frozenset({b"/api/v1/messages/batch"})


class PathId(BaseConverter):
    """Part of a path that names something; not what is a path of its own."""

    regex = r"(?!(?:batch|preview)$)[^/]+"


class Api:
    """
    The routes.

    @ivar access: knows who asks; other interfaces may share it.
    """

    def __init__(
        self,
        gateway: IOperatorGateway,
        accounts: Authenticator,
        clock: IReactorTime,
        notifiers: Collection[str] = (),
        proxies: TrustedProxies = NO_PROXIES,
    ) -> None:
        """
        @param accounts: the login of the whole gateway.
        @param clock: tells the time of day.
        @param notifiers: the bridges that a submission may name to be notified.
        @param proxies: those who are believed where a request comes from.
        """
        self.context = ApiContext(gateway, accounts.users, clock, notifiers, EventStreams(clock))
        self.access = RequestAuthenticator(accounts, proxies)
        self.app = Klein()
        self.app.url_map.converters["id"] = PathId
        self.app.url_map.merge_slashes = False  # a path is right or it is not; no redirects
        for operation in OPERATIONS:
            self._route(
                operation.method, operation.path, operation.name, self._responder(operation)
            )
        described, html = _described()
        self._show(DOCUMENT, "openapi", described, JSON)
        self._show(PAGE, "docs", html, b"text/html; charset=utf-8")
        self.app.handle_errors(Exception)(refusal)

    def resource(self) -> IResource:
        """@return: the root for a L{Site<goiptwist.web.http.site.Site>}."""
        return ApiResource(self.app)

    def end_streams(self) -> None:
        """The gateway stops: end the answers that would go on for ever."""
        self.context.streams.close()

    def _route(self, method: str, path: str, name: str, handler: Callable[..., Any]) -> None:
        rule = path.replace("{", "<id:").replace("}", ">")
        self.app.route(rule, methods=[method], endpoint=name)(handler)

    def _responder(self, operation: Operation) -> Callable[..., Deferred[bytes]]:
        def handle(request: IRequest, **place: str) -> Deferred[bytes]:
            return ensureDeferred(self._do(operation, request, "".join(place.values())))

        return handle

    async def _do(self, operation: Operation, request: IRequest, place: str) -> bytes:
        # A client that asks for much must wait; one that has a text to send need not.
        if operation.scope == "read" and getattr(request, "is_crowded", False):
            raise Problem(503, CROWDED, headers=retry_after(CROWDED_WAIT))
        scope = "" if operation.scope == "any" else operation.scope
        user = await self.access.user(request, scope) if operation.scope else None
        query = None
        if operation.query is not None:
            query = validated_query(operation.query, request.args)
        body = None if operation.body is None else _sent(request, operation.body)
        context = RequestContext(request=request, user=user, body=body, query=query, place=place)
        return await operation.handler(self.context, context)

    def _show(self, path: str, name: str, body: bytes, kind: bytes) -> None:
        def handle(request: IRequest) -> bytes:
            request.responseHeaders.setRawHeaders(b"Content-Security-Policy", [page.POLICY])
            return whole(request, 200, body, kind)

        self._route("GET", path, name, handle)


@cache
def _described() -> tuple[bytes, bytes]:
    """@return: the OpenAPI document, and the page for people."""
    document = openapi.document(OPERATIONS)
    return json.dumps(document).encode("ascii"), page.page(document).encode("utf-8")


class ApiResource(KleinResource):
    """
    What is the same for every path. Klein answers some requests in words of
    its own, before any route is found; here they become problems too.
    """

    def render(self, request: IRequest) -> Any:
        """Twisted calls this for every request."""
        request.responseHeaders.removeHeader(b"Server")  # nobody needs our versions
        try:
            _readable(request)
            return super().render(request)
        except Exception:
            return refusal(request, Failure())


def refusal(request: IRequest, failure: Failure) -> bytes:
    """Answer an error; one that nobody foresaw is logged and not shown."""
    problem = problem_of(failure.value)
    if problem is None:
        path = request.path.decode("ascii", "replace")  # without the query
        log.failure("A request for {path} broke", failure=failure, path=path)
        problem = Problem(500, "an error inside the gateway; its log says more")
    return problem.answer(request)


def _readable(request: IRequest) -> None:
    """@raise Problem: the path or the Host header is not text."""
    try:
        b"/".join(request.postpath).decode("utf-8")
        request.getRequestHostname().decode("ascii")
    except UnicodeDecodeError:
        raise Problem(400, "the path must be UTF-8, and the Host header a name") from None


def _sent(request: IRequest, shape: type[Shape]) -> Shape:
    """@return: the JSON object in the body."""
    kind = (request.getHeader(b"Content-Type") or b"").partition(b";")[0].strip().lower()
    if kind != JSON:
        raise Problem(415, "the body must be JSON, with Content-Type: application/json")
    return validated_body(shape, validation.document(request.content.read()))
