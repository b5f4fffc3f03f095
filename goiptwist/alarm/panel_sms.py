"""
Alarm panels that send SMS: what they report becomes an alarm first, and is
then kept as the SMS that it is.
"""

from __future__ import annotations

from attrs import define
from twisted.logger import Logger

from goiptwist.alarm.service import AlarmService
from goiptwist.contact_id.event import Event
from goiptwist.errors import Busy, StoreUnavailable, Unacceptable
from goiptwist.messaging.service import Messaging
from goiptwist.model.messages import AlarmReport, IncomingSms, Message
from goiptwist.store.commands.receipts import REPEAT_WINDOW, digest_of

#: Who brings an alarm that came as an SMS; by which line stands beside it.
ORIGIN = "sms"


@define(eq=False, repr=False)
class PanelSms:
    """All SMS that come in go through here."""

    messaging: Messaging
    alarms: AlarmService
    log = Logger()

    async def receive(self, sms: IncomingSms) -> Message | None:
        """
        As L{Messaging.receive}. The alarm of a panel is on disk before its SMS:
        where anything fails in between, the device sends the SMS again, and
        the same alarm is found.
        """
        alarm = await self._alarm(sms)
        return await self.messaging.receive(sms, alarm.id if alarm is not None else "")

    async def _alarm(self, sms: IncomingSms) -> Message | None:
        try:
            event = self.alarms.routes.recognize(sms.text, sender=sms.sender)
        except Unacceptable as wrong:
            self.log.warn(
                "An SMS of a panel came by {line} and is no Contact ID, so it stays an SMS: "
                "its {field} is wrong",
                line=sms.line,
                field=wrong.field,
            )
            return None
        if event is None:
            return None
        try:
            return await self._raised(sms, event)
        except Unacceptable as wrong:
            self.log.warn(
                "An alarm of a panel came by {line} and stays an SMS, for no [[route]] with to or "
                "chain takes its {field}",
                line=sms.line,
                field=wrong.field,
            )
        except Busy as full:
            raise StoreUnavailable(str(full)) from None  # the device will repeat
        return None

    async def _raised(self, sms: IncomingSms, event: Event) -> Message:
        """
        @return: the alarm; that of an earlier SMS where this one is a repeat of it.
        """
        digest = digest_of(sms.line, "RECEIVE", sms.number, sms.sender, sms.text).hex()
        again = 0
        while True:
            alarm = await self.alarms.raise_alarm(
                AlarmReport(
                    event=event,
                    origin=ORIGIN,
                    client_id=f"{digest}-{again}",
                    line=sms.line,
                    sender=sms.sender,
                )
            )
            if alarm.at > sms.at - REPEAT_WINDOW:
                return alarm
            again += 1  # the numbers of packets come back one day: that was another SMS
