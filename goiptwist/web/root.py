"""Which interface answers which path."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import IResource, Resource

from goiptwist.web.http.origin import check_host, check_origin
from goiptwist.web.http.problems import Problem
from goiptwist.web.http.site import Leniency
from goiptwist.web.ozeki.dialect import PATHS
from goiptwist.web.ozeki.parameters import mended
from goiptwist.web.v1.api import BATCHES

#: Methods that change nothing (RFC 9110 section 9.2.1).
SAFE = (b"GET", b"HEAD", b"OPTIONS")


class RootResource(Resource):
    """
    The root of all paths.

    @ivar leniency: for L{Site<goiptwist.web.http.site.Site>}.
    """

    isLeaf = True
    leniency = Leniency(PATHS | BATCHES, mended)

    def __init__(self, own: IResource, dialect: IResource) -> None:
        """
        @param own: the gateway's own interface.
        @param dialect: what old programs find under C{/api}.
        """
        super().__init__()
        self._own, self._dialect = own, dialect

    def render(self, request: Any) -> Any:
        """Twisted calls this for every request."""
        spoken = request.path in PATHS
        try:
            check_host(request)
            # The dialect sends by GET, too.
            if spoken or request.method not in SAFE:
                check_origin(request)
        except Problem as problem:
            return problem.answer(request)
        return (self._dialect if spoken else self._own).render(request)
