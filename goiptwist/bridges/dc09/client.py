"""
L{ReceiverClient}: the dialogue with one receiver of a monitoring station.
"""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime

from goiptwist.bridges.dc09 import frames
from goiptwist.bridges.dc09.frames import (
    ACK,
    ANSWERS,
    DUH,
    NAK,
    Dc09Frame,
    MalformedDc09Frame,
)
from goiptwist.bridges.dc09.transports import FrameTransport, OpenTransport
from goiptwist.config.values import HostPort
from goiptwist.errors import Away, Refused, TryLater

#: Seconds that the time in an ACK may be away from the time that the receiver
#: keeps, as far as we know it (section 5.5.1.8 gives -40 to +20 for reports).
ACK_WITHIN = 60.0
#: Seconds that the clock of a receiver is believed to be away from ours: it may
#: keep the time of another zone, with one of them in summer time.
OFFSET_AT_MOST = 15 * 3600.0


class NoReply(TryLater):
    """It was sent, and nothing came back that is an answer to it."""


class NotAccepted(TryLater):
    """It answered NAK."""


class GatewayStops(TryLater):
    """The gateway closes the connection itself."""

    def __init__(self) -> None:
        super().__init__("the gateway stops", attempted=False)


class _ConnectionClosed:
    """Stands in the place of an answer: the connection has gone."""


@define(eq=False, repr=False)
class ReceiverClient:
    """
    One receiver. It is asked one thing at a time: receivers read no second
    frame before they have answered the first.

    @ivar key: of 16, 24 or 32 bytes, or C{None}.
    @ivar open_transport: connects to it.
    @ivar timeout: seconds to wait for an answer.
    @ivar tries: how often the same is sent.
    @ivar plain_ack: whether an answer in clear counts though there is a key.
    @ivar offset: seconds that its clock is ahead of ours.
    """

    address: HostPort
    clock: IReactorTime
    open_transport: OpenTransport
    key: bytes | None
    timeout: float
    tries: int
    plain_ack: bool = False
    offset: float = field(default=0.0, init=False)
    _lock: DeferredLock = field(factory=DeferredLock, init=False)
    _transport: FrameTransport | None = field(default=None, init=False)
    _asked: Dc09Frame | None = field(default=None, init=False)
    _own_secrets: set[bytes] = field(factory=set, init=False)
    _answer: Deferred[Any] | None = field(default=None, init=False)
    _ignored: str = field(default="", init=False)
    _failed: int = field(default=0, init=False)
    _failure: str = field(default="", init=False)
    _closed: bool = field(default=False, init=False)

    async def ask(self, frame: Dc09Frame) -> Dc09Frame:
        """
        Send a frame, and wait until it is taken.

        @param frame: in clear; it is encrypted and gets its time here.
        @return: the ACK.
        @raise Away: nobody is there.
        @raise TryLater: there was no answer, or a NAK twice.
        @raise Refused: DUH: it will never understand this.
        """
        failed = self._failed
        await self._lock.acquire()
        try:
            self._fail_with_the_others(failed)
            return await self._tried(frame)
        finally:
            self._lock.release()
            if not self._lock.locked:
                self._disconnect()

    def _fail_with_the_others(self, failed: int) -> None:
        """Another delivery that failed while this one waited has tried long enough for all."""
        if self._failed != failed:
            raise NoReply(self._failure)

    async def _tried(self, frame: Dc09Frame) -> Dc09Frame:
        try:
            return await self._dialogue(frame)
        except (NoReply, Away) as error:
            self._failed, self._failure = self._failed + 1, str(error)
            raise

    async def _dialogue(self, frame: Dc09Frame) -> Dc09Frame:
        answer = await self._answered(frame)
        if answer.name == NAK and answer.time is not None:
            # Section 5.5.3.2: the time of its NAK is the time that it wants.
            # Anybody can say it: what is far off would make our frames worthless.
            offset = answer.time - self.clock.seconds()
            if abs(offset) <= OFFSET_AT_MOST:
                self.offset = offset
                answer = await self._answered(frame)
        if answer.name == ACK:
            return answer
        if answer.name == DUH:
            raise Refused(f"{self.address} answered DUH: it cannot process this")
        raise NotAccepted(
            f"{self.address} answered NAK: it does not know the account, or has another key or time"
        )

    async def _answered(self, frame: Dc09Frame) -> Dc09Frame:
        self._asked, self._ignored = frame, ""
        self._own_secrets.clear()
        left = self.tries
        while left:
            reused = self._transport is not None
            transport = await self._open_transport()
            self._answer = Deferred()
            transport.write(self._raw(frame))
            self._answer.addTimeout(self.timeout, self.clock, lambda _, __: None)
            answer = await self._answer
            if isinstance(answer, Dc09Frame):
                return answer
            if self._closed:
                raise GatewayStops
            # Many receivers close after each answer: that was no try.
            left -= not (reused and answer is _ConnectionClosed)
        raise NoReply(self._silence(answer is _ConnectionClosed))

    def _silence(self, lost: bool) -> str:
        if self._ignored:
            return f"{self.address} {self._ignored}"
        if lost:
            return f"{self.address} did not answer: it hung up, or nothing listens there"
        times = f", {self.tries} times" if self.tries > 1 else ""
        return f"{self.address} did not answer within {self.timeout:g} s{times}"

    def _raw(self, frame: Dc09Frame) -> bytes:
        if self.key is None:
            return frame.format()
        time = self.clock.seconds() + self.offset
        raw = evolve(frame, encrypted=True, time=time).format(self.key)
        self._own_secrets.add(frames.read(raw).secret)
        return raw

    async def _open_transport(self) -> FrameTransport:
        if self._closed:
            raise GatewayStops
        if self._transport is None:
            self._transport = await self.open_transport(self)
        return self._transport

    def _disconnect(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def open(self) -> None:
        """Be ready again after L{close}."""
        self._closed = False

    def close(self) -> None:
        """Disconnect; a delivery that waits for an answer gets none."""
        self._closed = True
        self._disconnect()
        self.closed()

    # -- see L{goiptwist.bridges.dc09.transports.FrameListener} --

    def received(self, raw: bytes) -> None:
        """It sent something, which may be no answer to us."""
        try:
            answer = frames.read(raw)
            if self._answers_us(answer) and self._answer is not None and not self._answer.called:
                self._answer.callback(answer)
        except MalformedDc09Frame:
            self._ignored = "answered, but nothing of SIA DC-09 that can be read"

    def closed(self) -> None:
        """The connection has gone."""
        self._transport = None
        if self._answer is not None and not self._answer.called:
            self._answer.callback(_ConnectionClosed)

    def _answers_us(self, answer: Dc09Frame) -> bool:
        if answer.name not in ANSWERS:
            return False
        if answer.name == NAK:
            return True  # its sequence number is always 0000
        if answer.name == DUH and not answer.sequence:
            return True
        if answer.name not in (ACK, DUH) or not self._names_ours(answer):
            return False
        return answer.name == DUH or self.key is None or self._proves(answer)

    def _names_ours(self, answer: Dc09Frame) -> bool:
        """Whether it answers this frame, and no other one (section 5.5.3.1)."""
        asked = self._asked
        return asked is not None and (
            answer.sequence == asked.sequence
            and _same_number(answer.receiver, asked.receiver)
            and _same_number(answer.line, asked.line)
            and (not answer.account or frames.same_account(answer.account, asked.account))
        )

    def _proves(self, answer: Dc09Frame) -> bool:
        """
        Whether an ACK comes from somebody who has the key. DC-09 has no code over
        its frames: what proves something is that a time near ours stands where it
        must, and that it is not what we have said ourselves.
        """
        if not answer.encrypted:
            if not self.plain_ack:
                self._ignored = (
                    "answered in clear, which anybody could; if it knows no better, say "
                    "plain_ack = true"
                )
            return self.plain_ack
        assert self.key is not None
        if answer.secret in self._own_secrets:
            self._ignored = "answered with our own words, which proves nothing"
            return False
        clear = answer.decrypted(self.key)
        now = self.clock.seconds() + self.offset
        if clear.data or clear.time is None or abs(clear.time - now) > ACK_WITHIN:
            self._ignored = "answered, but with no time near ours: it may be an old answer"
            return False
        return True


def _same_number(answered: str, asked: str) -> bool:
    """Of a receiver or a line; many leave them out where there is only one."""
    return not answered or answered.lstrip("0") == asked.upper().lstrip("0")
