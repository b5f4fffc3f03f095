"""
What a connector to devices may use, such as that to GoIP devices, besides what
every connector may.
"""

from __future__ import annotations

from typing import Any

from zope.interface import Attribute, Interface

from goiptwist.interfaces import IDestination, IGateway
from goiptwist.model.messages import IncomingSms, Message


class IReception(Interface):
    """What devices hand in, and what becomes of what they were given."""

    async def receive(sms: IncomingSms) -> Message | None:
        """
        Keep an SMS that came in, raise the alarm that it may be, and queue it for
        its bridges. Acknowledge it after this.

        @return: the message, or C{None} if it is a repeat.
        @raise StoreUnavailable: it could not be kept.
        """

    async def record_event(event: Any) -> None:
        """
        Keep what happened on a line.

        @param event: a L{goiptwist.store.Event}.
        @raise StoreUnavailable: it could not be kept.
        """

    def record_our_event(event: Any) -> None:
        """As L{record_event}, where nobody could repeat it."""

    def reported(message: Message) -> None:
        """The delivery report of a message is on disk."""

    def settled(message: Message) -> None:
        """A late answer of a device has settled a message, and that is on disk."""

    def has_room(destination: str) -> None:
        """
        A destination can take something now.

        @param destination: C{pool:NAME} or C{line:ID}.
        """


class IDeviceGateway(IGateway):
    """What a connector to devices is given."""

    reception: IReception = Attribute("Hand in what devices push.")
    store: Any = Attribute("Write down what devices were given: a L{goiptwist.store.Store}.")


class IPooled(IDestination):
    """Lines of which any will do."""

    def ready_for(message: Message) -> bool:
        """@return: whether this message could be sent now."""


class IPools(Interface):
    """An extra power of a connector: it has lines that texts go out by."""

    def pool(destination: str) -> IPooled | None:
        """
        @param destination: C{pool:NAME} or C{line:ID}.
        @return: it, or C{None} if there is no such one here.
        """


class IKeepsState(Interface):
    """An extra power of a connector: it goes on where the last run stopped."""

    async def restore() -> None:
        """Called once, before anything is started."""

    def save() -> None:
        """Write down what has changed. Called now and then, and when the gateway stops."""
