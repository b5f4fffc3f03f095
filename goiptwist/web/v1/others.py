"""The operations of everything that is no message."""

from __future__ import annotations

from twisted.web.iweb import IRequest

from goiptwist.web.answers import answer, prepare
from goiptwist.web.problems import Problem
from goiptwist.web.v1 import shown, wanted
from goiptwist.web.v1.asking import Asked, Desk
from goiptwist.web.v1.limits import limits
from goiptwist.web.v1.streams import KIND, Stream


async def lines(desk: Desk, asked: Asked) -> bytes:
    """Show every line as it stands now."""
    return answer(
        asked.request, 200, {"lines": [shown.line(one) for one in desk.gateway.lines.statuses()]}
    )


async def line(desk: Desk, asked: Asked) -> bytes:
    """Show one line as it stands now."""
    for one in desk.gateway.lines.statuses():
        if one.id == asked.place:
            return answer(asked.request, 200, shown.line(one))
    raise Problem(404, "there is no line of this id")


async def users(desk: Desk, asked: Asked) -> bytes:
    """Show all users, without any secret."""
    return answer(asked.request, 200, {"users": [shown.person(one) for one in desk.users]})


async def me(desk: Desk, asked: Asked) -> bytes:
    """Show who asks, what that user may, and how much of it was used today."""
    assert asked.user is not None
    _, messages, segments = await desk.gateway.operator.quota(asked.origin)
    await limits(desk, asked)
    today = {"messages": messages, "segments": segments}
    return answer(asked.request, 200, {**shown.person(asked.user), "today": today})


async def events(desk: Desk, asked: Asked) -> bytes:
    """
    Tell live what happens, as server-sent events: message.queued,
    message.received, message.sent and the other states, message.delivered and
    message.undelivered, line.present, line.lost, line.stopped, call.began,
    call.ended and whatever else a device tells, alarm.received,
    alarm.acknowledged, alarm.delivered and alarm.failed. Who names the last event that
    it knows is told what it missed; an event of the kind gap says that this is
    not known any more.
    """
    said: wanted.Watch = asked.query
    prepare(asked.request, 200, KIND)
    asked.request.responseHeaders.setRawHeaders(b"X-Accel-Buffering", [b"no"])
    if asked.request.method == b"HEAD":
        return b""
    stream = Stream(asked.request, said.kinds, said.follow == "yes")
    last = said.last or _last(asked.request)
    await desk.streams.watch(desk.gateway.events, stream, last)
    return b""


def _last(request: IRequest) -> str:
    said: bytes = request.getHeader(b"Last-Event-ID") or b""
    return said[: wanted.MAX_WORD].decode("latin-1").strip()


async def health(desk: Desk, asked: Asked) -> bytes:
    """Say whether the gateway can do its work."""
    found = desk.gateway.operator.health()
    return answer(asked.request, 200 if found.ok else 503, shown.health(found))
