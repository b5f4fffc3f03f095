"""
L{Dc09Bridge}: alarms to a monitoring station over IP.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.bridges.dc09 import frames, links
from goiptwist.bridges.dc09.frames import Frame
from goiptwist.bridges.dc09.sequences import Sequences
from goiptwist.bridges.dc09.settings import Dc09Settings
from goiptwist.bridges.dc09.station import NotAccepted, Station, Stopping
from goiptwist.config.values import HostPort
from goiptwist.contact_id.event import Event
from goiptwist.errors import GoipTwistError, Refused, TryLater, Unacceptable
from goiptwist.interfaces import IBridge, IChecksItself, IReportsOutage
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
    @ivar opens: makes a way to a receiver; for tests.
    """

    section: str
    settings: Dc09Settings
    gateway: Any
    opens: Any = None
    #: See L{goiptwist.interfaces.IBridge}: events queue here for the one connection,
    #: and the next way must have its turn when this one is away.
    at_once = 50
    rests = False
    _stations: list[Station] = field(init=False)
    _sequences: Sequences = field(init=False)
    _troubles: dict[str, str] = field(factory=dict, init=False)
    _supervision: LoopingCall | None = field(default=None, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        places = [self.settings.receiver, self.settings.backup]
        self._stations = [self._station(place) for place in places if place is not None]
        self._sequences = Sequences(self.gateway, f"dc09 {self.section} sequence")

    def _station(self, place: HostPort) -> Station:
        settings = self.settings
        return Station(
            place=place,
            clock=self.gateway.clock,
            opens=lambda listener: (self.opens or self._open)(place, listener),
            key=None if settings.key is None else settings.key.clear,
            timeout=settings.timeout,
            tries=settings.tries,
            plain_ack=settings.plain_ack,
        )

    def _open(self, place: HostPort, listener: links.Listener) -> Deferred[links.Link]:
        reactor = self.gateway.reactor
        if self.settings.transport == "udp":
            return ensureDeferred(links.bound(reactor, place, listener))
        return ensureDeferred(links.connected(reactor, place, self.settings.timeout, listener))

    @property
    def outage(self) -> str:
        """What is wrong with the receivers, in words; or empty."""
        return "; ".join(trouble for trouble in self._troubles.values() if trouble)

    async def deliver(self, message: Message) -> Delivered:
        """
        See L{IBridge}.

        @raise Refused: it carries no alarm, or the receiver said DUH.
        @raise TryLater: no receiver took it. It counts as an attempt, so that
            a chain goes on to its next way.
        """
        event = _event_of(message)
        sequence = await self._sequences.of(message.id)
        account = self.settings.account or event.account
        data = frames.data_of(event, account)
        frame = self._frame(frames.CONTACT_ID, sequence, account, data)
        reasons = []
        for station in self._stations:
            self.log.info(
                "Bridge {bridge} reports to {peer}: {words}",
                bridge=self.section,
                peer=str(station.place),
                words=event.log_words,
            )
            try:
                await station.ask(frame)
            except Stopping:
                raise
            except TryLater as trouble:
                self._noted(station, str(trouble))
                reasons.append(str(trouble))
                continue
            self._noted(station, "")
            detail = f"ACK from {station.place}, sequence {sequence}"
            self.log.info(
                "Bridge {bridge} reported {message_id}: {detail}. {words}",
                bridge=self.section,
                message_id=message.id,
                detail=detail,
                words=event.log_words,
            )
            return Delivered(detail=detail)
        raise TryLater("; ".join(reasons))

    async def check(self) -> str:
        """
        Test the link to each receiver.

        @return: what they said.
        @raise GoipTwistError: what is wrong.
        """
        said = [f"{place.place}: {await self._tested(place)}" for place in self._stations]
        return f"a link test was answered: {', '.join(said)}"

    async def _tested(self, station: Station) -> str:
        try:
            await station.ask(self._link_test())
        except NotAccepted:
            if self.settings.account:
                raise
            # It is there; and why should it know an account of nobody?
            return f"NAK to account {NO_ACCOUNT}; with an account set, the test would say more"
        return "ACK"

    def _link_test(self) -> Frame:
        account = self.settings.account or NO_ACCOUNT
        return self._frame(frames.LINK_TEST, "0000", account, "")

    def _frame(self, name: str, sequence: str, account: str, data: str) -> Frame:
        settings = self.settings
        return Frame(
            name=name,
            sequence=sequence,
            receiver=settings.receiver_number,
            line=settings.line_number,
            account=account.upper(),
            data=data.upper(),
        )

    async def _supervise(self) -> None:
        for station in self._stations:
            try:
                await self._tested(station)
            except Stopping:
                return
            except GoipTwistError as trouble:
                self._noted(station, str(trouble))
            except Exception:
                # A bug must not end the supervision unnoticed.
                self.log.failure("A link test of {bridge} broke", bridge=self.section)
                self._noted(station, f"the link test of {station.place} broke, see the log")
            else:
                self._noted(station, "")

    def _noted(self, station: Station, trouble: str) -> None:
        """A trouble is logged when it begins, and when it has ended."""
        place = str(station.place)
        before, self._troubles[place] = self._troubles.get(place, ""), trouble
        if trouble and not before:
            self.log.warn(
                "Bridge {bridge}: no alarm can be reported to {peer} now: {reason}",
                bridge=self.section,
                peer=place,
                reason=trouble,
            )
        elif before and not trouble:
            self.log.info(
                "Bridge {bridge}: alarms can be reported to {peer} again",
                bridge=self.section,
                peer=place,
            )

    def startService(self) -> None:
        """Begin to supervise the link."""
        super().startService()
        for station in self._stations:
            station.open()
        if self.settings.supervise:
            self._supervision = LoopingCall(lambda: ensureDeferred(self._supervise()))
            self._supervision.clock = self.gateway.clock
            self._supervision.start(self.settings.supervise)

    def stopService(self) -> Any:
        """Part; alarms under way come again after the start."""
        stopped = super().stopService()
        if self._supervision is not None and self._supervision.running:
            self._supervision.stop()
        for station in self._stations:
            station.close()
        return stopped


def _event_of(message: Message) -> Event:
    if not message.alarm:
        raise Refused("this message carries no Contact ID alarm")
    try:
        return Event.from_machine(message.alarm)
    except Unacceptable as wrong:
        raise Refused(str(wrong)) from None
