"""What far sides give back after they took it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define
from zope.interface import implementer

from goiptwist.interfaces import IBounces
from goiptwist.messaging.service import Messaging
from goiptwist.store import Bounce


@implementer(IBounces)
@define(eq=False, repr=False)
class Bounces:
    """
    @ivar fallbacks: each bridge that what it delivered may come back to, with
        the destination that gets their SMS then, or an empty text.
    """

    messaging: Messaging
    fallbacks: Mapping[str, str]

    async def bounced(self, message_id: str, reason: str, recipient: str = "") -> None:
        """See L{IBounces}."""
        messaging = self.messaging
        now = messaging.clock.seconds()
        await messaging.store.record_bounce(
            Bounce(
                message_id=message_id,
                recipient=recipient,
                reason=reason,
                at=now,
                instead=self.fallbacks,
            )
        )
