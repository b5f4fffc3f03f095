"""What devices hand in, handed on to the parts that it is for."""

from __future__ import annotations

from attrs import define
from zope.interface import implementer

from goiptwist.alarm.panel_sms import PanelSms
from goiptwist.delivery.dispatcher import Dispatcher
from goiptwist.device_interfaces import IReception
from goiptwist.messaging.service import Messaging
from goiptwist.model.messages import IncomingSms, Message
from goiptwist.store import Event


@implementer(IReception)
@define(eq=False, repr=False)
class Reception:
    """
    L{IReception} on top of the parts.

    @ivar panel_sms: keeps an SMS, and raises the alarm that it may be.
    """

    panel_sms: PanelSms
    messaging: Messaging
    dispatcher: Dispatcher

    async def receive(self, sms: IncomingSms) -> Message | None:
        """See L{IReception}."""
        return await self.panel_sms.arrived(sms)

    async def record_event(self, event: Event) -> None:
        """See L{IReception}."""
        await self.messaging.happened(event)

    def record_our_event(self, event: Event) -> None:
        """See L{IReception}."""
        self.messaging.noticed(event)

    def reported(self, message: Message) -> None:
        """See L{IReception}."""
        self.messaging.reported(message)

    def settled(self, message: Message) -> None:
        """See L{IReception}."""
        self.messaging.settled(message)

    def has_room(self, destination: str) -> None:
        """See L{IReception}."""
        self.dispatcher.changed(destination)
