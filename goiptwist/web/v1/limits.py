"""
How much a user may still send, as headers: RateLimit-Policy and RateLimit of
draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

from math import ceil

from twisted.logger import Logger

from goiptwist.accounts.users import User
from goiptwist.model.quota import DAY
from goiptwist.web.v1.context import ApiContext, RequestContext

log = Logger()

#: What the document says of them.
HEADERS = {
    "RateLimit-Policy": 'Where the user has a limit, such as "messages";q=100;w=86400: q '
    "recipients (or segments) in a day of UTC.",
    "RateLimit": 'What is left of it, such as "messages";r=97;t=3600: r for the next t seconds.',
}


async def limits(api: ApiContext, context: RequestContext) -> None:
    """Set the headers, for a user who has a limit."""
    assert context.user is not None
    try:
        await _set(api, context, context.user)
    except Exception:
        # What was submitted is on disk, and the answer to that is yes.
        log.failure("The headers about limits broke")


async def _set(api: ApiContext, context: RequestContext, user: User) -> None:
    if not (user.messages_a_day or user.segments_a_day):
        return
    quota, messages, segments = await api.gateway.operator.quota(context.origin)
    rest = ceil(DAY - api.clock.seconds() % DAY)
    policies, left = [], []
    for name, most, used in (
        ("messages", quota.messages, messages),
        ("segments", quota.segments, segments),
    ):
        if most:
            policies.append(f'"{name}";q={most};w={DAY:.0f}')
            left.append(f'"{name}";r={max(0, most - used)};t={rest}')
    headers = context.request.responseHeaders
    headers.setRawHeaders(b"RateLimit-Policy", [", ".join(policies).encode("ascii")])
    headers.setRawHeaders(b"RateLimit", [", ".join(left).encode("ascii")])
