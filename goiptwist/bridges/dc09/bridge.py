"""
L{Dc09Bridge}: alarms to a monitoring station over IP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.bridges.dc09 import frames, transports
from goiptwist.bridges.dc09.client import GatewayStops, NotAccepted, ReceiverClient
from goiptwist.bridges.dc09.frames import Dc09Frame
from goiptwist.bridges.dc09.sequences import SequenceNumbers
from goiptwist.bridges.dc09.settings import Dc09Settings
from goiptwist.bridges.dc09.transports import FrameListener, FrameTransport
from goiptwist.config.values import HostPort
from goiptwist.contact_id.event import Event
from goiptwist.errors import GoipTwistError, Refused, TryLater, Unacceptable
from goiptwist.interfaces import IBridge, IChecksItself, IGateway, IReportsOutage
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message

#: The account of a link test where alarms have each their own.
NO_ACCOUNT = "0000"


@implementer(IBridge, IChecksItself, IReportsOutage)
@define(eq=False, repr=False, slots=False)
class Dc09Bridge(Service):
    """
    Each delivery is one frame and its ACK. If the ACK is lost, the same
    sequence number comes again.

    @ivar section: the name of the section, for the log.
    @ivar open_transport: connects to a receiver; for tests.
    """

    section: str
    settings: Dc09Settings
    gateway: IGateway
    open_transport: Callable[[HostPort, FrameListener], Deferred[Any]] | None = None
    #: See L{goiptwist.interfaces.IBridge}: events queue here for the one connection,
    #: and the next destination of the route must have its turn when this one is away.
    at_once = 50
    circuit_breaker = False
    _receivers: list[ReceiverClient] = field(init=False)
    _sequences: SequenceNumbers = field(init=False)
    _outages: dict[str, str] = field(factory=dict, init=False)
    _supervision: LoopingCall | None = field(default=None, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        addresses = [self.settings.receiver, self.settings.backup]
        self._receivers = [self._client(address) for address in addresses if address is not None]
        self._sequences = SequenceNumbers(self.gateway.memory)

    def _client(self, address: HostPort) -> ReceiverClient:
        settings = self.settings
        return ReceiverClient(
            address=address,
            clock=self.gateway.clock,
            open_transport=lambda listener: (self.open_transport or self._open)(address, listener),
            key=None if settings.key is None else settings.key.clear,
            timeout=settings.timeout,
            tries=settings.tries,
            plain_ack=settings.plain_ack,
        )

    def _open(self, address: HostPort, listener: FrameListener) -> Deferred[FrameTransport]:
        reactor = self.gateway.reactor
        if self.settings.transport == "udp":
            return ensureDeferred(transports.bound(reactor, address, listener))
        return ensureDeferred(
            transports.connected(reactor, address, self.settings.timeout, listener)
        )

    @property
    def outage(self) -> str:
        """What is wrong with the receivers, in words; or empty."""
        return "; ".join(outage for outage in self._outages.values() if outage)

    async def deliver(self, message: Message) -> Delivered:
        """
        See L{IBridge}.

        @raise Refused: it carries no alarm, or the receiver answers DUH.
        @raise TryLater: no receiver took it. It counts as an attempt, so that
            a chain goes on to its next step.
        """
        event = _event_of(message)
        sequence = await self._sequences.of(message.id)
        account = self.settings.account or event.account
        data = frames.data_of(event, account)
        frame = self._frame(frames.CONTACT_ID, sequence, account, data)
        reasons = []
        for receiver in self._receivers:
            self.log.info(
                "Bridge {destination} reports to {peer}: {event}",
                destination=self.section,
                peer=str(receiver.address),
                event=event.log_words,
            )
            try:
                await receiver.ask(frame)
            except GatewayStops:
                raise
            except TryLater as error:
                self._note_outage(receiver, str(error))
                reasons.append(str(error))
                continue
            self._note_outage(receiver, "")
            detail = f"ACK from {receiver.address}, sequence {sequence}"
            self.log.info(
                "Bridge {destination} reported {message_id}: {answer}. {event}",
                destination=self.section,
                message_id=message.id,
                answer=detail,
                event=event.log_words,
            )
            return Delivered(detail=detail)
        raise TryLater("; ".join(reasons))

    async def check(self) -> str:
        """
        Test the link to each receiver.

        @return: what they answered.
        @raise GoipTwistError: what is wrong.
        """
        answers = [
            f"{receiver.address}: {await self._tested(receiver)}" for receiver in self._receivers
        ]
        return f"a link test was answered: {', '.join(answers)}"

    async def _tested(self, receiver: ReceiverClient) -> str:
        try:
            await receiver.ask(self._link_test())
        except NotAccepted:
            if self.settings.account:
                raise
            # It is there; it has no reason to know an account of nobody.
            return f"NAK to account {NO_ACCOUNT}; with an account set, the test would say more"
        return "ACK"

    def _link_test(self) -> Dc09Frame:
        account = self.settings.account or NO_ACCOUNT
        return self._frame(frames.LINK_TEST, "0000", account, "")

    def _frame(self, name: str, sequence: str, account: str, data: str) -> Dc09Frame:
        settings = self.settings
        return Dc09Frame(
            name=name,
            sequence=sequence,
            receiver=settings.receiver_number,
            line=settings.line_number,
            account=account.upper(),
            data=data.upper(),
        )

    async def _supervise(self) -> None:
        for receiver in self._receivers:
            try:
                await self._tested(receiver)
            except GatewayStops:
                return
            except GoipTwistError as error:
                self._note_outage(receiver, str(error))
            except Exception:
                # A bug must not end the supervision unnoticed.
                self.log.failure("A link test of {destination} broke", destination=self.section)
                self._note_outage(
                    receiver, f"the link test of {receiver.address} broke, see the log"
                )
            else:
                self._note_outage(receiver, "")

    def _note_outage(self, receiver: ReceiverClient, outage: str) -> None:
        """An outage is logged when it begins, and when it has ended."""
        address = str(receiver.address)
        before, self._outages[address] = self._outages.get(address, ""), outage
        if outage and not before:
            self.log.warn(
                "Bridge {destination}: no alarm can be reported to {peer} now: {reason}",
                destination=self.section,
                peer=address,
                reason=outage,
            )
        elif before and not outage:
            self.log.info(
                "Bridge {destination}: alarms can be reported to {peer} again",
                destination=self.section,
                peer=address,
            )

    def startService(self) -> None:
        """Begin to supervise the link."""
        super().startService()
        for receiver in self._receivers:
            receiver.open()
        if self.settings.supervise:
            self._supervision = LoopingCall(lambda: ensureDeferred(self._supervise()))
            self._supervision.clock = self.gateway.clock
            self._supervision.start(self.settings.supervise)

    def stopService(self) -> Any:
        """Disconnect; alarms under way come again after the start."""
        stopped = super().stopService()
        if self._supervision is not None and self._supervision.running:
            self._supervision.stop()
        for receiver in self._receivers:
            receiver.close()
        return stopped


def _event_of(message: Message) -> Event:
    if not message.alarm:
        raise Refused("this message carries no Contact ID alarm")
    try:
        return Event.from_machine(message.alarm)
    except Unacceptable as error:
        raise Refused(str(error)) from None
