"""
The gateway's own HTTP interface: what each path does.

Every answer is JSON, every refusal a L{Problem<goiptwist.web.problems.Problem>}.
"""

from __future__ import annotations

from typing import Any

from klein import Klein
from klein.resource import KleinResource
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource

from goiptwist.interfaces import IOverview
from goiptwist.users import Attempts, Users
from goiptwist.waiting import carried_through
from goiptwist.web import shapes
from goiptwist.web.access import Access
from goiptwist.web.answers import JSON, answer
from goiptwist.web.problems import Problem, problem_of

log = Logger()

#: Characters of a message's id that are looked up at all; ours are shorter.
MAX_ID = 100


class Api:
    """
    The routes.

    @ivar overview: the gateway.
    """

    app = Klein()
    app.url_map.merge_slashes = False  # a path is right or it is not; no redirects

    def __init__(self, overview: IOverview, users: Users, clock: IReactorTime) -> None:
        """@param clock: tells when a slowed client may try again."""
        self.overview = overview
        self.access = Access(users, Attempts(clock))

    def resource(self) -> IResource:
        """@return: the root for a L{Site<goiptwist.web.service.Site>}."""
        return Front(self.app)

    @app.route("/api/v1/messages", methods=["POST"])
    async def submit(self, request: IRequest) -> bytes:
        """Keep a text for one or more recipients; 202 once it is on disk."""
        user = await self.access.user(request, "send")
        submission = shapes.submission(_sent(request), f"user:{user.name}")
        kept = await carried_through(self.overview.submit(submission))
        return answer(request, 202, shapes.accepted(kept))

    @app.route("/api/v1/messages", methods=["GET"])
    async def messages(self, request: IRequest) -> bytes:
        """Messages in the order in which they were kept, a page at a time."""
        await self.access.user(request, "read")
        page = shapes.Page.read(request.args)
        found = await self.overview.messages(page.direction, page.after, page.limit)
        return answer(request, 200, {"messages": [shapes.shown_message(m) for m in found]})

    @app.route("/api/v1/messages/<message_id>", methods=["GET"])
    async def message(self, request: IRequest, message_id: str) -> bytes:
        """One message and its journey."""
        await self.access.user(request, "read")
        found = None
        if len(message_id) <= MAX_ID and message_id.isprintable():
            found = await self.overview.message(message_id)
        if found is None:
            raise Problem(404, "there is no message of this id")
        steps = await self.overview.journey(message_id)
        journey = [shapes.shown_step(step) for step in steps]
        return answer(request, 200, {**shapes.shown_message(found), "journey": journey})

    @app.route("/api/v1/lines", methods=["GET"])
    async def lines(self, request: IRequest) -> bytes:
        """Every line as it stands now."""
        await self.access.user(request, "read")
        lines = [shapes.shown_line(line) for line in self.overview.lines()]
        return answer(request, 200, {"lines": lines})

    @app.route("/healthz", methods=["GET"])
    def healthz(self, request: IRequest) -> bytes:
        """For the one who watches over the gateway; needs no token."""
        health = self.overview.health()
        return answer(request, 200 if health.ok else 503, shapes.shown_health(health))

    @app.handle_errors(Exception)
    def failed(self, request: IRequest, failure: Failure) -> bytes:
        """Every error that leaves a route, and a path that has none."""
        return refusal(request, failure)


class Front(KleinResource):
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


def _sent(request: IRequest) -> dict[str, Any]:
    """@return: the JSON object in the body."""
    kind = (request.getHeader(b"Content-Type") or b"").partition(b";")[0].strip().lower()
    if kind != JSON:
        raise Problem(415, "the body must be JSON, with Content-Type: application/json")
    return shapes.document(request.content.read())
