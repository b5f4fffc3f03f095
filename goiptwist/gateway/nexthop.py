"""Where the queue of a destination delivers to, and how it tries."""

from __future__ import annotations

from goiptwist.delivery.dispatcher import Nexthop
from goiptwist.delivery.retry import LINE_SCHEDULE, RetryPolicy
from goiptwist.gateway import bridge_keys
from goiptwist.gateway.connectors import Connectors
from goiptwist.gateway.settings import Settings

#: Messages that lines may have in hand: more than 10,000 lines can take.
LINES_AT_ONCE = 100_000


def nexthop(destination: str, settings: Settings, connectors: Connectors) -> Nexthop | None:
    """
    @param destination: C{bridge:NAME}, C{pool:NAME} or C{line:ID}.
    @return: C{None} where the settings have it no more.
    """
    if destination.startswith("bridge:"):
        name = destination.removeprefix("bridge:")
        bridge = connectors.bridges.get(name)
        if bridge is None:
            return None
        own = settings.bridges[name][1]
        return Nexthop(bridge, bridge_keys.retry_policy(bridge, own, settings.delivery))
    pool = connectors.pool(destination)
    if pool is None:
        return None
    policy = RetryPolicy(
        schedule=LINE_SCHEDULE,
        attempts=settings.delivery.attempts,
        lifetime=settings.delivery.validity,
        circuit_breaker=False,
        at_once=LINES_AT_ONCE,
        on_unknown=settings.delivery.on_unknown,
    )
    return Nexthop(pool, policy)
