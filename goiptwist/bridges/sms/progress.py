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
    _sms: dict[str, Message] = field(factory=dict, init=False)

    def submitted(self, number: str, sms: Message) -> None:
        """@param sms: as it was kept; it may have changed before this was called."""
        self._sms.setdefault(number, sms)

    def updated(self, number: str, sms: Message) -> None:
        """@param sms: as it stands now."""
        self._sms[number] = sms

    @property
    def delivered(self) -> str:
        """Who has it, in words; empty as long as nobody has."""
        for number, sms in self._sms.items():
            if sms.report == "delivered" and self.until != "acknowledged":
                return f"delivered to {number} as {sms.id}"
            if sms.state is State.SENT and self.until == "sent":
                return f"sent to {number} as {sms.id}"
        return ""

    @property
    def failed(self) -> str:
        """Why nobody will get it, in words; empty as long as somebody may."""
        lost = [self._loss(number, sms) for number, sms in self._sms.items()]
        return "; ".join(lost) if all(lost) else ""

    @staticmethod
    def _loss(number: str, sms: Message) -> str:
        if sms.report == "undelivered":
            return f"{number} did not get {sms.id}"
        if sms.state in _ENDED:
            reason = f": {sms.reason}" if sms.reason else ""
            return f"{sms.id} to {number} is {sms.state.value}{reason}"
        return ""

    @property
    def summary(self) -> str:
        """How each of them stands, for the reason of a delivery that waited too long."""
        parts = [f"{sms.id} to {number} is {sms.state.value}" for number, sms in self._sms.items()]
        return "; ".join(parts)
