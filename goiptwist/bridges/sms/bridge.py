"""
L{SmsBridge}: alarms as SMS to people, and their answers.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.bridges.sms.progress import AlarmSmsProgress
from goiptwist.bridges.sms.settings import SmsSettings
from goiptwist.bridges.sms.texts import acknowledged_id, alarm_text, forwarded_text
from goiptwist.errors import (
    Busy,
    Conflict,
    Forbidden,
    Refused,
    StoreUnavailable,
    TryLater,
    Unacceptable,
)
from goiptwist.interfaces import IBridge, IGateway, ITakesReports
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Direction, Message, Submission
from goiptwist.telephony.validation import MOST_URGENT


@define(eq=False)
class _PendingAlarm:
    """An alarm whose delivery waits for one of its SMS, or for a person."""

    progress: AlarmSmsProgress
    done: Deferred[Delivered]

    def check(self) -> None:
        """End the delivery if its outcome is known."""
        if self.progress.delivered:
            self.end(Delivered(detail=self.progress.delivered))
        elif self.progress.failed:
            self.end(Refused(self.progress.failed))

    def end(self, verdict: Delivered | Refused) -> None:
        """Only the first verdict counts."""
        if self.done.called:
            return
        if isinstance(verdict, Delivered):
            self.done.callback(verdict)
        else:
            self.done.errback(verdict)


@implementer(IBridge, ITakesReports)
@define(eq=False, repr=False)
class SmsBridge:
    """
    An alarm becomes one SMS for each number, under client ids of the alarm: if
    it comes again after a restart, nobody is texted twice, and the waiting goes on.

    @ivar section: the name of the section.
    @ivar at_once: alarms that may be waited for; they cost nothing meanwhile.
    """

    section: str
    settings: SmsSettings
    gateway: IGateway
    at_once: int = 1000
    circuit_breaker: bool = False
    _pending: dict[str, _PendingAlarm] = field(factory=dict, init=False)
    log = Logger()

    @property
    def origin(self) -> str:
        """Under which it submits."""
        return f"bridge:{self.section}"

    async def deliver(self, message: Message) -> Delivered:
        """See L{IBridge}: an alarm, an answer, or an SMS that another bridge hands over."""
        if message.direction is Direction.ALARM:
            return await self._alarm(message)
        alarm_id = acknowledged_id(message.text)
        if alarm_id is not None:
            return await self._answer(message, alarm_id)
        text = forwarded_text(message, self.gateway.directory.display_name(message.sender))
        kept = [await self._text(number, text, message.id) for number in self.settings.numbers]
        return Delivered(detail=f"goes out as {', '.join(sms.id for sms in kept)}")

    def reported(self, message: Message) -> None:
        """See L{ITakesReports}: something became of an SMS of ours."""
        pending = self._pending.get(message.client_id.partition("/")[0])
        if pending is not None:
            pending.progress.updated(message.recipient, message)
            pending.check()

    # -- alarms --

    async def _alarm(self, alarm: Message) -> Delivered:
        progress = AlarmSmsProgress(alarm.id, self.settings.until)
        pending = self._pending[alarm.id] = _PendingAlarm(progress, Deferred())
        try:
            first = await self._write(alarm, progress)
            pending.check()
            return await self._verdict(pending, first)
        finally:
            if self._pending.get(alarm.id) is pending:
                del self._pending[alarm.id]

    async def _write(self, alarm: Message, progress: AlarmSmsProgress) -> float:
        """@return: when the first SMS for it was accepted."""
        text = alarm_text(alarm, self.settings.form)
        began = []
        for number in self.settings.numbers:
            await self.gateway.memory.put(self._latest_key(number), alarm.id)
            sms = await self._text(number, text, alarm.id)
            progress.submitted(number, sms)
            began.append(sms.at)
        return min(began)

    async def _verdict(self, pending: _PendingAlarm, began: float) -> Delivered:
        clock, patience = self.gateway.clock, self.settings.patience
        left = max(0.0, began + patience - clock.seconds())

        def out_of_time() -> None:
            what = {"acknowledged": "answer", "sent": "verdict"}
            missing = what.get(self.settings.until, "delivery report")
            pending.end(Refused(f"no {missing} within {patience:g} s: {pending.progress.summary}"))

        timer = clock.callLater(left, out_of_time)
        acknowledgement = self.gateway.alarms.acknowledged(pending.progress.alarm_id)
        acknowledgement.addCallbacks(
            lambda by: pending.end(Delivered(detail=f"acknowledged by {by}")),
            lambda failure: failure.trap(CancelledError),
        )
        try:
            return await pending.done
        finally:
            acknowledgement.cancel()
            if timer.active():
                timer.cancel()

    async def _text(self, number: str, text: str, about: str) -> Message:
        submission = Submission(
            origin=self.origin,
            recipients=(number,),
            text=text,
            pool=self.settings.pool,
            client_id=f"{about}/{number}",
            priority=MOST_URGENT,
        )
        try:
            [kept] = await self.gateway.messages.submit(submission)
        except (Unacceptable, Forbidden, Conflict) as error:
            raise Refused(f"no SMS to {number}: {error}") from None
        except Busy as busy:
            raise TryLater(str(busy), after=busy.after) from None
        except StoreUnavailable as error:
            raise TryLater(str(error)) from None
        return kept

    # -- answers --

    def _latest_key(self, number: str) -> str:
        return f"latest {number}"

    async def _answer(self, sms: Message, alarm_id: str) -> Delivered:
        number = self._normalized(sms.sender)
        if number not in self.settings.numbers:
            return Delivered(detail="this number has no alarms here")
        alarm_id = alarm_id or await self.gateway.memory.get(self._latest_key(number))
        if not alarm_id:
            return Delivered(detail="no alarm was texted to this number")
        by = self.gateway.directory.display_name(number) or number
        try:
            await self.gateway.alarms.acknowledge(alarm_id, by)
        except Conflict as error:
            await self._confirm(sms, number, f"ACK {alarm_id}: {error}")
            return Delivered(detail=str(error))
        except StoreUnavailable as error:
            raise TryLater(str(error)) from None
        await self._confirm(sms, number, f"Alarm {alarm_id} is yours, thank you")
        return Delivered(detail=f"acknowledges alarm {alarm_id}")

    def _normalized(self, sender: str) -> str:
        """Networks write a sender as they like: 0630..., 003630..., +3630..."""
        try:
            return self.gateway.directory.normalized(sender)
        except Unacceptable:
            return sender  # a name

    async def _confirm(self, sms: Message, number: str, text: str) -> None:
        if not self.settings.confirm:
            return
        try:
            await self._text(number, text, f"ack-{sms.id}")
        except Refused as refusal:  # what was answered counts all the same
            self.log.warn(
                "{message_id} is not confirmed: {reason}", message_id=sms.id, reason=str(refusal)
            )
