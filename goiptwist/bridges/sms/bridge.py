"""
L{SmsBridge}: alarms as SMS to people, and their answers.
"""

from __future__ import annotations

from typing import Any

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
from goiptwist.interfaces import IBridge, ITakesReports
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Direction, Message, Submission
from goiptwist.telephony.validation import MOST_URGENT


@define(eq=False)
class _PendingAlarm:
    """Somebody who waits for the end of a L{AlarmSmsProgress}."""

    watch: AlarmSmsProgress
    done: Deferred[Delivered]

    def look(self) -> None:
        """End the waiting if there is an end."""
        if self.watch.taken:
            self.end(Delivered(detail=self.watch.taken))
        elif self.watch.hopeless:
            self.end(Refused(self.watch.hopeless))

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
    gateway: Any
    at_once: int = 1000
    rests: bool = False
    _waiting: dict[str, _PendingAlarm] = field(factory=dict, init=False)
    log = Logger()

    @property
    def origin(self) -> str:
        """Under which it submits."""
        return f"bridge:{self.section}"

    async def deliver(self, message: Message) -> Delivered:
        """See L{IBridge}: an alarm, an answer, or an SMS that another bridge hands over."""
        if message.direction is Direction.ALARM:
            return await self._alarm(message)
        said = acknowledged_id(message.text)
        if said is not None:
            return await self._answer(message, said)
        text = forwarded_text(message, self.gateway.directory.display_name(message.sender))
        kept = [await self._text(number, text, message.id) for number in self.settings.numbers]
        return Delivered(detail=f"goes out as {', '.join(sms.id for sms in kept)}")

    def reported(self, message: Message) -> None:
        """See L{ITakesReports}: something became of an SMS of ours."""
        waiting = self._waiting.get(message.client_id.partition("/")[0])
        if waiting is not None:
            waiting.watch.became(message.recipient, message)
            waiting.look()

    # -- alarms --

    async def _alarm(self, alarm: Message) -> Delivered:
        watch = AlarmSmsProgress(alarm.id, self.settings.until)
        waiting = self._waiting[alarm.id] = _PendingAlarm(watch, Deferred())
        try:
            first = await self._write(alarm, watch)
            waiting.look()
            return await self._verdict(waiting, first)
        finally:
            if self._waiting.get(alarm.id) is waiting:
                del self._waiting[alarm.id]

    async def _write(self, alarm: Message, watch: AlarmSmsProgress) -> float:
        """@return: when the first SMS for it was accepted."""
        text = alarm_text(alarm, self.settings.form)
        began = []
        for number in self.settings.numbers:
            await self.gateway.memory.put(self._latest(number), alarm.id)
            sms = await self._text(number, text, alarm.id)
            watch.began(number, sms)
            began.append(sms.at)
        return min(began)

    async def _verdict(self, waiting: _PendingAlarm, began: float) -> Delivered:
        clock, patience = self.gateway.clock, self.settings.patience
        left = max(0.0, began + patience - clock.seconds())

        def too_long() -> None:
            what = {"acknowledged": "answer", "sent": "verdict"}
            missing = what.get(self.settings.until, "delivery report")
            waiting.end(Refused(f"no {missing} within {patience:g} s: {waiting.watch.still}"))

        timer = clock.callLater(left, too_long)
        person = self.gateway.alarms.acknowledged(waiting.watch.alarm_id)
        person.addCallbacks(
            lambda by: waiting.end(Delivered(detail=f"acknowledged by {by}")),
            lambda failure: failure.trap(CancelledError),
        )
        try:
            return await waiting.done
        finally:
            person.cancel()
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
        except (Unacceptable, Forbidden, Conflict) as wrong:
            raise Refused(f"no SMS to {number}: {wrong}") from None
        except Busy as busy:
            raise TryLater(str(busy), after=busy.after) from None
        except StoreUnavailable as trouble:
            raise TryLater(str(trouble)) from None
        sms: Message = kept
        return sms

    # -- answers --

    def _latest(self, number: str) -> str:
        return f"sms:{self.section}:{number}"

    async def _answer(self, sms: Message, said: str) -> Delivered:
        number = self._whole(sms.sender)
        if number not in self.settings.numbers:
            return Delivered(detail="this number has no alarms here")
        alarm_id = said or await self.gateway.memory.get(self._latest(number))
        if not alarm_id:
            return Delivered(detail="no alarm was texted to this number")
        by = self.gateway.directory.display_name(number) or number
        try:
            await self.gateway.alarms.acknowledge(alarm_id, by)
        except Conflict as wrong:
            await self._confirm(sms, number, f"ACK {alarm_id}: {wrong}")
            return Delivered(detail=str(wrong))
        except StoreUnavailable as trouble:
            raise TryLater(str(trouble)) from None
        await self._confirm(sms, number, f"Alarm {alarm_id} is yours, thank you")
        return Delivered(detail=f"acknowledges alarm {alarm_id}")

    def _whole(self, sender: str) -> str:
        """Networks write a sender as they like: 0630..., 003630..., +3630..."""
        try:
            return str(self.gateway.directory.normalized(sender))
        except Unacceptable:
            return sender  # a name

    async def _confirm(self, sms: Message, number: str, text: str) -> None:
        if not self.settings.confirm:
            return
        try:
            await self._text(number, text, f"ack-{sms.id}")
        except Refused as refusal:  # what was answered counts all the same
            self.log.warn("{message_id} is not confirmed: {why}", message_id=sms.id, why=refusal)
