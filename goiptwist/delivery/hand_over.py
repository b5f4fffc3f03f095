"""One row of a queue handed over to its destination, as what it is."""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen
from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger

from goiptwist.device_interfaces import ILease
from goiptwist.errors import Refused, TryLater, Unsure
from goiptwist.interfaces import IDeliversEach, IDestination, INotifies, IObservesLines
from goiptwist.model.delivery import Delivered, QueueEntry
from goiptwist.model.messages import Direction, Message
from goiptwist.model.notifications import LineEvent, Notification
from goiptwist.store import Store


@frozen(eq=False)
class HandOver:
    """
    Calls the method of the destination that a row is for.

    @ivar queue: the name of the queue, for the log.
    @ivar store: has the message that a notification is about.
    """

    queue: str
    destination: IDestination
    store: Store
    log = Logger()

    async def ask(self, row: QueueEntry, lease: ILease | None) -> Delivered | Exception | None:
        """@return: what the destination answered, or the error that it ended with."""
        message = row.message
        try:
            if message.direction is Direction.NOTIFICATION:
                return await self._notify(message)
            if message.direction is Direction.EVENT:
                return await self._observe(message)
            if row.recipient:
                return await self._deliver_to(message, row.recipient)
            return await maybeDeferred((lease or self.destination).deliver, message)
        except (TryLater, Refused, Unsure) as error:
            return error
        except Exception as bug:
            self.log.failure(
                "Destination {destination} broke on message {message_id}",
                destination=self.queue,
                message_id=message.id,
            )
            return bug
        finally:
            if lease is not None:
                lease.release()

    async def _deliver_to(self, message: Message, recipient: str) -> Delivered | None:
        if not IDeliversEach.providedBy(self.destination):
            # It did so when the row was made: the settings have changed.
            return await maybeDeferred(self.destination.deliver, message)
        each: Any = self.destination
        delivered: Delivered | None = await maybeDeferred(each.deliver_to, message, recipient)
        return delivered

    async def _notify(self, row: Message) -> Delivered | None:
        about = await self.store.message(row.about)
        if about is None:
            raise Refused("the message that this is about has been forgotten")
        if not INotifies.providedBy(self.destination):
            raise Refused(f"{self.queue} takes no notifications")
        bridge: Any = self.destination
        notification = Notification(
            id=row.id, status=row.topic, at=row.at, reason=row.text, message=about
        )
        notified: Delivered | None = await bridge.notify(notification)
        return notified

    async def _observe(self, row: Message) -> Delivered | None:
        if not IObservesLines.providedBy(self.destination):
            raise Refused(f"{self.queue} takes no events")
        bridge: Any = self.destination
        fields = json.loads(row.text)
        event = LineEvent(id=row.id, what=row.topic, line=row.line, at=row.at, fields=fields)
        observed: Delivered | None = await bridge.observe(event)
        return observed
