"""An answer of the dialect, before it meets the request."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from goiptwist.web.http.problems import retry_after
from goiptwist.web.ozeki.refusals import OUR_FAULT, Refusal


@frozen
class OzekiReply:
    """
    @ivar kind: the media type.
    @ivar headers: further headers, by name.
    """

    status: int
    kind: bytes
    body: bytes = field(repr=False)
    headers: Mapping[bytes, bytes] = field(factory=dict)


def refused_with(refusal: Refusal, strict: bool, kind: bytes, body: bytes) -> OzekiReply:
    """
    @param strict: whether the status tells of the refusal. A fault of ours is
        one in either mode, for nobody could count on it.
    """
    headers = retry_after(refusal.after) if refusal.after else {}
    status = refusal.status if strict or refusal.number == OUR_FAULT else 200
    return OzekiReply(status, kind, body, headers)
