"""
What becomes of the SMS that were written for one alarm. Pure.
"""

from __future__ import annotations

from attrs import define, field

from goiptwist.model.messages import Message, State

#: States from which no SMS comes back.
_ENDED = (State.FAILED, State.EXPIRED, State.CANCELLED)


@define(eq=False)
class AlarmSmsProgress:
    """
    @ivar alarm_id: of the alarm.
    @ivar until: what is enough, as in
        L{SmsSettings<goiptwist.bridges.sms.settings.SmsSettings>}.
    """

    alarm_id: str
    until: str
    _seen: dict[str, Message] = field(factory=dict, init=False)

    def began(self, number: str, sms: Message) -> None:
        """@param sms: as it was kept; something may have become of it before we were told."""
        self._seen.setdefault(number, sms)

    def became(self, number: str, sms: Message) -> None:
        """@param sms: as it stands now."""
        self._seen[number] = sms

    @property
    def taken(self) -> str:
        """Who has it, in words; empty as long as nobody has."""
        for number, sms in self._seen.items():
            if sms.report == "delivered" and self.until != "acknowledged":
                return f"delivered to {number} as {sms.id}"
            if sms.state is State.SENT and self.until == "sent":
                return f"sent to {number} as {sms.id}"
        return ""

    @property
    def hopeless(self) -> str:
        """Why nobody will get it, in words; empty as long as somebody may."""
        lost = [self._loss(number, sms) for number, sms in self._seen.items()]
        return "; ".join(lost) if all(lost) else ""

    @staticmethod
    def _loss(number: str, sms: Message) -> str:
        if sms.report == "undelivered":
            return f"{number} did not get {sms.id}"
        if sms.state in _ENDED:
            why = f": {sms.reason}" if sms.reason else ""
            return f"{sms.id} to {number} is {sms.state.value}{why}"
        return ""

    @property
    def still(self) -> str:
        """How it stands, in words, for whoever waits no longer."""
        parts = [f"{sms.id} to {number} is {sms.state.value}" for number, sms in self._seen.items()]
        return "; ".join(parts)
