"""The operations of everything that is no message."""

from __future__ import annotations

from twisted.web.iweb import IRequest

from goiptwist.web.http.answers import answer, prepare
from goiptwist.web.http.problems import Problem
from goiptwist.web.v1 import requests, responses
from goiptwist.web.v1.context import ApiContext, RequestContext
from goiptwist.web.v1.limits import limits
from goiptwist.web.v1.streams import EVENT_STREAM, EventStream


async def lines(api: ApiContext, context: RequestContext) -> bytes:
    """Show every line as it stands now."""
    return answer(
        context.request,
        200,
        {"lines": [responses.line(one) for one in api.gateway.lines.statuses()]},
    )


async def line(api: ApiContext, context: RequestContext) -> bytes:
    """Show one line as it stands now."""
    for one in api.gateway.lines.statuses():
        if one.id == context.place:
            return answer(context.request, 200, responses.line(one))
    raise Problem(404, "there is no line of this id")


async def users(api: ApiContext, context: RequestContext) -> bytes:
    """Show all users, without any secret."""
    return answer(context.request, 200, {"users": [responses.user(one) for one in api.users]})


async def me(api: ApiContext, context: RequestContext) -> bytes:
    """Show who asks, what that user may, and how much of it was used today."""
    assert context.user is not None
    _, messages, segments = await api.gateway.operator.quota(context.origin)
    await limits(api, context)
    today = {"messages": messages, "segments": segments}
    return answer(context.request, 200, {**responses.user(context.user), "today": today})


async def events(api: ApiContext, context: RequestContext) -> bytes:
    """
    Tell live what happens, as server-sent events: message.queued,
    message.received, message.sent and the other states, message.delivered and
    message.undelivered, line.present, line.lost, line.stopped, call.began,
    call.ended and whatever else a device tells, alarm.received,
    alarm.acknowledged, alarm.delivered and alarm.failed. A client that names the last
    event that it knows is told what it missed; an event of the kind gap says that this is
    not known any more.
    """
    query: requests.EventsQuery = context.query
    prepare(context.request, 200, EVENT_STREAM)
    context.request.responseHeaders.setRawHeaders(b"X-Accel-Buffering", [b"no"])
    if context.request.method == b"HEAD":
        return b""
    stream = EventStream(context.request, query.kinds, query.follow == "yes")
    last = query.last or _last(context.request)
    await api.streams.watch(api.gateway.events, stream, last)
    return b""


def _last(request: IRequest) -> str:
    header: bytes = request.getHeader(b"Last-Event-ID") or b""
    return header[: requests.MAX_WORD].decode("latin-1").strip()


async def health(api: ApiContext, context: RequestContext) -> bytes:
    """Say whether the gateway can do its work."""
    found = api.gateway.operator.health()
    return answer(context.request, 200 if found.ok else 503, responses.health(found))
