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
from goiptwist.web.answers import answer
from goiptwist.web.problems import Problem
from goiptwist.web.v1 import shown, wanted
from goiptwist.web.v1.asking import Asked, Desk
from goiptwist.web.v1.limits import limits

#: Where messages are.
PATH = "/api/v1/messages"

#: Characters of a message's id that are looked up at all; ours are shorter.
MAX_ID = 100


def submission(desk: Desk, given: wanted.Submission, origin: str, name: str = "") -> Submission:
    """
    @param name: the client's own id, where the body has none.
    @raise Problem: C{notify} names a bridge that cannot tell.
    """
    return Submission(
        origin=origin,
        recipients=tuple(given.to),
        text=fitted(given.text) if given.fit else given.text,
        line=given.line,
        pool=given.pool,
        client_id=given.id or name,
        tell=told(desk, given.notify),
        send_at=given.send_at,
        expires=given.expires,
        priority=given.priority,
        on_unknown=OnUnknown(given.on_unknown) if given.on_unknown else None,
    )


def told(desk: Desk, notify: Sequence[str]) -> tuple[Subscription, ...]:
    """
    @param notify: names of bridges.
    @raise Problem: one of them cannot tell.
    """
    for bridge in notify:
        if bridge not in desk.tellers:
            there_are = ", ".join(sorted(desk.tellers)) or "none"
            sentence = f"there is no bridge {bridge[:40]!r} that can tell it; there are {there_are}"
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
    said = request.getHeader(b"Idempotency-Key")
    if said is None:
        return ""
    key: str = said.decode("latin-1").strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or not key.isascii() or not key.isprintable() or len(key) > wanted.MAX_KEY:
        sentence = f"must have 1 to {wanted.MAX_KEY} printable ASCII characters"
        raise Problem(400, sentence, field="Idempotency-Key")
    return key


async def submit(desk: Desk, asked: Asked) -> bytes:
    """
    Keep a text for one or more recipients; 202 once it is on disk.

    The same id, or Idempotency-Key, again is answered with the same messages;
    with another text or other recipients it is a conflict.
    """
    given: wanted.Submission = asked.body
    submitted = submission(desk, given, asked.origin, client_id(asked.request, given.id))
    try:
        kept = await shielded(desk.gateway.messages.submit(submitted))
    except OverQuota:
        await limits(desk, asked)
        raise
    if len(kept) == 1:
        place = f"{PATH}/{kept[0].id}".encode("ascii")
        asked.request.responseHeaders.setRawHeaders(b"Location", [place])
    said: dict[str, Any] = {"messages": shown.entries(kept), **shown.cost(submitted.text)}
    if given.fit:
        said |= {"text": submitted.text, "given": shown.cost(given.text)}
    elif asked.query.fit:
        said["fitted"] = _fitted(given.text)
    await limits(desk, asked)
    return answer(asked.request, 202, said)


def _fitted(text: str) -> dict[str, object]:
    other = fitted(text)
    return {"text": other, **shown.cost(other)}


async def preview(desk: Desk, asked: Asked) -> bytes:
    """Say what a text would cost, as it is and made to fit. Sends nothing."""
    text = asked.body.text
    counted = count(text)
    more = {"units": counted.units, "room_left": counted.room_left, "fitted": _fitted(text)}
    return answer(asked.request, 200, {**shown.cost(text), **more})


async def several(desk: Desk, asked: Asked) -> bytes:
    """
    Show messages, a page at a time: all of them in the order in which they
    were kept, or the newest of those that are looked for.

    A user who may read sees the messages of all users.
    """
    said: wanted.Wanted = asked.query
    direction = Direction(said.direction) if said.direction else None
    if said.is_search:
        found = await desk.gateway.history.search(_search(said, direction))
        messages, more = found.messages, {"before": found.more} if found.more else {}
    else:
        messages = await desk.gateway.history.page(direction, said.after, said.limit)
        more = {"after": messages[-1].id} if len(messages) == said.limit else {}
    page: dict[str, object] = {"messages": [shown.message(one) for one in messages]}
    if more:
        page["next"] = link_to_next(asked.request, PATH, more)
    return answer(asked.request, 200, page)


def _search(said: wanted.Wanted, direction: Direction | None) -> Search:
    return Search(
        direction=direction,
        state=State(said.state) if said.state else None,
        line=said.line,
        origin=said.origin,
        number="".join(said.number.lstrip("+").split()),
        text=said.text,
        since=said.since,
        until=said.until,
        before=said.before,
        limit=said.limit,
    )


def link_to_next(request: IRequest, path: str, more: Mapping[str, str]) -> str:
    """
    @param more: where to go on, as parameters of the query.
    @return: where the next page is; the header Link says so too.
    """
    arguments: dict[bytes, list[bytes]] = request.args
    said: dict[Any, Any] = {name: values[-1] for name, values in arguments.items()}
    for name, value in more.items():
        said[name.encode("ascii")] = value
    place = f"{path}?{urlencode(said)}"
    link = f'<{place}>; rel="next"'.encode("ascii")  # RFC 8288
    request.responseHeaders.setRawHeaders(b"Link", [link])
    return place


async def known(desk: Desk, asked: Asked, word: str = "message") -> Message:
    """@raise Problem: there is no such thing; C{word} is what it is called."""
    found = None
    if len(asked.place) <= MAX_ID and asked.place.isprintable():
        found = await desk.gateway.messages.get(asked.place)
    if found is None:
        raise Problem(404, f"there is no {word} of this id")
    return found


async def one(desk: Desk, asked: Asked) -> bytes:
    """Show one message and its journey."""
    found = await known(desk, asked)
    steps = await desk.gateway.history.journey(found.id)
    journey = [shown.step(step) for step in steps]
    return answer(asked.request, 200, {**shown.message(found), "journey": journey})


async def withdraw(desk: Desk, asked: Asked) -> bytes:
    """
    Take back a text that still waits. To do so again does no harm. Only an
    admin may take back what another user submitted.
    """
    found = await known(desk, asked)
    assert asked.user is not None
    if found.origin != asked.origin and not asked.user.allowed("admin"):
        raise Problem(403, "only an admin may take back what somebody else submitted")
    withdrawn = await shielded(desk.gateway.messages.withdraw(found.id, asked.origin))
    return answer(asked.request, 200, shown.message(withdrawn))


async def settle(desk: Desk, asked: Asked) -> bytes:
    """Say what became of a text of which nobody knows, or have it sent again."""
    found = await known(desk, asked)
    verdict = Resolution(asked.body.verdict)
    settled = await shielded(desk.gateway.operator.resolve(found.id, verdict, asked.origin))
    return answer(asked.request, 200, shown.message(settled))


async def redeliver(desk: Desk, asked: Asked) -> bytes:
    """
    Hand to a bridge once more what it has had of a message, or never took: the
    SMS that came in, or the news of one that went out.
    """
    found = await known(desk, asked)
    again = desk.gateway.operator.redeliver(found.id, asked.body.bridge, asked.origin)
    await shielded(again)
    return answer(asked.request, 200, shown.message(await known(desk, asked)))
