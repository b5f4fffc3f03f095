"""
What an interface for operators may use, such as that over HTTP, besides what
every connector may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zope.interface import Attribute, Interface

from goiptwist.interfaces import IGateway
from goiptwist.model.messages import Direction, Message, Step
from goiptwist.model.queries import Resolution, Search, SearchPage
from goiptwist.model.quota import Quota
from goiptwist.model.status import DeliveryStatus, Health


class IHistory(Interface):
    """What is kept, for those who look."""

    async def page(direction: Direction | None, after: str, limit: int) -> list[Message]:
        """
        Kept messages in the order in which they were kept.

        @param after: the id of the last one seen, or empty for the beginning.
        @param limit: how many at the most.
        @raise Unacceptable: C{after} is no id of this gateway.
        """

    async def search(wanted: Search) -> SearchPage:
        """
        @return: messages, newest first, and where to go on.
        @raise Unacceptable: C{wanted.before} is no id of this gateway.
        """

    async def journey(message_id: str) -> list[Step]:
        """@return: each step of a message, oldest first."""

    async def deliveries(alarm_id: str) -> list[DeliveryStatus]:
        """@return: how each delivery of an alarm stands, in the order in which they began."""


class IFolders(Interface):
    """What each user sees of what is kept, besides what was submitted."""

    async def inbox(owner: str, after: str, limit: int) -> list[Message]:
        """
        What came in and a user has not taken out of the inbox, oldest first.

        @param owner: the origin of the user, such as C{user:ops}.
        @param after: as for L{IHistory.page}.
        """

    async def deleted(owner: str, limit: int) -> list[Message]:
        """@return: the newest of what a user has deleted, oldest first."""

    async def flag(owner: str, ids: Sequence[str], flag: str) -> list[str]:
        """
        Take messages out of a user's folders. History keeps them, and nobody
        else notices.

        @param ids: of messages, or the client ids of what the user submitted.
        @param flag: C{deleted} or C{downloaded}.
        @return: the ids that have it now: not those of messages that there
            are not, or that still wait to be sent.
        """


class IOperator(Interface):
    """What a person decides, and asks, about the whole gateway."""

    async def resolve(message_id: str, resolution: Resolution, by: str) -> Message:
        """
        Say what became of a text of which nobody knows.

        @raise Conflict: it is not unknown.
        """

    async def redeliver(message_id: str, bridge: str, by: str) -> None:
        """
        Hand to a bridge once more what it has had, or never took, of a
        message: the SMS that came in, or a notification of one that went out.

        @param bridge: the name of its section.
        @raise Conflict: it has had nothing of it.
        """

    async def quota(origin: str) -> tuple[Quota, int, int]:
        """@return: what an origin may send in a day, and the messages and segments of today."""

    def health() -> Health:
        """@return: what is wrong, if anything, and the figures."""


class IEventBus(Interface):
    """What happens in the gateway, for those who watch."""

    def publish(kind: str, subject: Any) -> None:
        """
        It happened now.

        @param kind: such as C{message.received}, C{line.lost}.
        @param subject: a message, or a line event.
        """

    def subscribe(subscriber: Callable[[Any], None]) -> Callable[[], None]:
        """
        @param subscriber: called with each event; must not block.
        @return: ends it.
        """

    def replay(last: str) -> list[Any] | None:
        """
        @param last: the id of the last event known.
        @return: what came after it; C{None} where that is not known any more.
        """


class IOperatorGateway(IGateway):
    """What an interface for operators is given, such as that over HTTP."""

    history: IHistory = Attribute("Look at what is kept.")
    folders: IFolders = Attribute("Look at what users see.")
    operator: IOperator = Attribute("Decide.")
    events: IEventBus = Attribute("Watch.")
