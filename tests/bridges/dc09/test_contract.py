"""
The DC-09 bridge keeps the contract of bridges, over real sockets, as far as it
is meant for alarms.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, evolve
from twisted.application.service import Service
from twisted.internet import reactor
from twisted.internet.task import deferLater
from zope.interface import implementer

from goiptwist.alarm.panels import Key
from goiptwist.bridges.dc09.bridge import Dc09Bridge
from goiptwist.bridges.dc09.frames import Dc09Frame
from goiptwist.config.values import HostPort
from goiptwist.errors import TryLater
from goiptwist.interfaces import IBridge
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.testing.contract import BridgeContract, FarSide
from goiptwist.testing.stubs import StandInGateway
from tests.bridges.dc09.far_ends import KEY, ScriptedReceiver, answer_to, settings
from tests.bridges.webhook.receivers import free_port

core: Any = reactor


@implementer(IBridge)
@define(eq=False, repr=False, slots=False)
class Alarmed(Service):
    """Gives each message an event, as only alarms have one."""

    bridge: Dc09Bridge

    async def deliver(self, message: Message) -> Delivered | None:
        return await self.bridge.deliver(evolve(message, alarm="1113,18,1,123,03,003"))

    def startService(self) -> None:
        super().startService()
        self.bridge.startService()

    def stopService(self) -> Any:
        super().stopService()
        return self.bridge.stopService()

    def __repr__(self) -> str:
        return repr(self.bridge)


class TestContract(BridgeContract):
    secrets = (KEY,)
    far_end: Any = None
    far_side: FarSide

    def bridge(self, far_side: FarSide) -> IBridge:
        self.far_end, self.far_side = None, far_side
        place = HostPort("127.0.0.1", free_port())
        if far_side is not FarSide.AWAY:
            self.far_end = ScriptedReceiver(core, self.replies)
            place = self.far_end.listen("tcp")
        keys = {"key": Key.from_setting(KEY), "timeout": 0.05, "tries": 2, "plain_ack": False}
        own = settings(receiver=place, **keys)
        return Alarmed(Dc09Bridge("station", own, StandInGateway(core, core)))

    def replies(self, frame: Dc09Frame) -> list[bytes]:
        clear = frame.decrypted(KEY.encode())
        match self.far_side:
            case FarSide.ACCEPTS:
                return [answer_to(clear, "ACK").format(KEY.encode())]
            case FarSide.BUSY:
                nak = Dc09Frame(name="NAK", sequence="0000", time=core.seconds())
                return [nak.format()]
            case FarSide.REFUSES:
                return [answer_to(clear, "DUH", encrypted=False, time=None).format()]
            case _:
                return [b"220 mail.example.org ESMTP\r\n"]

    @asynccontextmanager
    async def started(self, far_side: FarSide) -> AsyncIterator[IBridge]:
        async with super().started(far_side) as bridge:
            yield bridge
        await deferLater(core, 0.0)
        if self.far_end is not None:
            await self.far_end.close()
            await deferLater(core, 0.01)

    def arrived(self) -> Sequence[str]:
        heard = getattr(self.far_end, "heard", ())
        return [frame.sequence for frame in heard] if self.far_side is FarSide.ACCEPTS else []

    async def test_away(self) -> None:
        """Other than for an SMS, absence is an attempt: an alarm must find its next way."""
        answer = await self.answer(FarSide.AWAY)
        assert isinstance(answer, TryLater)
        assert answer.attempted
