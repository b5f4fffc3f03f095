"""What one section of the settings notes down."""

from __future__ import annotations

from attrs import define
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from goiptwist.interfaces import IMemory
from goiptwist.store import Store


@implementer(IMemory)
@define(eq=False, repr=False)
class SectionMemory:
    """
    @ivar section: whose it is, such as C{bridge.ops}. The keys of all sections
        stand in one table; no section sees those of another.
    """

    store: Store
    clock: IReactorTime
    section: str

    async def put(self, key: str, value: str) -> None:
        """See L{IMemory}."""
        await self.store.put_value(f"{self.section}/{key}", value, self.clock.seconds())

    async def get(self, key: str) -> str:
        """See L{IMemory}."""
        return await self.store.get_value(f"{self.section}/{key}")
