"""
What every kind of bridge may say in its section, besides its own keys. Pure.

A key counts where the settings class of the kind has an attribute of its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import fields

from goiptwist.config.common import DeliverySettings
from goiptwist.delivery.retry import BRIDGE_AT_ONCE, BRIDGE_SCHEDULE, RetryPolicy
from goiptwist.messaging.router import EVERYTHING, RoutingRule
from goiptwist.model.quota import UNLIMITED, Quota

#: Bridges by name, each with its kind and its settings.
Bridges = Mapping[str, tuple[str, Any]]

#: What a bridge or its settings may say of retries, and what counts otherwise:
#: what suits a mail server.
_RETRIES: Mapping[str, Any] = {
    "schedule": BRIDGE_SCHEDULE,
    "attempts": 0,
    "circuit_breaker": True,
    "at_once": BRIDGE_AT_ONCE,
}


def routing_rule(settings: Any) -> RoutingRule:
    """
    Which SMS a bridge gets: the keys of its section that are keys of a rule,
    unless its settings have a C{rule} of their own.
    """
    own = getattr(settings, "rule", None)
    if isinstance(own, RoutingRule):
        return own
    keys = [key.name for key in fields(RoutingRule)]
    rule = RoutingRule(**{key: getattr(settings, key) for key in keys if hasattr(settings, key)})
    return EVERYTHING if rule == EVERYTHING else rule


def fallback(settings: Any) -> str:
    """@return: the destination that gets what this bridge can never deliver, or empty."""
    name = getattr(settings, "fallback", "")
    return f"bridge:{name}" if name else ""


def retry_policy(bridge: Any, settings: Any, delivery: DeliverySettings) -> RetryPolicy:
    """
    How deliveries to a bridge are repeated: an attribute of the bridge counts, or
    else of its settings.
    """
    chosen = dict(_RETRIES)
    for source in (settings, bridge):
        chosen |= {key: getattr(source, key) for key in _RETRIES if hasattr(source, key)}
    return RetryPolicy(**chosen, lifetime=delivery.give_up, fallback=fallback(settings))


def quotas(bridges: Bridges) -> dict[str, Quota]:
    """How much each person behind a bridge may send in a day, where that is limited."""
    found = {name: getattr(own, "quota", UNLIMITED) for name, (_, own) in bridges.items()}
    return {name: quota for name, quota in found.items() if quota.limited}


def faults(bridges: Bridges, pool_of: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """
    What no section can know of itself: whether what it names is there.

    @param pool_of: line id to pool name.
    @return: sections, each with a sentence.
    """
    for name, (_, settings) in bridges.items():
        for sentence in (*_of_lines(settings, pool_of), *_of_fallback(name, settings, bridges)):
            yield f"[bridge.{name}]", sentence


def _of_lines(settings: Any, pool_of: Mapping[str, str]) -> Iterator[str]:
    rule = routing_rule(settings)
    lines, pools = set(pool_of), set(pool_of.values())
    # A rule for a line or a pool that is not configured would never hold.
    for key, named, known in (("lines", rule.lines, lines), ("pools", rule.pools, pools)):
        for missing in sorted(set(named) - known):
            yield f"{key}: there is no {key[:-1]} {missing!r}"
    for key, known in (("line", lines), ("pool", pools)):
        name = getattr(settings, key, "")  # by which it sends
        if name and name not in known:
            yield f"{key}: there is no {key} {name!r}"


def _of_fallback(name: str, settings: Any, bridges: Bridges) -> Iterator[str]:
    other = getattr(settings, "fallback", "")
    if other == name:
        yield "fallback: must be another bridge"
    elif other and other not in bridges:
        yield f"fallback: there is no bridge {other!r}"
