"""The chat bridge keeps the contract of bridges, as an account and as a component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from goiptwist.errors import Away, TryLater
from goiptwist.interfaces import IBridge
from goiptwist.testing.contract import BridgeContract, FarSide
from tests.bridges.xmpp.chats import COMPONENT, PASSWORD, bridge


class TestBot(BridgeContract):
    secrets = (PASSWORD,)
    settings: Any = {}

    def bridge(self, far_side: FarSide) -> IBridge:
        made, self.link, _ = bridge(**self.settings)
        match far_side:
            case FarSide.BUSY:
                self.link.bounces = [("", "resource-constraint", "wait")]
            case FarSide.REFUSES:
                self.link.bounces = [("", "service-unavailable", "cancel")]
            case FarSide.AWAY:
                self.link.troubles = [Away("nobody listens")]
            case FarSide.NONSENSE:
                self.link.troubles = [TryLater("the connection was lost")]
        return made

    def arrived(self) -> Sequence[str]:
        return [stanza["id"] for stanza in self.link.handed]


class TestComponent(TestBot):
    settings = COMPONENT


class TestRoom(TestBot):
    settings = {"to": ("team@rooms.example.org",)}

    def bridge(self, far_side: FarSide) -> IBridge:
        made = super().bridge(far_side)
        room = made.chat.rooms.join("team@rooms.example.org")
        room.inside = True
        return made
