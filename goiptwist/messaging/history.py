"""What is kept, for those who look."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define
from zope.interface import implementer

from goiptwist.model.messages import Direction, Message, Step
from goiptwist.model.queries import Search, SearchPage
from goiptwist.model.status import DeliveryStatus
from goiptwist.operator_interfaces import IFolders, IHistory
from goiptwist.store import FLAGS_AT_ONCE, FlagChange, Store


@implementer(IHistory)
@define(eq=False, repr=False)
class History:
    """L{IHistory} of a store."""

    store: Store

    async def page(self, direction: Direction | None, after: str, limit: int) -> list[Message]:
        """See L{IHistory}."""
        return await self.store.messages(direction, after, limit)

    async def search(self, criteria: Search) -> SearchPage:
        """See L{IHistory}."""
        return await self.store.search(criteria)

    async def journey(self, message_id: str) -> list[Step]:
        """See L{IHistory}."""
        return await self.store.journey(message_id)

    async def deliveries(self, alarm_id: str) -> list[DeliveryStatus]:
        """See L{IHistory}."""
        return await self.store.deliveries(alarm_id)


@implementer(IFolders)
@define(eq=False, repr=False)
class Folders:
    """L{IFolders} of a store."""

    store: Store

    async def inbox(self, owner: str, after: str, limit: int) -> list[Message]:
        """See L{IFolders}."""
        return await self.store.inbox(owner, after, limit)

    async def deleted(self, owner: str, limit: int) -> list[Message]:
        """See L{IFolders}."""
        return await self.store.deleted(owner, limit)

    async def flag(self, owner: str, ids: Sequence[str], flag: str) -> list[str]:
        """See L{IFolders}."""
        flagged: list[str] = []
        for begin in range(0, len(ids), FLAGS_AT_ONCE):
            part = tuple(ids[begin : begin + FLAGS_AT_ONCE])
            flagged += await self.store.flag(FlagChange(owner=owner, ids=part, flag=flag))
        return flagged
