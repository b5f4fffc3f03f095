"""
L{CallBridge}: an alarm, told to a monitoring station on a telephone call.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from sipmessage import URI
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.bridges.call.alarm_call import AlarmCall
from goiptwist.bridges.call.dialogue import PendingFrame
from goiptwist.bridges.call.settings import SIP_PORT, CallSettings
from goiptwist.bridges.call.sip import messages
from goiptwist.bridges.call.sip.agent import UserAgent
from goiptwist.bridges.call.sip.digest import SipAccount
from goiptwist.bridges.call.sip.failures import error_for, status_of
from goiptwist.bridges.call.sip.messages import LocalAddress, SipDialog
from goiptwist.bridges.call.sip.registration import SipRegistration
from goiptwist.bridges.call.sip.transports import (
    SipTcpTransport,
    SipUdpTransport,
    address_of,
    own_address,
)
from goiptwist.contact_id import notation
from goiptwist.contact_id.event import Event
from goiptwist.errors import Away, GoipTwistError, Refused, TryLater, Unacceptable
from goiptwist.interfaces import IBridge, IChecksItself
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message

#: Addresses that stand for every address of this machine.
ANY = frozenset({"0.0.0.0", "::", ""})  # noqa: S104
#: Seconds that C{--check-config} waits for an answer.
CHECKING = 8.0


@implementer(IBridge, IChecksItself)
@define(eq=False, repr=False, slots=False)
class CallBridge(Service):
    """
    An event is delivered when its kissoff has ended, and by nothing else.

    @ivar section: the name of the section, for the log.
    @ivar gateway: gives the time and the reactor.
    @ivar at_once: how many events may be in hand.
    @ivar rests: an absent station costs each event an attempt, which its
        journey then shows, and no event waits for another's.
    """

    section: str
    settings: CallSettings
    gateway: Any
    at_once: int = field(init=False)
    rests: bool = False
    _way: SipUdpTransport | SipTcpTransport | None = field(default=None, init=False)
    _agent: UserAgent | None = field(default=None, init=False)
    _opening: DeferredLock = field(factory=DeferredLock, init=False)
    _registration: SipRegistration | None = field(default=None, init=False)
    _calls: list[AlarmCall] = field(factory=list, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.at_once = self.settings.calls * self.settings.events_per_call

    # -- one event --

    async def deliver(self, message: Message) -> Delivered:
        """See L{IBridge}."""
        event, frame = _frame_of(message)
        done: Deferred[str] = Deferred()
        errand = PendingFrame(frame, done.callback)
        call = self._call_for(errand)
        try:
            why = await done
            if why:
                raise call.failure or TryLater(f"{why} ({call.name})")
        except GoipTwistError as wrong:
            if getattr(wrong, "attempted", True):  # of absence the queue tells, once
                self.log.warn(
                    "Bridge {bridge} did not hand over {message_id}: {reason}",
                    bridge=self.section,
                    message_id=message.id,
                    reason=str(wrong),
                )
            raise
        words = f"contact ID send successful. {event.log_words}"
        self._tell(words)
        return Delivered(detail=f"kissoff from {call.name}: {words}")

    def _tell(self, words: str) -> None:
        self.log.info("Bridge {bridge}: {words}", bridge=self.section, words=words)

    def _call_for(self, errand: PendingFrame) -> AlarmCall:
        """A new call, or when there are enough, the one with the least to do."""
        open_ones = [call for call in self._calls if not call.over]
        if len(open_ones) >= self.settings.calls:
            call = min(open_ones, key=lambda one: one.waiting)
            call.add(errand)
            return call
        call = AlarmCall(
            self.gateway.reactor, self.gateway.clock, self.settings, self._opened, self._tell
        )
        self._calls.append(call)
        call.add(errand)
        ensureDeferred(self._run(call))
        return call

    async def _run(self, call: AlarmCall) -> None:
        try:
            await call.run()
        finally:
            self._calls.remove(call)

    # -- our side of SIP --

    async def _opened(self) -> UserAgent:
        """
        Our side of SIP, with a way to the other.

        @raise Away: there is none.
        """
        await self._opening.acquire()
        try:
            return await self._open()
        finally:
            self._opening.release()

    async def _open(self) -> UserAgent:
        settings, reactor = self.settings, self.gateway.reactor
        place = settings.proxy
        host, port = (place.host, place.port) if place else (settings.uri.host, settings.uri.port)
        peer = (await address_of(reactor, host), port or SIP_PORT)
        moved = self._way is not None and self._way.peer != peer
        if self._way is None or (moved and len(self._calls) <= 1):
            await self._closed()
            received = self._received
            tcp = settings.uri.transport == "TCP"
            self._way = (
                SipTcpTransport(peer, received, self._lost)
                if tcp
                else SipUdpTransport(peer, received)
            )
        wanted = settings.local
        shown = own_address(peer) if wanted.host in ANY else wanted.host
        try:
            ours = await self._way.open(reactor, shown, wanted.port)
        except CannotListenError as wrong:
            raise Away(f"SIP cannot be spoken from {wanted}: {wrong.socketError}") from None
        local = LocalAddress(self._way.name, shown, ours, settings.username or messages.AGENT)
        if self._agent is None:
            password = settings.password.clear if settings.password else ""
            account = SipAccount(settings.username, password) if settings.username else None
            self._agent = UserAgent(self.gateway.clock, self._way.write, local, account=account)
        self._agent.local, self._agent.peer = local, peer[0]
        return self._agent

    def _received(self, datagram: bytes, answer_by: Any = None) -> None:
        if self._agent is not None:
            self._agent.received(datagram, answer_by)

    def _lost(self) -> None:
        if self._agent is not None:
            self._agent.lost()

    async def _closed(self) -> None:
        agent, self._agent = self._agent, None
        if agent is not None:
            agent.stop()
        way, self._way = self._way, None
        if way is not None:
            await maybeDeferred(way.close)

    # -- the whole --

    def _registering(self) -> SipRegistration:
        uri = self.settings.uri
        registrar = URI("sip", uri.host, port=uri.port)
        ours = URI("sip", uri.host, self.settings.username, port=uri.port)
        return SipRegistration(self.gateway.clock, self.section, self._opened, registrar, ours)

    async def check(self) -> str:
        """
        Register, or ask with OPTIONS whether anybody is there.

        @return: what answered.
        @raise GoipTwistError: what is wrong.
        """
        uri = self.settings.uri
        try:
            if self.settings.register:
                seconds = await self._registering().register()
                return f"registered at {uri.host} for {seconds:g} seconds"
            agent = await self._opened()
            course = SipDialog.new(agent.local, URI.parse(uri.text), agent.local.contact.uri)
            answer = await agent.ask(course, course.request("OPTIONS"), CHECKING)
        finally:
            if not self.running:
                await self._closed()
        if answer.code in (401, 403, 407):
            raise error_for(answer, f"SIP OPTIONS to {uri.host}", agent.account is not None)
        who = answer.headers.get("Server") or answer.headers.get("User-Agent") or uri.host
        return f"{who[:60]} answered {status_of(answer)} to SIP OPTIONS"

    def startService(self) -> None:
        """Register, if that is wanted; calls need nothing."""
        super().startService()
        if self.settings.register:
            self._registration = self._registering()
            self._registration.start()

    def stopService(self) -> Deferred[Any]:
        """Hang up; what had no kissoff stays in the queue."""
        super().stopService()
        if self._registration is not None:
            self._registration.stop()
        return ensureDeferred(self._stopped())

    async def _stopped(self) -> None:
        for call in list(self._calls):
            await call.stop()
        await self._closed()


def _frame_of(message: Message) -> tuple[Event, str]:
    """@raise Refused: it is no alarm, or none that tones can carry."""
    if not message.alarm:
        raise Refused("only alarms can be told by a Contact ID call, and this is none")
    try:
        event = Event.from_machine(message.alarm)
        return event, notation.digits(event)
    except Unacceptable as wrong:
        raise Refused(str(wrong)) from None
