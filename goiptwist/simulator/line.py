"""One line of a simulated device: one UDP endpoint, one SIM."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from goiptwist.goip.frames import (
    DeliveryReport,
    DeviceAnswer,
    DevicePush,
    Keepalive,
    KeepaliveAnswer,
    MalformedDatagram,
    PushAcknowledgement,
    ReceivedSms,
    SessionDone,
    SessionOffer,
    SessionPassword,
    SessionSend,
    from_server,
)
from goiptwist.simulator.book import Book, PushOutcome, SettledSms, TransmittedSms
from goiptwist.simulator.carrier import Carrier
from goiptwist.simulator.dialogue import DeviceDialogue
from goiptwist.simulator.keepalives import KeepaliveTimer, SimCard, facts
from goiptwist.simulator.module import GsmModule
from goiptwist.simulator.pushes import PushQueue
from goiptwist.simulator.sessions import (
    AcceptedByNetwork,
    RefusedByNetwork,
    SessionNumber,
    SimulatedSession,
)
from goiptwist.simulator.settings import SimulatorSettings

#: The C{errorstatus} of an SMS that met no network (3GPP TS 27.005, +CMS ERROR).
NO_NETWORK_SERVICE = 331
#: An C{sms_no} is the TP-MR of the SMS, one byte (3GPP TS 23.040, 9.2.3.6).
SMS_NUMBERS = 256


def _nowhere(datagram: bytes) -> None:
    """What a line writes to before it is connected."""


@define(eq=False)
class SimulatedLine:
    """
    L{connect} it, give it what comes by L{datagram_received}, then L{start} it.

    @ivar name: the id that it registers with.
    @ivar password: what it registers with, and what the server must know.
    @ivar sim: its card and its place in the mobile network.
    @ivar silent: whether it neither receives nor sends, though it is on.
    @ivar running: whether its power is on.
    @ivar unread: how many datagrams of the server made no sense.
    @ivar status: the last C{status} with which a keepalive was answered.
    @ivar next_sms_no: the number of the next SMS that is sent.
    """

    name: str
    password: str = field(repr=False)
    sim: SimCard
    settings: SimulatorSettings = field(repr=False)
    _clock: IReactorTime = field(repr=False)
    _rng: random.Random = field(repr=False)
    _book: Book = field(repr=False)
    _carrier: Carrier = field(repr=False)
    silent: bool = False
    running: bool = field(default=False, init=False)
    _send: Callable[[bytes], None] = field(default=_nowhere, init=False, repr=False)
    unread: int = field(default=0, init=False)
    status: int | None = field(default=None, init=False)
    next_sms_no: int = field(default=0, init=False)
    _keepalives: KeepaliveTimer = field(init=False, repr=False)
    _pushes: PushQueue = field(init=False, repr=False)
    _module: GsmModule = field(init=False, repr=False)
    _dialogue: DeviceDialogue = field(init=False, repr=False)
    _booting: IDelayedCall | None = field(default=None, init=False, repr=False)
    #: Delivery reports that the mobile network still owes.
    _owed: set[IDelayedCall] = field(factory=set, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        clock, settings = self._clock, self.settings
        self._keepalives = KeepaliveTimer(clock, settings.keepalive, self._keep_alive)
        self._pushes = PushQueue(clock, self._emit, settings.insists)
        self._module = GsmModule(clock, self._rng, settings.pace)
        self._dialogue = DeviceDialogue(
            clock, settings, self.password, self.sim, self._module, self._say, self._transmit
        )

    @property
    def unsettled(self) -> int:
        """How many pushes still wait for an acknowledgement."""
        return self._pushes.waiting

    @property
    def open_sessions(self) -> int:
        """How many bulk sessions are open."""
        return self._dialogue.open_sessions

    @property
    def sending(self) -> bool:
        """Whether the module is busy with an SMS."""
        return self._module.busy

    def connect(self, send: Callable[[bytes], None]) -> None:
        """
        Put it on a network, or on another one.

        @param send: sends one datagram to the server.
        """
        self._send = send

    # The power switch.

    def start(self, after: float = 0.0) -> None:
        """
        Switch it on.

        @param after: seconds until the first keepalive.
        """
        self.running = True
        self._keepalives.start(after)

    def stop(self) -> None:
        """Switch it off for good: nothing is left ticking."""
        self._power_off()
        for call in self._owed:
            call.cancel()
        self._owed.clear()

    def reboot(self, takes: float = 0.0) -> None:
        """
        Lose every session, every waiting SMS and every unacknowledged push,
        and come up with new counters. Delivery reports that the mobile network
        still owes will come.

        @param takes: seconds that it is off.
        """
        self._power_off()
        if takes > 0:
            self._booting = self._clock.callLater(takes, self._boot)
        else:
            self._boot()

    def restart_counters(self, first_number: int | None = None) -> None:
        """
        Count keepalives from 1 again, and pushes from the clock or from what
        is given; a device that does not know the time has small numbers.
        """
        self._keepalives.forget_count()
        self._pushes.restart_numbers(first_number)

    def _power_off(self) -> None:
        self.running = False
        self.status = None
        if self._booting is not None:
            self._booting.cancel()
            self._booting = None
        self._keepalives.stop()
        self._dialogue.forget()
        self._module.forget()
        self._pushes.forget()

    def _boot(self) -> None:
        self._booting = None
        self.restart_counters()
        self.next_sms_no = 0
        self.start()

    # What comes from the mobile network.

    def receive_sms(self, sender: str, text: str, smsc: str = "") -> int:
        """
        An SMS comes in, and is offered to the server.

        @return: its receive id.
        """

        def make(number: int) -> ReceivedSms:
            return ReceivedSms(number, self.name, self.password, sender, text, smsc)

        number = self._pushes.next_number
        return self._pushes.offer(make, partial(self._handed_in, number, sender, text))

    def push(self, name: str, fields: Mapping[str, str]) -> int:
        """
        Tell the server something else: STATE, RECORD, REMAIN, EXPIRY, HANGUP,
        USSN, CELLINFO, BCCH, CELLS, CGATT, or a name that nobody knows.

        @return: its number.
        """
        return self._pushes.offer(
            lambda number: DevicePush(name, number, self.name, self.password, fields)
        )

    def _handed_in(self, number: int, sender: str, text: str, outcome: PushOutcome) -> None:
        now = self._clock.seconds()
        self._book.enter(SettledSms(self.name, number, sender, text, outcome, now))

    # What comes from the server.

    def datagram_received(self, datagram: bytes) -> None:
        """Take what the server sent."""
        if self.silent or not self.running:
            return
        try:
            frame = from_server(datagram)
        except MalformedDatagram:
            self.unread += 1
            return
        if isinstance(frame, KeepaliveAnswer):
            self.status = frame.status  # a real device does nothing with it either
        elif isinstance(frame, PushAcknowledgement):
            self._pushes.answered(frame)
        elif isinstance(frame, SessionOffer | SessionPassword | SessionSend | SessionDone):
            self._dialogue.receive(frame)
        else:
            self.unread += 1

    def _keep_alive(self, count: int) -> None:
        fields = facts(self.settings.generation, self.sim, self.status is not None)
        self._emit(Keepalive(count, self.name, self.password, fields).format())

    def _say(self, answer: DeviceAnswer) -> None:
        self._emit(answer.format())

    def _emit(self, datagram: bytes) -> None:
        if self.running and not self.silent:
            self._send(datagram)

    # What goes to the mobile network.

    def _transmit(
        self, session: SimulatedSession, submission: SessionNumber
    ) -> AcceptedByNetwork | RefusedByNetwork:
        if not self.sim.logged_in:
            return RefusedByNetwork(NO_NETWORK_SERVICE)
        code = self._carrier.refusal(submission.recipient)
        if code is not None:
            return RefusedByNetwork(code)
        return AcceptedByNetwork(self._book_sent(session, submission))

    def _book_sent(self, session: SimulatedSession, submission: SessionNumber) -> int | None:
        recipient, now = submission.recipient, self._clock.seconds()
        sms_no = self._take_sms_no(recipient) if self.settings.numbered else None
        self._book.enter(
            TransmittedSms(
                self.name, recipient, session.text, session.id, submission.telid, sms_no, now
            )
        )
        return sms_no

    def _take_sms_no(self, recipient: str) -> int:
        sms_no = self.next_sms_no
        self.next_sms_no = (sms_no + 1) % SMS_NUMBERS
        if self.settings.reports:
            self._owe_report(sms_no, recipient)
        return sms_no

    def _owe_report(self, sms_no: int, recipient: str) -> None:
        def arrive() -> None:
            self._owed.discard(call)
            self._report(sms_no, recipient)

        call = self._clock.callLater(self._rng.uniform(*self.settings.report_after), arrive)
        self._owed.add(call)

    def _report(self, sms_no: int, recipient: str) -> None:
        if not self.running:
            return
        state = self._carrier.report_state(recipient)
        self._pushes.offer(
            lambda number: DeliveryReport(
                number, self.name, self.password, str(sms_no), state, recipient
            )
        )
