"""
L{CallBridge}: an alarm, reported to a monitoring station by a telephone call.
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
from goiptwist.interfaces import IBridge, IChecksItself, IGateway
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
    @ivar circuit_breaker: an absent station costs each event an attempt, which its
        journey then shows, and no event waits for another's.
    """

    section: str
    settings: CallSettings
    gateway: IGateway
    at_once: int = field(init=False)
    circuit_breaker: bool = False
    _transport: SipUdpTransport | SipTcpTransport | None = field(default=None, init=False)
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
        event, digits = _frame_of(message)
        done: Deferred[str] = Deferred()
        frame = PendingFrame(digits, done.callback)
        call = self._call_for(frame)
        try:
            reason = await done
            if reason:
                raise call.failure or TryLater(f"{reason} ({call.name})")
        except GoipTwistError as error:
            if getattr(error, "attempted", True):  # of absence the queue tells, once
                self.log.warn(
                    "Bridge {destination} did not hand over {message_id}: {reason}",
                    destination=self.section,
                    message_id=message.id,
                    reason=str(error),
                )
            raise
        words = f"contact ID send successful. {event.log_words}"
        self._log(words)
        return Delivered(detail=f"kissoff from {call.name}: {words}")

    def _log(self, step: str) -> None:
        self.log.info("Bridge {destination}: {step}", destination=self.section, step=step)

    def _call_for(self, frame: PendingFrame) -> AlarmCall:
        """A new call, or when there are enough, the one with the least to do."""
        open_ones = [call for call in self._calls if not call.over]
        if len(open_ones) >= self.settings.calls:
            call = min(open_ones, key=lambda one: one.pending)
            call.add(frame)
            return call
        call = AlarmCall(
            self.gateway.reactor, self.gateway.clock, self.settings, self._open_agent, self._log
        )
        self._calls.append(call)
        call.add(frame)
        ensureDeferred(self._run(call))
        return call

    async def _run(self, call: AlarmCall) -> None:
        try:
            await call.run()
        finally:
            self._calls.remove(call)

    # -- our side of SIP --

    async def _open_agent(self) -> UserAgent:
        """
        Our side of SIP, with an open transport to the other side.

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
        moved = self._transport is not None and self._transport.peer != peer
        if self._transport is None or (moved and len(self._calls) <= 1):
            await self._closed()
            received = self._received
            tcp = settings.uri.transport == "TCP"
            self._transport = (
                SipTcpTransport(peer, received, self._lost)
                if tcp
                else SipUdpTransport(peer, received)
            )
        local_setting = settings.local
        our_host = own_address(peer) if local_setting.host in ANY else local_setting.host
        try:
            our_port = await self._transport.open(reactor, our_host, local_setting.port)
        except CannotListenError as error:
            raise Away(f"SIP cannot be spoken from {local_setting}: {error.socketError}") from None
        local = LocalAddress(
            self._transport.name, our_host, our_port, settings.username or messages.AGENT
        )
        if self._agent is None:
            password = settings.password.clear if settings.password else ""
            account = SipAccount(settings.username, password) if settings.username else None
            self._agent = UserAgent(
                self.gateway.clock, self._transport.write, local, account=account
            )
        self._agent.local, self._agent.peer = local, peer[0]
        return self._agent

    def _received(self, datagram: bytes, reply_by: Any = None) -> None:
        if self._agent is not None:
            self._agent.received(datagram, reply_by)

    def _lost(self) -> None:
        if self._agent is not None:
            self._agent.lost()

    async def _closed(self) -> None:
        agent, self._agent = self._agent, None
        if agent is not None:
            agent.stop()
        transport, self._transport = self._transport, None
        if transport is not None:
            await maybeDeferred(transport.close)

    # -- the whole --

    def _registering(self) -> SipRegistration:
        uri = self.settings.uri
        registrar = URI("sip", uri.host, port=uri.port)
        ours = URI("sip", uri.host, self.settings.username, port=uri.port)
        return SipRegistration(self.gateway.clock, self.section, self._open_agent, registrar, ours)

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
            agent = await self._open_agent()
            dialog = SipDialog.new(agent.local, URI.parse(uri.text), agent.local.contact.uri)
            answer = await agent.ask(dialog, dialog.request("OPTIONS"), CHECKING)
        finally:
            if not self.running:
                await self._closed()
        if answer.code in (401, 403, 407):
            raise error_for(answer, f"SIP OPTIONS to {uri.host}", agent.account is not None)
        who = answer.headers.get("Server") or answer.headers.get("User-Agent") or uri.host
        return f"{who[:60]} answered {status_of(answer)} to SIP OPTIONS"

    def startService(self) -> None:
        """Register, if the settings ask for it; calls need nothing."""
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
        raise Refused("only alarms can be reported by a Contact ID call, and this is none")
    try:
        event = Event.from_machine(message.alarm)
        return event, notation.digits(event)
    except Unacceptable as error:
        raise Refused(str(error)) from None
