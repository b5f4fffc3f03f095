"""
A monitoring station that is none: answers SIP calls, greets with the handshake,
hears digits, and gives the kissoff. It can be set to be difficult.

It needs C{pip install goiptwist[calls]}.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from attrs import define, field
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from goiptwist.bridges.call.audio.g711 import PCMA, PCMU, RATE, Samples, silence
from goiptwist.bridges.call.audio.media import AudioEndpoint, RtpSession
from goiptwist.bridges.call.audio.rtp import RtpTarget
from goiptwist.bridges.call.audio.tones import DtmfDetector, tone
from goiptwist.bridges.call.sip import messages, sdp
from goiptwist.bridges.call.sip.messages import LocalAddress, Request, Response
from goiptwist.contact_id import notation
from goiptwist.errors import Unacceptable

#: A receiver's times in seconds (SIA DC-05; the kissoff as the seed has it).
BEFORE_HANDSHAKE, HANDSHAKE, BEFORE_KISSOFF, KISSOFF = 1.0, 0.1, 0.2, 0.8
#: How loud its tones are, in dBm0.
LEVEL = -11.0
#: After so many seconds without a digit, what was heard of a frame is forgotten.
DIGITS_APART = 1.0
FRAME = 16


class StationMood(StrEnum):
    """How the station behaves."""

    TAKES = "takes"
    SILENT = "silent"  # greets, and never gives a kissoff
    MUTE = "mute"  # picks up and says nothing
    RINGS = "rings"  # never picks up
    BUSY = "busy"
    REJECTS = "rejects"  # there is no such number
    HANGS_UP = "hangs up"  # in the middle of the first frame


def _greeting() -> Samples:
    low, high = (tone(HANDSHAKE, LEVEL, hertz) for hertz in (1400, 2300))
    return _joined(silence(round(BEFORE_HANDSHAKE * RATE)), low, silence(len(low)), high)


def _joined(*parts: Samples) -> Samples:
    made = silence(sum(map(len, parts)))
    place = 0
    for part in parts:
        made[place : place + len(part)] = part
        place += len(part)
    return made


@define(eq=False)
class SimulatedToneReceiver:
    """
    The tones of a station.

    @ivar took: called with the 16 digits of each good frame.
    @ivar frames: what was heard; C{events}: what of it was taken.
    @ivar first_digit: called when the first digit of a call is heard.
    """

    took: Callable[[str], None]
    mood: StationMood = StationMood.TAKES
    first_digit: Callable[[], None] = field(default=lambda: None)
    frames: list[str] = field(factory=list, init=False)
    events: list[str] = field(factory=list, init=False)
    over: bool = field(default=False, init=False)
    _digit_detector: DtmfDetector = field(factory=DtmfDetector, init=False)
    _script: Samples = field(init=False)
    _digits: str = field(default="", init=False)
    _quiet: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._script = silence(0) if self.mood is StationMood.MUTE else _greeting()

    def receive(self, samples: Samples) -> None:
        """See L{AudioEndpoint}."""
        found = self._digit_detector.feed(samples)
        self._quiet = 0 if found else self._quiet + len(samples)
        if self._quiet > DIGITS_APART * RATE:
            self._digits = ""
        if found and not self.frames and not self._digits:
            self.first_digit()
        self._digits += found
        if len(self._digits) >= FRAME:
            frame, self._digits = self._digits[:FRAME], self._digits[FRAME:]
            self._heard(frame)

    def _heard(self, frame: str) -> None:
        self.frames.append(frame)
        try:
            notation.read(frame)
        except Unacceptable:
            return  # there is no tone that says no: silence does
        if self.mood is StationMood.SILENT:
            return
        self.events.append(frame)
        self.took(frame)
        self._script = _joined(silence(round(BEFORE_KISSOFF * RATE)), tone(KISSOFF, LEVEL, 1400))

    def produce(self, count: int) -> Samples:
        """See L{AudioEndpoint}."""
        part, self._script = self._script[:count], self._script[count:]
        return _joined(part, silence(count - len(part)))


@define(eq=False)
class AnsweredCall:
    """One call that the station has."""

    tag: str
    invite: Request
    reply: Response
    endpoint: AudioEndpoint
    media: RtpSession | None = None
    up: bool = False


@define(eq=False, repr=False, slots=False)
class SimulatedStation(DatagramProtocol):
    """
    @ivar mood: how it behaves in calls that come from now on.
    @ivar endpoints: makes who talks in a call; a test may have one of its own.
    @ivar events: the 16 digits of each frame that was taken, oldest first.
    @ivar seen: the method of each request, oldest first.
    """

    reactor: Any
    mood: StationMood = StationMood.TAKES
    endpoints: Callable[[], AudioEndpoint] | None = None
    mangled: Callable[[RtpSession], None] = field(default=lambda media: None)
    events: list[str] = field(factory=list, init=False)
    seen: list[str] = field(factory=list, init=False)
    calls: dict[str, AnsweredCall] = field(factory=dict, init=False)
    transport: Any = field(default=None, init=False)
    _port: Any = field(default=None, init=False)
    _host: str = field(default="127.0.0.1", init=False)
    noisy = False
    log = Logger()

    def listen(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """@return: the UDP port at which SIP is spoken."""
        self._host = host
        self._port = self.reactor.listenUDP(port, self, interface=host, maxPacketSize=65536)
        return int(self._port.getHost().port)

    async def close(self) -> None:
        """Hang up on everybody."""
        for call in self.calls.values():
            if call.media is not None:
                await (call.media.stop() or _nothing())
        if self._port is not None:
            await self._port.stopListening()

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """A request, or an answer to our BYE."""
        try:
            message = messages.read(datagram)
        except ValueError:
            return
        if isinstance(message, Request):
            self.seen.append(message.method)
            for reply in self._answers(message, addr):
                if self.transport is not None:
                    self.transport.write(bytes(reply), addr)

    def _answers(self, request: Request, peer: tuple[str, int]) -> list[Response]:
        call = self.calls.get(request.call_id)
        if request.method == "INVITE" and call is None:
            return self._invited(request, peer)
        if request.method == "INVITE" and call is not None:
            return [call.reply] if request.cseq == call.invite.cseq else []
        if request.method in ("OPTIONS", "REGISTER"):
            return [self._plain(request, 200, "OK", messages.token(4))]
        if request.method == "ACK":
            return []
        if call is None:
            return [self._plain(request, 481, "Call Does Not Exist", messages.token(4))]
        if request.method == "CANCEL":
            ended = self._plain(call.invite, 487, "Request Terminated", call.tag)
            return [self._plain(request, 200, "OK", call.tag), ended]
        if request.method == "BYE" and call.media is not None:
            call.media.stop()
            call.up = False
        return [self._plain(request, 200, "OK", call.tag)]

    def _plain(self, request: Request, code: int, phrase: str, tag: str) -> Response:
        reply = messages.answer_to(request, code, phrase, tag=tag)
        reply.server = "goiptwist station"
        return reply

    def _invited(self, request: Request, peer: tuple[str, int]) -> list[Response]:
        tag = messages.token(4)
        refusals = {StationMood.BUSY: (486, "Busy Here"), StationMood.REJECTS: (404, "Not Found")}
        if self.mood in refusals:
            return [self._plain(request, *refusals[self.mood], tag)]
        trying = self._plain(request, 100, "Trying", "")
        ringing = self._plain(request, 180, "Ringing", tag)
        endpoint = (
            self.endpoints() if self.endpoints is not None else self._receiver(request.call_id)
        )
        call = self.calls[request.call_id] = AnsweredCall(tag, request, ringing, endpoint)
        if self.mood is StationMood.RINGS:
            return [trying, ringing]
        try:
            audio = sdp.read(request.body)
        except ValueError:
            return [self._plain(request, 488, "Not Acceptable Here", tag)]
        call.reply = self._picked_up(call, audio, peer)
        return [trying, ringing, call.reply]

    def _receiver(self, call_id: str) -> SimulatedToneReceiver:
        def first_digit() -> None:
            if self.mood is StationMood.HANGS_UP:
                self.reactor.callLater(0, self._hang_up, self.calls[call_id])

        return SimulatedToneReceiver(self._took, self.mood, first_digit)

    def _took(self, frame: str) -> None:
        self.events.append(frame)
        event = notation.read(frame)
        self.log.info("The station took an event. {event}", event=event.log_words)

    def _picked_up(self, call: AnsweredCall, audio: RtpTarget, peer: tuple[str, int]) -> Response:
        media = call.media = RtpSession(self.reactor, call.endpoint, monotonic=time.monotonic)
        port = self.reactor.listenUDP(0, media, interface=self._host)
        self.mangled(media)
        laws = audio.laws[:1] or (PCMA, PCMU)
        body = sdp.offer(self._host, port.getHost().port, laws, 1)
        reply = messages.answer_to(call.invite, 200, "OK", body, tag=call.tag)
        reply.contact = [self._local.contact]
        reply.server = "goiptwist station"
        media.connect(audio, peer[0])
        call.up = True
        return reply

    @property
    def _local(self) -> LocalAddress:
        return LocalAddress("UDP", self._host, int(self._port.getHost().port), "station")

    def _hang_up(self, call: AnsweredCall) -> None:
        """BYE, from our side."""
        invite = call.invite
        bye = messages.SipDialog(
            self._local,
            invite.contact[0].uri,
            messages.answer_to(invite, 200, "OK", tag=call.tag).to_address,
            invite.from_address,
            invite.call_id,
        ).request("BYE")
        if call.media is not None:
            call.media.stop()
        where = invite.contact[0].uri
        self.transport.write(bytes(bye), (where.host.strip("[]"), where.port or 5060))


async def _nothing() -> None: ...
