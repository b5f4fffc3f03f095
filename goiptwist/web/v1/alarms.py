"""The operations of alarms."""

from __future__ import annotations

from goiptwist.contact_id import notation
from goiptwist.contact_id.event import Event
from goiptwist.errors import OverQuota, Unacceptable
from goiptwist.model.messages import AlarmReport, Direction, Message, State
from goiptwist.model.queries import Search
from goiptwist.net.shielding import shielded
from goiptwist.web.http.answers import answer
from goiptwist.web.http.problems import Problem
from goiptwist.web.v1 import requests, responses
from goiptwist.web.v1.context import ApiContext, RequestContext
from goiptwist.web.v1.limits import limits
from goiptwist.web.v1.messages import client_id, find_message, link_to_next, subscriptions

#: Where alarms are.
PATH = "/api/v1/alarms"


async def raise_alarm(api: ApiContext, context: RequestContext) -> bytes:
    """
    Keep an alarm; 202 once it is on disk. From then on it goes the ways that
    the routes of the configuration say, again and again, until each has ended.
    It is delivered when somebody has it: a kissoff, an ACK, a mail server's yes.

    The same id, or Idempotency-Key, again is answered with the same alarm; with
    another event it is a conflict.
    """
    given: requests.AlarmSubmissionRequest = context.body
    report = AlarmReport(
        event=_event(given),
        origin=context.origin,
        client_id=client_id(context.request, given.id),
        recipient=given.to,
        subscriptions=subscriptions(api, given.notify),
    )
    try:
        kept = await shielded(api.gateway.alarms.raise_alarm(report))
    except OverQuota:
        await limits(api, context)
        raise
    place = f"{PATH}/{kept.id}".encode("ascii")
    context.request.responseHeaders.setRawHeaders(b"Location", [place])
    await limits(api, context)
    return answer(context.request, 202, responses.alarm(kept))


def _event(given: requests.AlarmSubmissionRequest) -> Event:
    if not given.event:
        parts = {name: getattr(given, name) for name in requests.PARTS if getattr(given, name)}
        return Event(**{"account": "", "qualifier": "", "code": "", **parts})
    try:
        return notation.read(given.event)
    except Unacceptable as wrong:
        # What is wrong as a whole is called alarm where it is no key of an object.
        raise Unacceptable("event" if wrong.field == "alarm" else wrong.field, str(wrong)) from None


async def list_alarms(api: ApiContext, context: RequestContext) -> bytes:
    """
    Show alarms, newest first, a page at a time: all, or those of an account,
    with a code, in a state, since a time.
    """
    query: requests.AlarmsQuery = context.query
    found = await api.gateway.history.search(
        Search(
            direction=Direction.ALARM,
            state=State(query.state) if query.state else None,
            account=query.account,
            code=query.code,
            since=query.since,
            until=query.until,
            before=query.before,
            limit=query.limit,
        )
    )
    page: dict[str, object] = {"alarms": [responses.alarm(one) for one in found.messages]}
    if found.more:
        page["next"] = link_to_next(context.request, PATH, {"before": found.more})
    return answer(context.request, 200, page)


async def show_alarm(api: ApiContext, context: RequestContext) -> bytes:
    """Show one alarm, how it stands at each bridge, and its journey."""
    found = await _alarm(api, context)
    return answer(context.request, 200, await _followed(api, found))


async def acknowledge(api: ApiContext, context: RequestContext) -> bytes:
    """
    Take an alarm over: what still waits of it is given up, and nobody else
    is called. What is under way may still arrive. To do so again does no harm.
    """
    found = await _alarm(api, context)
    assert context.user is not None
    taken = await shielded(api.gateway.alarms.acknowledge(found.id, context.user.name))
    return answer(context.request, 200, await _followed(api, taken))


async def _alarm(api: ApiContext, context: RequestContext) -> Message:
    found = await find_message(api, context, "alarm")
    if found.direction is not Direction.ALARM:
        raise Problem(404, "this is the id of an SMS, and no alarm")
    return found


async def _followed(api: ApiContext, alarm: Message) -> dict[str, object]:
    deliveries = await api.gateway.history.deliveries(alarm.id)
    journey = await api.gateway.history.journey(alarm.id)
    return {
        **responses.alarm(alarm),
        "deliveries": [responses.delivery(one) for one in deliveries],
        "journey": [responses.step(step) for step in journey],
    }
