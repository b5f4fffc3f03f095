"""
What every kind of bridge may say in its section, besides its own keys. Pure.

A key counts where the settings class of the kind has an attribute of its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import fields, frozen

from goiptwist.delivery.retry import BRIDGE_SCHEDULE
from goiptwist.messaging.router import EVERYTHING, RoutingRule
from goiptwist.model.quota import UNLIMITED, Quota

#: Attempts that one bridge may have under way: enough to hide a slow
#: smarthost, few enough to be a polite client of it.
BRIDGE_AT_ONCE = 10

#: Bridges by name, each with its kind and its settings.
Sections = Mapping[str, tuple[str, Any]]


def rule_of(settings: Any) -> RoutingRule:
    """
    Which SMS a bridge wants: the keys of its section that are keys of a rule,
    unless its settings have a C{rule} of their own.
    """
    own = getattr(settings, "rule", None)
    if isinstance(own, RoutingRule):
        return own
    keys = [key.name for key in fields(RoutingRule)]
    rule = RoutingRule(**{key: getattr(settings, key) for key in keys if hasattr(settings, key)})
    return EVERYTHING if rule == EVERYTHING else rule


def fallback_of(settings: Any) -> str:
    """@return: the destination that gets what this bridge can never deliver, or empty."""
    name = getattr(settings, "fallback", "")
    return f"bridge:{name}" if name else ""


@frozen(kw_only=True)
class RetrySettings:
    """
    How a bridge wants to be tried; an attribute of the bridge counts, or else
    of its settings.

    @ivar schedule: seconds between tries of one message.
    @ivar attempts: after so many it has failed there; 0 is no limit.
    @ivar rests: whether the bridge is left alone as a whole while its far
        side is away. One that is not uses up an attempt each time.
    @ivar at_once: how many messages it may have in hand.
    """

    schedule: tuple[float, ...] = BRIDGE_SCHEDULE
    attempts: int = 0
    rests: bool = True
    at_once: int = BRIDGE_AT_ONCE


def pace_of(bridge: Any, settings: Any) -> RetrySettings:
    """What a bridge says of itself."""
    keys = [key.name for key in fields(RetrySettings)]
    said: dict[str, Any] = {}
    for source in (settings, bridge):
        said |= {key: getattr(source, key) for key in keys if hasattr(source, key)}
    return RetrySettings(**said)


def allowances(bridges: Sections) -> dict[str, Quota]:
    """How much each person behind a bridge may send in a day, where that is limited."""
    found = {name: getattr(own, "allowance", UNLIMITED) for name, (_, own) in bridges.items()}
    return {name: allowance for name, allowance in found.items() if allowance.limited}


@frozen
class Fault:
    """
    What is wrong with the section of a bridge.

    @ivar bridge: its name.
    """

    bridge: str
    sentence: str


def faults(bridges: Sections, pool_of: Mapping[str, str]) -> Iterator[Fault]:
    """
    What no section can know of itself: whether what it names is there.

    @param pool_of: line id to pool name.
    """
    for name, (_, settings) in bridges.items():
        rule = rule_of(settings)
        # A rule for a line or a pool that there is not would never hold.
        for key, wanted, known in (
            ("lines", rule.lines, set(pool_of)),
            ("pools", rule.pools, set(pool_of.values())),
        ):
            for missing in sorted(set(wanted) - known):
                yield Fault(name, f"{key}: there is no {key[:-1]} {missing!r}")
        for key, known in (("line", set(pool_of)), ("pool", set(pool_of.values()))):
            wanted_one = getattr(settings, key, "")  # by which it sends
            if wanted_one and wanted_one not in known:
                yield Fault(name, f"{key}: there is no {key} {wanted_one!r}")
        fallback = getattr(settings, "fallback", "")
        if fallback == name:
            yield Fault(name, "fallback: must be another bridge")
        elif fallback and fallback not in bridges:
            yield Fault(name, f"fallback: there is no bridge {fallback!r}")


def reporter(name: str, bridges: Sections) -> str:
    """
    Which bridge tells senders of mails what became of their SMS.

    @param name: as in C{reports} of C{[mail]}.
    @return: empty where nobody is told.
    @raise ValueError: there is no such mail bridge.
    """
    mail = [known for known, (kind, _) in bridges.items() if kind == "mail"]
    if name == "none":
        return ""
    if name and name not in mail:
        raise ValueError(f"reports: there is no mail bridge {name!r}")
    return name or (mail[0] if mail else "")


def mailboxes(bridges: Sections) -> tuple[str, ...]:
    """@return: addresses of the mailboxes that answers come to, where bridges have no domain."""
    named = (getattr(own, "mailbox", "") for _, own in bridges.values())
    return tuple(dict.fromkeys(filter(None, named)))


def caller_of_urls(bridges: Sections) -> str:
    """@return: the bridge that calls the report URLs of submissions; empty is none."""
    names = (name for name, (_, own) in bridges.items() if getattr(own, "report_urls", False))
    return next(names, "")
