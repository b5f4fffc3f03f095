"""An answer of the dialect, before it meets the request."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from goiptwist.web.ozeki.refusals import OUR_FAULT, Refusal
from goiptwist.web.problems import retry_after


@frozen
class Reply:
    """
    @ivar kind: the media type.
    @ivar headers: further headers, by name.
    """

    status: int
    kind: bytes
    body: bytes = field(repr=False)
    headers: Mapping[bytes, bytes] = field(factory=dict)


def refused_with(refusal: Refusal, strict: bool, kind: bytes, body: bytes) -> Reply:
    """
    @param strict: whether the status tells of the refusal. A fault of ours is
        one in either mode, for nobody could count on it.
    """
    headers = retry_after(refusal.after) if refusal.after else {}
    status = refusal.status if strict or refusal.number == OUR_FAULT else 200
    return Reply(status, kind, body, headers)
