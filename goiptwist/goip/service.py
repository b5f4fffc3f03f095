"""
The socket: one UDP port that all devices talk to, and that everything leaves
from. A device behind NAT is only reached this way.
"""

from __future__ import annotations

import socket
from collections.abc import Coroutine
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.config.values import HostPort
from goiptwist.device_interfaces import IKeepsState, IPools
from goiptwist.errors import BadConfiguration, StoreUnavailable
from goiptwist.goip import frames
from goiptwist.goip.inbound import PushReceiver
from goiptwist.goip.lines import LineRegistry
from goiptwist.goip.pool import LinePool
from goiptwist.goip.transport import Address, DatagramSender
from goiptwist.interfaces import ILines
from goiptwist.model.status import LineStatus
from goiptwist.net.rejections import Rejections

#: A batch of keepalives from thousands of lines after a power cut must not
#: overflow the kernel's default of about 200 KiB. In bytes; the kernel caps it.
RECEIVE_BUFFER = 4 * 1024 * 1024


@define(eq=False, repr=False, slots=False)
class GoipProtocol(DatagramProtocol):
    """Datagrams in, frames to the parts that they are for, answers out."""

    lines: LineRegistry
    receiver: PushReceiver
    sender: DatagramSender
    rejections: Rejections
    noisy = False
    log = Logger()

    def startProtocol(self) -> None:
        """Twisted has opened the socket."""
        assert self.transport is not None
        self.sender.opened(self.transport)

    def stopProtocol(self) -> None:
        """Twisted has closed it."""
        self.sender.closed()

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Twisted has a datagram for us."""
        try:
            frame = frames.from_device(datagram)
        except frames.MalformedDatagram as error:
            self.rejections.about("malformed", addr[0], f"no frame of a device: {error}")
            return
        if isinstance(frame, frames.Keepalive):
            answer = self.lines.keepalive(frame, addr)
            if answer is not None:
                self.sender.write(answer.format(), addr)
        elif isinstance(frame, frames.DeviceAnswer):
            self.lines.answered(frame, addr)
        elif isinstance(frame, frames.ReceivedSms):
            self._answer(self.receiver.sms(frame, addr[0]), addr, len(datagram))
        elif isinstance(frame, frames.DeliveryReport):
            self._answer(self.receiver.report(frame, addr[0]), addr, len(datagram))
        elif isinstance(frame, frames.DevicePush):
            self._answer(self.receiver.push(frame, addr[0]), addr, len(datagram))
        # A trace line or the facts of a command get no acknowledgement.

    def _answer(
        self,
        taking: Coroutine[Deferred[Any], Any, frames.PushAcknowledgement | None],
        address: Address,
        longest: int,
    ) -> None:
        def answer(acknowledgement: frames.PushAcknowledgement | None) -> None:
            if acknowledgement is not None:
                # An answer to a stranger is never longer than the question.
                self.sender.write(acknowledgement.format()[:longest], address)

        Deferred.fromCoroutine(taking).addCallbacks(answer, self._no_answer)

    def _no_answer(self, failure: Failure) -> None:
        if failure.check(StoreUnavailable):
            self.rejections.counts["not_kept"] += 1  # the store says why
        else:
            self.log.failure("A push could not be kept", failure=failure)


@implementer(ILines, IPools, IKeepsState)
@define(eq=False, repr=False, slots=False)
class GoipService(Service):
    """
    The connector to GoIP devices: listens for them.

    @ivar port: the port, once it is open; its number may have been left to
        the system.
    """

    reactor: Any
    listen: HostPort
    protocol: GoipProtocol
    port: Any = field(default=None, init=False)
    log = Logger()

    @property
    def lines(self) -> LineRegistry:
        """All lines of all devices."""
        return self.protocol.lines

    def statuses(self) -> list[LineStatus]:
        """See L{ILines}."""
        return self.lines.statuses()

    def pool(self, destination: str) -> LinePool | None:
        """See L{IPools}."""
        return self.lines.pools.get(destination)

    async def restore(self) -> None:
        """See L{IKeepsState}: show what was known of each line."""
        await self.lines.restore_facts()

    def save(self) -> None:
        """See L{IKeepsState}: write down the facts of lines that have changed."""
        self.lines.save_facts()

    def startService(self) -> None:
        """
        Open the port.

        @raise BadConfiguration: it cannot be had.
        """
        try:
            self.port = self.reactor.listenUDP(
                self.listen.port,
                self.protocol,
                interface=self.listen.host,
                maxPacketSize=frames.LONGEST_DATAGRAM + 1,
            )
        except CannotListenError as error:
            raise BadConfiguration(
                [f"[goip] listen: cannot listen on {self.listen}/udp: {error.socketError}"]
            ) from None
        super().startService()
        self.port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        where = self.port.getHost()
        self.log.info(
            "Listening for devices on {host}:{port}/udp", host=where.host, port=where.port
        )

    def stopService(self) -> Deferred[None] | None:
        """Let nothing tick on, and close the port."""
        super().stopService()
        self.lines.shut_down()
        port, self.port = self.port, None
        stopped: Deferred[None] | None = port.stopListening() if port is not None else None
        return stopped
