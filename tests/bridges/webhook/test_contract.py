"""The webhook bridge keeps the contract of bridges, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from goiptwist.interfaces import IBridge
from goiptwist.testing.contract import BridgeContract, FarSide
from tests.bridges.webhook.receivers import SECRET, CallbackReceiver, bridge_for, free_port, hostile

CODES = {FarSide.ACCEPTS: 200, FarSide.BUSY: 503, FarSide.REFUSES: 410}


class TestContract(BridgeContract):
    secrets = (SECRET, SECRET.removeprefix("whsec_"))
    far_end: Any = None

    def bridge(self, far_side: FarSide) -> IBridge:
        self.far_end = None
        if far_side is FarSide.AWAY:
            return bridge_for(f"http://127.0.0.1:{free_port()}/hook")
        if far_side is FarSide.NONSENSE:
            self.far_end = hostile(b"220 mail.example.org ESMTP\r\n")
        else:
            self.far_end = CallbackReceiver(CODES[far_side])
        return bridge_for(self.far_end.url)

    @asynccontextmanager
    async def started(self, far_side: FarSide) -> AsyncIterator[IBridge]:
        async with super().started(far_side) as bridge:
            yield bridge
        if self.far_end is not None:
            await self.far_end.close()

    def arrived(self) -> Sequence[str]:
        calls = getattr(self.far_end, "calls", ())
        return [call.id for call in calls if self.far_end.code < 300]
