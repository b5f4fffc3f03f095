"""
Reports of panels: checked, kept, and answered.
"""

from __future__ import annotations

from attrs import define, evolve, field, frozen
from twisted.logger import Logger

from goiptwist.alarm.panels import Panels, plain_account
from goiptwist.bridges.dc09 import frames
from goiptwist.bridges.dc09.deduplication import ReportDeduplication
from goiptwist.bridges.dc09.frames import (
    ACK,
    ANSWERS,
    DUH,
    NAK,
    Dc09Frame,
    MalformedDc09Frame,
)
from goiptwist.contact_id.event import Event
from goiptwist.errors import Busy, Conflict, Forbidden, StoreUnavailable, Unacceptable
from goiptwist.interfaces import IGateway
from goiptwist.model.messages import AlarmReport
from goiptwist.net.rejections import Rejections

#: Seconds that the clock of a panel may be ahead of or behind ours, where the
#: time proves that a report is no old one (section 5.5.1.8).
AHEAD, BEHIND = 20.0, 40.0

ORIGIN = "dc09"


@frozen
class Dc09Reply:
    """
    @ivar raw: what to answer.
    @ivar proved: whether the panel has shown that it has the key.
    @ivar accepted: whether the report, or the link test, was taken.
    """

    raw: bytes
    proved: bool = False
    accepted: bool = False


class _Rejected(Exception):
    """@ivar answer: its name; empty is silence, and the panel repeats."""

    def __init__(self, answer: str, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.answer, self.kind = answer, kind


@define(eq=False, repr=False)
class ReportIntake:
    """
    An ACK leaves only after the alarm is on disk. Where that fails there is
    silence, and the panel repeats, or asks its second receiver: a DUH would
    make it give up.

    @ivar gateway: raises alarms, and remembers reports.
    """

    gateway: IGateway
    panels: Panels
    rejections: Rejections
    _deduplication: ReportDeduplication = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._deduplication = ReportDeduplication(self.gateway.memory, self.gateway.clock)

    async def receive(self, raw: bytes, peer: str) -> Dc09Reply | None:
        """
        @param raw: one frame.
        @param peer: the address that it came from.
        @return: the answer; C{None} is silence.
        """
        try:
            frame = frames.read(raw)
        except MalformedDc09Frame as error:
            # Section 5.5.3.1: what comes with errors is not acknowledged.
            self.rejections.about("dc09_malformed", peer, f"no frame of DC-09: {error}")
            return None
        if frame.name in ANSWERS:
            return None
        try:
            clear = self._decrypted(frame)
            await self._raise_alarm(clear, peer)
        except _Rejected as refusal:
            self.rejections.about(refusal.kind, peer, str(refusal))
            return self._answer(frame, refusal.answer) if refusal.answer else None
        return self._answer(frame, ACK)

    def _decrypted(self, frame: Dc09Frame) -> Dc09Frame:
        """The frame in clear, of a panel that we know."""
        account = frames.account_of(frame)
        if not account or account not in self.panels:
            raise _Rejected(NAK, "dc09_unknown", f"there is no account {account or '(none)'}")
        key = self.panels.key_of(account)
        if key is not None and not frame.encrypted:
            reason = f"account {account} reports in clear, but has a key: set the key in the panel"
            raise _Rejected(DUH, "dc09_clear", reason)
        try:
            clear = frame.decrypted(key)
        except MalformedDc09Frame as error:
            raise _Rejected(NAK, "dc09_key", f"account {account}: {error}") from None
        if frame.encrypted:
            self._check_time(clear, account)
        return clear

    def _check_time(self, frame: Dc09Frame, account: str) -> None:
        if frame.time is None:
            reason = f"account {account} reports encrypted, but without a time"
            raise _Rejected(NAK, "dc09_time", reason)
        ahead = frame.time - self.gateway.clock.seconds()
        if not -BEHIND <= ahead <= AHEAD:
            how = "ahead of" if ahead > 0 else "behind"
            reason = f"the clock of account {account} is {abs(ahead):.0f} s {how} ours"
            raise _Rejected(NAK, "dc09_time", reason)

    async def _raise_alarm(self, frame: Dc09Frame, peer: str) -> None:
        if frame.name == frames.LINK_TEST:
            return
        event = self._event(frame)
        account = plain_account(frames.account_of(frame))
        try:
            client_id = await self._deduplication.client_id_of(account, frame)
            report = AlarmReport(event=event, origin=ORIGIN, client_id=client_id)
            message = await self.gateway.alarms.raise_alarm(report)
        except (StoreUnavailable, Busy, Conflict) as error:
            raise _Rejected("", "dc09_not_kept", f"an alarm was not kept: {error}") from None
        except (Unacceptable, Forbidden) as error:
            raise _Rejected(DUH, "dc09_not_wanted", f"an alarm was refused: {error}") from None
        self.log.info(
            "From {peer} by DC-09: {event}", peer=peer, event=event.log_words, message_id=message.id
        )

    def _event(self, frame: Dc09Frame) -> Event:
        if frame.name != frames.CONTACT_ID:
            reason = f"{frame.name} is not understood: set the panel to Contact ID (ADM-CID)"
            raise _Rejected(DUH, "dc09_not_understood", reason)
        try:
            event = frames.event_of(frame)
        except MalformedDc09Frame as error:
            raise _Rejected(DUH, "dc09_not_understood", str(error)) from None
        outer = frames.account_of(frame)
        # A panel with one key must not report in the name of a panel with another.
        mine = event.account in self.panels and (
            self.panels.key_of(event.account) == self.panels.key_of(outer)
        )
        return event if mine else evolve(event, account=outer)

    def _answer(self, frame: Dc09Frame, name: str) -> Dc09Reply:
        now = self.gateway.clock.seconds()
        answer = Dc09Frame(name=name, receiver=frame.receiver, line=frame.line)
        if name == NAK:
            # Never encrypted; its time lets the panel set its clock (section 5.5.3.2).
            return Dc09Reply(evolve(answer, sequence="0000", time=now).format())
        answer = evolve(answer, sequence=frame.sequence, account=frame.account)
        if name == ACK and frame.encrypted:
            encrypted = evolve(answer, encrypted=True, time=now)
            raw = encrypted.format(self.panels.key_of(frame.account))
            return Dc09Reply(raw, proved=True, accepted=True)
        return Dc09Reply(answer.format(), accepted=name == ACK)
