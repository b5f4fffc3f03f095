"""
One line of a device: its presence, its facts, and the sessions open on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from goiptwist.device_interfaces import ITransmissionJournal
from goiptwist.errors import Refused, StoreUnavailable, TryLater
from goiptwist.goip.frames import DeviceAnswer, Keepalive
from goiptwist.goip.presence import LinePresence, presence_of
from goiptwist.goip.sending import BulkSession, telid_of, verdict_of
from goiptwist.goip.session_numbers import SessionNumbers
from goiptwist.goip.settings import LineSettings
from goiptwist.goip.subscribers import Subscribers
from goiptwist.goip.transport import Address, DatagramSender
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.model.status import LineStatus
from goiptwist.model.transmissions import LateAnswer, Transmission

#: Seconds for which a path that lost or repeated a datagram is not trusted.
UNRELIABLE_PERIOD = 600.0
#: Seconds for which a session stays open, on such a path, after its last
#: verdict: longer than a datagram is late.
CLOSE_DELAY = 10.0

#: What a keepalive calls the things that have a place of their own.
_NAMED = frozenset({"num", "signal", "gsm_status", "pro", "imei", "imsi", "iccid", "CELLINFO"})


@define(eq=False, repr=False)
class SessionSlot:
    """
    Room for one session on a line, from when it is borrowed until the session
    has ended. Leaving it as a context gives it back.
    """

    line: GoipLine
    _held: bool = field(default=True, init=False)

    def release(self) -> None:
        """Give it back; a second time does nothing."""
        if self._held:
            self._held = False
            self.line._slot_returned()

    def __enter__(self) -> None:
        """It is held already."""

    def __exit__(self, *exc_info: object) -> None:
        """However the session ended."""
        self.release()


@define(eq=False, repr=False)
class GoipLine:
    """
    @ivar capacity: hears of each change after which the line may be able to
        take more or less.
    @ivar events: hears what became of the line (C{present}, C{lost},
        C{stopped}), and more about it.
    @ivar pushed_facts: those that the device pushed outside its keepalives.
    @ivar proven_from: the host that last came with the right password; or empty.
    @ivar stopped: why nothing is sent by it until an operator acts; or empty.
    """

    settings: LineSettings
    clock: IReactorTime
    journal: ITransmissionJournal
    numbers: SessionNumbers
    sender: DatagramSender
    capacity: Subscribers[GoipLine] = field(factory=Subscribers, init=False)
    events: Subscribers[GoipLine, str, Mapping[str, str]] = field(factory=Subscribers, init=False)
    address: Address | None = field(default=None, init=False)
    heard_at: float | None = field(default=None, init=False)
    facts: Mapping[str, str] = field(factory=dict, init=False)
    pushed_facts: dict[str, str] = field(factory=dict, init=False)
    state: str = field(default="unheard", init=False)
    proven_from: str = field(default="", init=False)
    stopped: str = field(default="", init=False)
    last_error: str = field(default="", init=False)
    sessions: dict[int, BulkSession] = field(factory=dict, init=False)
    _running: dict[int, Deferred[None]] = field(factory=dict, init=False)
    _slots_held: int = field(default=0, init=False)
    _unreliable_until: float = field(default=0.0, init=False)
    _presence: LinePresence = field(init=False)
    _keepalive_count: int = field(default=0, init=False)
    _pause: IDelayedCall | None = field(default=None, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._presence = presence_of(self.settings.id, self.clock, self)

    # -- what the device reports --

    def keepalive(self, frame: Keepalive, address: Address) -> bool:
        """
        The line is there, and this is how it stands.

        @return: whether any of its facts has changed.
        """
        had_room = self.has_room
        if address != self.address:
            self._moved(address)
        if frame.count < self._keepalive_count:
            self.log.info("Line {line} counts anew: it was restarted", line=self.settings.id)
        self._keepalive_count = frame.count
        self.heard_at = self.clock.seconds()
        changed = frame.facts != self.facts
        if changed:
            self.facts = frame.facts
        self._presence.heard()
        if self.has_room != had_room:
            self.capacity.notify(self)
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

    def presence_changed(self, state: str) -> None:
        """See L{goiptwist.goip.presence.PresenceObserver}."""
        self.state = state
        self.events.notify(self, state, {})
        self.capacity.notify(self)

    # -- room for sessions --

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
            and self._pause is None
            and not self.logged_out
            and self._slots_held < self.settings.sessions
        )

    def borrow(self) -> SessionSlot:
        """Hold room for one more session; L{has_room} must be true."""
        self._slots_held += 1
        self.capacity.notify(self)
        return SessionSlot(self)

    def _slot_returned(self) -> None:
        self._slots_held -= 1
        self.capacity.notify(self)

    # -- sending --

    async def open(
        self, slot: SessionSlot, message: Message
    ) -> tuple[BulkSession, Deferred[Delivered]]:
        """
        Begin a session with this message as its first number.

        @param slot: the session holds it from now on; it stays with the
            caller if this raises.
        @raise TryLater: there are no session numbers, for want of a store.
        """
        try:
            number = await self.numbers.take()
        except StoreUnavailable as error:
            raise TryLater(str(error), after=1.0, attempted=False) from None
        session = BulkSession(number, message.text, message.batch, self)
        result = session.join(message)
        self.sessions[number] = session
        running = self._running[number] = Deferred.fromCoroutine(self._run(session, slot))
        running.addErrback(_stopped)
        running.addBoth(self._ended, number)
        return session, result

    def _ended(self, result: None, number: int) -> None:
        del self._running[number]

    async def _run(self, session: BulkSession, slot: SessionSlot) -> None:
        with slot:
            try:
                await session.run()
            finally:
                del self.sessions[session.number]

    def answered(self, answer: DeviceAnswer) -> None:
        """The device said something in a session."""
        session = self.sessions.get(answer.session)
        if session is not None:
            session.received(answer)
        else:
            self.late_answer(answer)

    # -- what a session asks of its line --

    def write(self, datagram: bytes) -> None:
        """Send one datagram to where the device was heard last."""
        if self.address is not None:
            self.sender.write(datagram, self.address)

    def record(self, transmission: Transmission) -> Deferred[None]:
        """Commit what is about to leave."""
        return self.journal.record(transmission)

    def late_answer(self, answer: DeviceAnswer) -> None:
        """A verdict that nobody waits for; it may settle what was unknown."""
        telid = telid_of(answer)
        if telid is None or answer.verb == "WAIT":
            return
        try:
            delivered = verdict_of(answer, self.settings.id)
            sent, detail, sms_no = True, "OK, late", delivered.sms_no
        except (Refused, TryLater) as refusal:
            sent, detail, sms_no = False, str(refusal), ""
        self.journal.record_late_answer(
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

    def path_unreliable(self) -> None:
        """A datagram was lost or repeated on the way."""
        self._unreliable_until = self.clock.seconds() + UNRELIABLE_PERIOD

    @property
    def close_delay(self) -> float:
        """Seconds to wait before DONE."""
        return CLOSE_DELAY if self.clock.seconds() < self._unreliable_until else 0.0

    def pause(self, seconds: float, reason: str) -> None:
        """Send nothing new by this line for a while."""
        self.last_error = reason
        self.log.warn(
            "Line {line} pauses for {seconds} s: {reason}",
            line=self.settings.id,
            seconds=seconds,
            reason=reason,
        )
        if self._pause is None:
            self._pause = self.clock.callLater(seconds, self._resumed)
        elif self._pause.getTime() < self.clock.seconds() + seconds:
            self._pause.reset(seconds)
        self.capacity.notify(self)

    def _resumed(self) -> None:
        self._pause = None
        self.capacity.notify(self)

    def stop(self, reason: str) -> None:
        """Send nothing by this line until an operator acts."""
        if not self.stopped:
            self.log.error(
                "Line {line} is stopped: {reason}. Correct the settings and restart.",
                line=self.settings.id,
                reason=reason,
            )
            self.events.notify(self, "stopped", {"reason": reason})
        self.stopped = self.last_error = reason
        self.capacity.notify(self)

    def shut_down(self) -> None:
        """The gateway stops: let nothing tick on."""
        self._presence.forgotten()
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
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
            facts={**rest, **self.pushed_facts},
        )


def _signal(text: str) -> int | None:
    """0 to 31 on the scale of AT+CSQ; 99 and nothing are "not known"."""
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if int(text[:3]) <= 31 else None


def _stopped(failure: Failure) -> None:
    """The gateway stops in the middle of a session."""
    failure.trap(CancelledError)
