"""The operations of alarms."""

from __future__ import annotations

from goiptwist.contact_id import notation
from goiptwist.contact_id.event import Event
from goiptwist.errors import OverQuota, Unacceptable
from goiptwist.model.messages import AlarmReport, Direction, Message, State
from goiptwist.model.queries import Search
from goiptwist.net.shielding import shielded
from goiptwist.web.answers import answer
from goiptwist.web.problems import Problem
from goiptwist.web.v1 import shown, wanted
from goiptwist.web.v1.asking import Asked, Desk
from goiptwist.web.v1.limits import limits
from goiptwist.web.v1.messages import client_id, known, link_to_next, told

#: Where alarms are.
PATH = "/api/v1/alarms"


async def raise_alarm(desk: Desk, asked: Asked) -> bytes:
    """
    Keep an alarm; 202 once it is on disk. From then on it goes the ways that
    the routes of the configuration say, again and again, until each has ended.
    It is delivered when somebody has it: a kissoff, an ACK, a mail server's yes.

    The same id, or Idempotency-Key, again is answered with the same alarm; with
    another event it is a conflict.
    """
    given: wanted.NewAlarm = asked.body
    report = AlarmReport(
        event=_event(given),
        origin=asked.origin,
        client_id=client_id(asked.request, given.id),
        recipient=given.to,
        tell=told(desk, given.notify),
    )
    try:
        kept = await shielded(desk.gateway.alarms.raise_alarm(report))
    except OverQuota:
        await limits(desk, asked)
        raise
    place = f"{PATH}/{kept.id}".encode("ascii")
    asked.request.responseHeaders.setRawHeaders(b"Location", [place])
    await limits(desk, asked)
    return answer(asked.request, 202, shown.alarm(kept))


def _event(given: wanted.NewAlarm) -> Event:
    if not given.event:
        parts = {name: getattr(given, name) for name in wanted.PARTS if getattr(given, name)}
        return Event(**{"account": "", "qualifier": "", "code": "", **parts})
    try:
        return notation.read(given.event)
    except Unacceptable as wrong:
        # What is wrong as a whole is called alarm where it is no key of an object.
        raise Unacceptable("event" if wrong.field == "alarm" else wrong.field, str(wrong)) from None


async def several(desk: Desk, asked: Asked) -> bytes:
    """
    Show alarms, newest first, a page at a time: all, or those of an account,
    with a code, in a state, since a time.
    """
    said: wanted.WantedAlarms = asked.query
    found = await desk.gateway.history.search(
        Search(
            direction=Direction.ALARM,
            state=State(said.state) if said.state else None,
            account=said.account,
            code=said.code,
            since=said.since,
            until=said.until,
            before=said.before,
            limit=said.limit,
        )
    )
    page: dict[str, object] = {"alarms": [shown.alarm(one) for one in found.messages]}
    if found.more:
        page["next"] = link_to_next(asked.request, PATH, {"before": found.more})
    return answer(asked.request, 200, page)


async def one(desk: Desk, asked: Asked) -> bytes:
    """Show one alarm, how it stands at each bridge, and its journey."""
    found = await _alarm(desk, asked)
    return answer(asked.request, 200, await _followed(desk, found))


async def acknowledge(desk: Desk, asked: Asked) -> bytes:
    """
    Take an alarm over: whatever of it still waits is given up, and nobody else
    is called. What is under way may still arrive. To do so again does no harm.
    """
    found = await _alarm(desk, asked)
    assert asked.user is not None
    taken = await shielded(desk.gateway.alarms.acknowledge(found.id, asked.user.name))
    return answer(asked.request, 200, await _followed(desk, taken))


async def _alarm(desk: Desk, asked: Asked) -> Message:
    found = await known(desk, asked, "alarm")
    if found.direction is not Direction.ALARM:
        raise Problem(404, "this is the id of an SMS, and no alarm")
    return found


async def _followed(desk: Desk, alarm: Message) -> dict[str, object]:
    deliveries = await desk.gateway.history.deliveries(alarm.id)
    journey = await desk.gateway.history.journey(alarm.id)
    return {
        **shown.alarm(alarm),
        "deliveries": [shown.delivery(one) for one in deliveries],
        "journey": [shown.step(step) for step in journey],
    }
