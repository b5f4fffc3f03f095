"""
What every kind of bridge may say in its section, besides its own keys. Pure.

A key counts where the settings class of the kind has an attribute of its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import fields, frozen

from goiptwist.permits import UNLIMITED, Allowance
from goiptwist.router import EVERYTHING, Rule

#: Bridges by name, each with its kind and its settings.
Sections = Mapping[str, tuple[str, Any]]


def rule_of(settings: Any) -> Rule:
    """Which SMS a bridge wants: the keys of its section that are keys of a rule."""
    keys = [key.name for key in fields(Rule)]
    rule = Rule(**{key: getattr(settings, key) for key in keys if hasattr(settings, key)})
    return EVERYTHING if rule == EVERYTHING else rule


def fallback_of(settings: Any) -> str:
    """@return: the destination that gets what this bridge can never deliver, or empty."""
    name = getattr(settings, "fallback", "")
    return f"bridge:{name}" if name else ""


def allowances(bridges: Sections) -> dict[str, Allowance]:
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
