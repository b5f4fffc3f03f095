"""Many submissions in one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from goiptwist.errors import Busy, StoreUnavailable
from goiptwist.model.messages import Message, Submission
from goiptwist.net.shielding import shielded
from goiptwist.web.http.answers import answer
from goiptwist.web.http.problems import Problem, problem_of
from goiptwist.web.http.validation import validated_body
from goiptwist.web.v1 import requests, responses
from goiptwist.web.v1.context import ApiContext, RequestContext
from goiptwist.web.v1.limits import limits
from goiptwist.web.v1.messages import idempotency_key, submission

#: Submissions that are checked and kept in one go. Between two goes the devices
#: are heard: each takes some tens of milliseconds.
AT_ONCE = 400


async def batch(api: ApiContext, context: RequestContext) -> bytes:
    """
    Keep many texts. Each is kept or refused by itself: 202 if all were kept,
    207 if some were not. With an Idempotency-Key, each submission without an
    id of its own gets one made of the key and its place.
    """
    key = idempotency_key(context.request)
    # A client that hangs up must not leave half of it behind, unless it asks again.
    results = await shielded(_kept(api, context, context.body.messages, key))
    await limits(api, context)
    status = 202 if all(result["status"] == 202 for result in results) else 207
    return answer(context.request, status, {"results": results})


async def _kept(
    api: ApiContext, context: RequestContext, given: Sequence[Any], key: str
) -> list[dict[str, Any]]:
    # Where nothing at all can be kept, the first ones say so for the whole.
    results = await _some(api, context.origin, given[:AT_ONCE], 0, key)
    committing: Deferred[list[dict[str, Any]]] | None = None
    for first in range(AT_ONCE, len(given), AT_ONCE):
        await deferLater(api.clock, 0)
        some = _some(api, context.origin, given[first : first + AT_ONCE], first, key)
        checked = Deferred.fromCoroutine(some)  # while those before them are committed
        if committing is not None:
            results += await committing
        committing = checked
    if committing is not None:
        results += await committing
    return results


async def _some(
    api: ApiContext, origin: str, given: Sequence[Any], first: int, key: str
) -> list[dict[str, Any]]:
    read = [
        _read(api, one, origin, f"{key}-{place}" if key else "")
        for place, one in enumerate(given, first)
    ]
    fine = [one for one in read if isinstance(one, Submission)]
    kept: Sequence[list[Message] | Exception]
    try:
        kept = await api.gateway.messages.submit_many(fine) if fine else []
    except Busy as busy:
        if not first:
            raise
        kept = [busy] * len(fine)
    if not first and kept and all(isinstance(one, StoreUnavailable) for one in kept):
        raise kept[0]  # type: ignore[misc]  # it is one
    became = iter(kept)
    return [
        _result(one, next(became)) if isinstance(one, Submission) else _refused(one) for one in read
    ]


def _read(api: ApiContext, given: object, origin: str, name: str) -> Submission | Problem:
    try:
        return submission(api, validated_body(requests.SubmissionRequest, given), origin, name)
    except Problem as problem:
        return problem


def _result(one: Submission, became: list[Message] | Exception) -> dict[str, Any]:
    if isinstance(became, Exception):
        return _refused(became)
    return {"status": 202, "messages": responses.entries(became), **responses.cost(one.text)}


def _refused(error: Exception) -> dict[str, Any]:
    problem = problem_of(error)
    if problem is None:
        raise error
    return {"status": problem.status, "problem": problem.document()}
