"""
Where the store publishes what it has committed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zope.interface import Attribute, Interface

from goiptwist.model.commit import Commit
from goiptwist.operator_interfaces import IEventBus


class ICommitBus(Interface):
    """
    Commits of the store, for the parts that act on them; the events of each are
    published as well.
    """

    events: IEventBus = Attribute("Where those events are published.")

    def announce(commits: Sequence[Commit[Any]]) -> None:
        """
        Take what one group has committed, before anybody has its results, and
        publish what was announced before: nobody has a result of this group
        who does not know of the one before.
        """

    def release() -> None:
        """
        Everybody has the results of the group: publish it in a later turn of
        the reactor, when their answers have left.
        """

    def flush() -> None:
        """Publish what is still to be published, now: the gateway stops."""

    def subscribe_commits(subscriber: Callable[[Sequence[Commit[Any]]], None]) -> None:
        """@param subscriber: called with commits, in their order; must not block."""
