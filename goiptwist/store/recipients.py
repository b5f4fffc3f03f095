"""Which destinations deliver to each recipient by itself, and so have a row for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from goiptwist.model.delivery import QueueEntry

#: The recipients of such a destination, by its name.
Recipients = Mapping[str, tuple[str, ...]]


def for_each(entries: Iterable[QueueEntry], recipients: Recipients) -> tuple[QueueEntry, ...]:
    """@return: the rows as they are queued."""
    if not recipients:
        return tuple(entries)
    return tuple(
        row
        for entry in entries
        for row in (
            [evolve(entry, recipient=one) for one in recipients[entry.destination]]
            if entry.destination in recipients
            else [entry]
        )
    )
