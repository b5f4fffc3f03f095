"""
One line of a device: its presence, its facts, and the sessions open on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.errors import Refused, StoreUnavailable, TryLater
from goiptwist.goip.frames import Answer, Keepalive
from goiptwist.goip.presence import Presence, presence_of
from goiptwist.goip.sending import BulkSession, telid_of, verdict_of
from goiptwist.goip.settings import LineSettings
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.model.status import LineStatus
from goiptwist.store import LateAnswer, Store, Transmission

Address = tuple[str, int]

#: Session numbers reserved on disk at once.
SESSION_BLOCK = 500
#: Session numbers stay below this; the devices read 31 bits.
SESSION_MODULUS = 2**31

#: Seconds for which a way that lost or repeated a datagram is not trusted.
ROUGH = 600.0
#: Seconds for which a session stays open, on such a way, after its last
#: verdict: longer than a datagram is late.
LINGER = 10.0

#: What a keepalive calls the things that have a place of their own.
_NAMED = frozenset({"num", "signal", "gsm_status", "pro", "imei", "imsi", "iccid", "CELLINFO"})


@define(eq=False, repr=False)
class SessionNumbers:
    """Numbers for bulk sessions, which never come again."""

    store: Store
    _next: int = field(default=0, init=False)
    _end: int = field(default=0, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)

    async def take(self) -> int:
        """
        @raise StoreUnavailable: a new block could not be reserved.
        """
        while self._next == self._end:
            reserved: Deferred[None] = Deferred()
            self._waiting.append(reserved)
            if len(self._waiting) == 1:
                self.store.reserve("session", SESSION_BLOCK).addBoth(self._reserved)
            await reserved
        self._next += 1
        return (self._next - 1) % SESSION_MODULUS

    def _reserved(self, first: int | Failure) -> None:
        if isinstance(first, int):
            self._next, self._end = first, first + SESSION_BLOCK
        # One after the other, not each from within the one before it: a
        # thousand sessions may wait, and the stack is not that deep.
        waiting, self._waiting = self._waiting, []
        for reserved in waiting:
            if isinstance(first, Failure):
                reserved.errback(first)
            else:
                reserved.callback(None)


@define(eq=False, repr=False)
class Line:
    """
    @ivar write: sends one datagram from the listening socket.
    @ivar room_changed: called when the line may be able to take more or less.
    @ivar late_verdict: called with a verdict that no session waits for.
    @ivar happened: called with the line, what became of it (C{present},
        C{lost}, C{stopped}), and more about it.
    """

    settings: LineSettings
    clock: IReactorTime
    store: Store
    numbers: SessionNumbers
    write: Callable[[bytes, Address], None]
    room_changed: Callable[[Line], None]
    late_verdict: Callable[[LateAnswer], None]
    happened: Callable[..., None]
    address: Address | None = field(default=None, init=False)
    heard_at: float | None = field(default=None, init=False)
    facts: Mapping[str, str] = field(factory=dict, init=False)
    noted: dict[str, str] = field(factory=dict, init=False)
    state: str = field(default="unheard", init=False)
    stopped: str = field(default="", init=False)
    last_error: str = field(default="", init=False)
    sessions: dict[int, BulkSession] = field(factory=dict, init=False)
    _running: dict[int, Deferred[None]] = field(factory=dict, init=False)
    _rough_until: float = field(default=0.0, init=False)
    _presence: Presence = field(init=False)
    _count: int = field(default=0, init=False)
    _opening: int = field(default=0, init=False)
    _rest: IDelayedCall | None = field(default=None, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._presence = presence_of(self.settings.id, self.clock, self._state_changed)

    # -- what the device tells --

    def keepalive(self, frame: Keepalive, address: Address) -> bool:
        """
        The line is there, and this is how it stands.

        @return: whether any of its facts has changed.
        """
        had_room = self.has_room
        if address != self.address:
            self._moved(address)
        if frame.count < self._count:
            self.log.info("Line {line} counts anew: it was restarted", line=self.settings.id)
        self._count = frame.count
        self.heard_at = self.clock.seconds()
        changed = frame.facts != self.facts
        if changed:
            self.facts = frame.facts
        self._presence.heard()
        if self.has_room != had_room:
            self.room_changed(self)
        return changed

    def _moved(self, address: Address) -> None:
        if self.address is not None:
            self.log.info(
                "Line {line} moved to {host}:{port}",
                line=self.settings.id,
                host=address[0],
                port=address[1],
            )
        self.address = address

    def _state_changed(self, state: str) -> None:
        self.state = state
        self.happened(self, state)
        self.room_changed(self)

    # -- sending --

    @property
    def logged_out(self) -> bool:
        """Whether the device says that this line has no network."""
        return self.facts.get("gsm_status") == "LOGOUT"

    @property
    def has_room(self) -> bool:
        """Whether one more session can be opened now."""
        return (
            self.state == "present"
            and not self.stopped
            and self._rest is None
            and not self.logged_out
            and self.open_sessions < self.settings.sessions
        )

    @property
    def open_sessions(self) -> int:
        """How many sessions there are, with those just being opened."""
        return len(self.sessions) + self._opening

    async def open(self, message: Message) -> tuple[BulkSession, Deferred[Delivered]]:
        """
        Begin a session with this message as its first number.

        @raise TryLater: there are no session numbers, for want of a store.
        """
        self._opening += 1
        self.room_changed(self)
        try:
            number = await self.numbers.take()
        except StoreUnavailable as trouble:
            self._opening -= 1
            self.room_changed(self)
            raise TryLater(str(trouble), after=1.0, attempted=False) from None
        self._opening -= 1
        session = BulkSession(number, message.text, message.batch, self, self._to_device)
        result = session.join(message)
        self.sessions[number] = session
        self.room_changed(self)
        running = self._running[number] = Deferred.fromCoroutine(session.run())
        running.addErrback(_stopped)
        running.addBoth(lambda _: self._ended(number))
        return session, result

    def _ended(self, number: int) -> None:
        del self.sessions[number], self._running[number]
        self.room_changed(self)

    def _to_device(self, datagram: bytes) -> None:
        if self.address is not None:
            self.write(datagram, self.address)

    def answered(self, answer: Answer) -> None:
        """The device said something in a session."""
        session = self.sessions.get(answer.session)
        if session is not None:
            session.received(answer)
        else:
            self.late(answer)

    # -- what a session asks of its line --

    def write_down(self, transmission: Transmission) -> Deferred[None]:
        """Commit what is about to leave."""
        return self.store.record_transmission(transmission)

    def late(self, answer: Answer) -> None:
        """A verdict that nobody waits for; it may settle what was unknown."""
        telid = telid_of(answer)
        if telid is None or answer.verb == "WAIT":
            return
        try:
            handover = verdict_of(answer, self.settings.id)
            sent, detail, sms_no = True, "OK, late", handover.sms_no
        except (Refused, TryLater) as refusal:
            sent, detail, sms_no = False, str(refusal), ""
        self.late_verdict(
            LateAnswer(
                line=self.settings.id,
                session=answer.session,
                telid=telid,
                sent=sent,
                detail=detail,
                sms_no=sms_no,
                at=self.clock.seconds(),
            )
        )

    def rough(self) -> None:
        """A datagram was lost or repeated on the way."""
        self._rough_until = self.clock.seconds() + ROUGH

    @property
    def linger(self) -> float:
        """Seconds to wait before DONE."""
        return LINGER if self.clock.seconds() < self._rough_until else 0.0

    def rest(self, seconds: float, reason: str) -> None:
        """Send nothing new by this line for a while."""
        self.last_error = reason
        self.log.warn(
            "Line {line} rests for {seconds} s: {reason}",
            line=self.settings.id,
            seconds=seconds,
            reason=reason,
        )
        if self._rest is None:
            self._rest = self.clock.callLater(seconds, self._rested)
        elif self._rest.getTime() < self.clock.seconds() + seconds:
            self._rest.reset(seconds)
        self.room_changed(self)

    def _rested(self) -> None:
        self._rest = None
        self.room_changed(self)

    def stop(self, reason: str) -> None:
        """Send nothing by this line until an operator acts."""
        if not self.stopped:
            self.log.error(
                "Line {line} is stopped: {reason}. Correct the settings and restart.",
                line=self.settings.id,
                reason=reason,
            )
            self.happened(self, "stopped", reason=reason)
        self.stopped = self.last_error = reason
        self.room_changed(self)

    def leave(self) -> None:
        """The gateway stops: let nothing tick on."""
        self._presence.forgotten()
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        for running in list(self._running.values()):
            running.cancel()

    # -- what pages show --

    @property
    def status(self) -> LineStatus:
        """How the line stands now."""
        facts = self.facts
        rest = {key: value for key, value in facts.items() if key not in _NAMED}
        return LineStatus(
            id=self.settings.id,
            pool=self.settings.pool,
            number=self.settings.number or facts.get("num", ""),
            presence=self.state,
            gsm=facts.get("gsm_status", ""),
            signal=_signal(facts.get("signal", "")),
            operator=facts.get("pro", ""),
            imei=facts.get("imei", ""),
            imsi=facts.get("imsi", ""),
            iccid=facts.get("iccid", ""),
            cell=facts.get("CELLINFO", ""),
            address="{}:{}".format(*self.address) if self.address else "",
            heard_at=self.heard_at,
            stopped=self.stopped,
            last_error=self.last_error,
            sessions=len(self.sessions),
            facts={**rest, **self.noted},
        )


def _signal(text: str) -> int | None:
    """0 to 31 on the scale of AT+CSQ; 99 and nothing are "not known"."""
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if int(text[:3]) <= 31 else None


def _stopped(failure: Failure) -> None:
    """The gateway stops in the middle of a session."""
    failure.trap(CancelledError)
