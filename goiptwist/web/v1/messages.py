"""The operations of messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from twisted.web.iweb import IRequest

from goiptwist.errors import OverQuota
from goiptwist.model.messages import Direction, Message, OnUnknown, State, Submission
from goiptwist.model.queries import Resolution, Search
from goiptwist.model.subscriptions import Subscription
from goiptwist.net.shielding import shielded
from goiptwist.telephony.gsm7 import fitted
from goiptwist.telephony.segments import count
from goiptwist.web.http.answers import answer
from goiptwist.web.http.problems import Problem
from goiptwist.web.v1 import requests, responses
from goiptwist.web.v1.context import ApiContext, RequestContext
from goiptwist.web.v1.limits import limits

#: Where messages are.
PATH = "/api/v1/messages"

#: Characters of a message's id that are looked up at all; ours are shorter.
MAX_ID = 100


def submission(
    api: ApiContext, given: requests.SubmissionRequest, origin: str, name: str = ""
) -> Submission:
    """
    @param name: the client's own id, where the body has none.
    @raise Problem: C{notify} names a bridge that cannot notify.
    """
    return Submission(
        origin=origin,
        recipients=tuple(given.to),
        text=fitted(given.text) if given.fit else given.text,
        line=given.line,
        pool=given.pool,
        client_id=given.id or name,
        subscriptions=subscriptions(api, given.notify),
        send_at=given.send_at,
        expires=given.expires,
        priority=given.priority,
        on_unknown=OnUnknown(given.on_unknown) if given.on_unknown else None,
    )


def subscriptions(api: ApiContext, notify: Sequence[str]) -> tuple[Subscription, ...]:
    """
    @param notify: names of bridges.
    @raise Problem: one of them cannot notify.
    """
    for bridge in notify:
        if bridge not in api.notifiers:
            there_are = ", ".join(sorted(api.notifiers)) or "none"
            sentence = f"there is no bridge {bridge[:40]!r} that can notify; there are {there_are}"
            raise Problem(400, sentence, field="notify")
    return tuple(Subscription(f"bridge:{bridge}") for bridge in dict.fromkeys(notify))


def client_id(request: IRequest, given: str) -> str:
    """
    @param given: the id in the body.
    @return: that, or the header Idempotency-Key; or empty.
    @raise Problem: they are not the same.
    """
    key = idempotency_key(request)
    if key and given and key != given:
        raise Problem(400, "give id or the header Idempotency-Key, not both", field="id")
    return given or key


def idempotency_key(request: IRequest) -> str:
    """
    The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07),
    a quoted text; many clients leave the quotation marks out.

    @raise Problem: it cannot be used.
    """
    header = request.getHeader(b"Idempotency-Key")
    if header is None:
        return ""
    key: str = header.decode("latin-1").strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or not key.isascii() or not key.isprintable() or len(key) > requests.MAX_KEY:
        sentence = f"must have 1 to {requests.MAX_KEY} printable ASCII characters"
        raise Problem(400, sentence, field="Idempotency-Key")
    return key


async def submit(api: ApiContext, context: RequestContext) -> bytes:
    """
    Keep a text for one or more recipients; 202 once it is on disk.

    The same id, or Idempotency-Key, again is answered with the same messages;
    with another text or other recipients it is a conflict.
    """
    given: requests.SubmissionRequest = context.body
    submitted = submission(api, given, context.origin, client_id(context.request, given.id))
    try:
        kept = await shielded(api.gateway.messages.submit(submitted))
    except OverQuota:
        await limits(api, context)
        raise
    if len(kept) == 1:
        place = f"{PATH}/{kept[0].id}".encode("ascii")
        context.request.responseHeaders.setRawHeaders(b"Location", [place])
    body: dict[str, Any] = {"messages": responses.entries(kept), **responses.cost(submitted.text)}
    if given.fit:
        body |= {"text": submitted.text, "given": responses.cost(given.text)}
    elif context.query.fit:
        body["fitted"] = _fitted(given.text)
    await limits(api, context)
    return answer(context.request, 202, body)


def _fitted(text: str) -> dict[str, object]:
    other = fitted(text)
    return {"text": other, **responses.cost(other)}


async def preview(api: ApiContext, context: RequestContext) -> bytes:
    """Say what a text would cost, as it is and made to fit. Sends nothing."""
    text = context.body.text
    counted = count(text)
    more = {"units": counted.units, "room_left": counted.room_left, "fitted": _fitted(text)}
    return answer(context.request, 200, {**responses.cost(text), **more})


async def list_messages(api: ApiContext, context: RequestContext) -> bytes:
    """
    Show messages, a page at a time: all of them in the order in which they
    were kept, or the newest of those that are looked for.

    A user who may read sees the messages of all users.
    """
    query: requests.MessagesQuery = context.query
    direction = Direction(query.direction) if query.direction else None
    if query.is_search:
        found = await api.gateway.history.search(_search(query, direction))
        messages, more = found.messages, {"before": found.more} if found.more else {}
    else:
        messages = await api.gateway.history.page(direction, query.after, query.limit)
        more = {"after": messages[-1].id} if len(messages) == query.limit else {}
    page: dict[str, object] = {"messages": [responses.message(one) for one in messages]}
    if more:
        page["next"] = link_to_next(context.request, PATH, more)
    return answer(context.request, 200, page)


def _search(query: requests.MessagesQuery, direction: Direction | None) -> Search:
    return Search(
        direction=direction,
        state=State(query.state) if query.state else None,
        line=query.line,
        origin=query.origin,
        number="".join(query.number.lstrip("+").split()),
        text=query.text,
        since=query.since,
        until=query.until,
        before=query.before,
        limit=query.limit,
    )


def link_to_next(request: IRequest, path: str, more: Mapping[str, str]) -> str:
    """
    @param more: where to go on, as parameters of the query.
    @return: where the next page is; the header Link says so too.
    """
    arguments: dict[bytes, list[bytes]] = request.args
    parameters: dict[Any, Any] = {name: values[-1] for name, values in arguments.items()}
    for name, value in more.items():
        parameters[name.encode("ascii")] = value
    place = f"{path}?{urlencode(parameters)}"
    link = f'<{place}>; rel="next"'.encode("ascii")  # RFC 8288
    request.responseHeaders.setRawHeaders(b"Link", [link])
    return place


async def find_message(api: ApiContext, context: RequestContext, word: str = "message") -> Message:
    """@raise Problem: there is no such thing; C{word} is what it is called."""
    found = None
    if len(context.place) <= MAX_ID and context.place.isprintable():
        found = await api.gateway.messages.get(context.place)
    if found is None:
        raise Problem(404, f"there is no {word} of this id")
    return found


async def show_message(api: ApiContext, context: RequestContext) -> bytes:
    """Show one message and its journey."""
    found = await find_message(api, context)
    steps = await api.gateway.history.journey(found.id)
    journey = [responses.step(step) for step in steps]
    return answer(context.request, 200, {**responses.message(found), "journey": journey})


async def withdraw(api: ApiContext, context: RequestContext) -> bytes:
    """
    Take back a text that still waits. To do so again does no harm. Only an
    admin may take back what another user submitted.
    """
    found = await find_message(api, context)
    assert context.user is not None
    if found.origin != context.origin and not context.user.allowed("admin"):
        raise Problem(403, "only an admin may take back what somebody else submitted")
    withdrawn = await shielded(api.gateway.messages.withdraw(found.id, context.origin))
    return answer(context.request, 200, responses.message(withdrawn))


async def settle(api: ApiContext, context: RequestContext) -> bytes:
    """Say what became of a text of which nobody knows, or have it sent again."""
    found = await find_message(api, context)
    verdict = Resolution(context.body.verdict)
    settled = await shielded(api.gateway.operator.resolve(found.id, verdict, context.origin))
    return answer(context.request, 200, responses.message(settled))


async def redeliver(api: ApiContext, context: RequestContext) -> bytes:
    """
    Hand to a bridge once more what it has had of a message, or never took: the
    SMS that came in, or the notifications of one that went out.
    """
    found = await find_message(api, context)
    again = api.gateway.operator.redeliver(found.id, context.body.bridge, context.origin)
    await shielded(again)
    return answer(context.request, 200, responses.message(await find_message(api, context)))
