"""
One call to a station, from dialling to hanging up: joins SIP, audio and tones.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from sipmessage import URI
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime

from goiptwist.bridges.call.audio.g711 import PCMA, PCMU
from goiptwist.bridges.call.audio.media import RtpSession
from goiptwist.bridges.call.audio.rtp import RtpTarget
from goiptwist.bridges.call.dialogue import ContactIdDialogue, PendingFrame
from goiptwist.bridges.call.settings import CallSettings
from goiptwist.bridges.call.sip import sdp
from goiptwist.bridges.call.sip.agent import UserAgent
from goiptwist.bridges.call.sip.call import SipCall
from goiptwist.bridges.call.sip.messages import SipDialog
from goiptwist.errors import Away, GoipTwistError

_LAWS = {law.name: law for law in (PCMU, PCMA)}


@define(eq=False)
class AlarmCall:
    """
    @ivar open_agent: gives our side of SIP, with an open transport to the other.
    @ivar log_step: writes a sentence into the log.
    @ivar failure: why there was no call at all.
    """

    reactor: Any
    clock: IReactorTime
    settings: CallSettings
    open_agent: Callable[[], Awaitable[UserAgent]]
    log_step: Callable[[str], None]
    failure: GoipTwistError | None = field(default=None, init=False)
    _dialogue: ContactIdDialogue = field(init=False)
    _rtp: RtpSession | None = field(default=None, init=False)
    _agent: UserAgent | None = field(default=None, init=False)
    _call: SipCall | None = field(default=None, init=False)
    _ended: Deferred[None] = field(factory=Deferred, init=False)

    def __attrs_post_init__(self) -> None:
        begins = "starting the transmission"
        self._dialogue = ContactIdDialogue(self.settings.wait, lambda: self.log_step(begins))

    @property
    def name(self) -> str:
        return f"the call to {self.settings.uri.user}"

    @property
    def over(self) -> bool:
        """Whether it takes no further event."""
        return self._dialogue.over

    @property
    def pending(self) -> int:
        return self._dialogue.pending

    def add(self, frame: PendingFrame) -> None:
        """One more event for this call."""
        self._dialogue.add(frame)

    async def run(self) -> None:
        """Dial, talk, hang up. Each frame is settled."""
        try:
            await self._dial()
            self._dialogue.call_answered()
            await self._ended
            if self._call is not None and self._call.up:
                completed = "" if self._dialogue.failed else "send completed. "
                self.log_step(f"{completed}Hanging up call.")
        except GoipTwistError as error:
            self.failure = error
            self._dialogue.abort(str(error))
        finally:
            self._dialogue.abort("the call broke off")  # whatever a bug has left
            if self._call is not None:
                self._call.give_up()
            if self._rtp is not None:
                await maybeDeferred(self._rtp.stop)

    async def _dial(self) -> None:
        uri = self.settings.uri
        self.log_step(f"Dialing number '{uri.user}' to send contact ID alarm")
        agent = self._agent = await self.open_agent()
        rtp = self._rtp = RtpSession(
            self.clock, self._dialogue, self._end, monotonic=time.monotonic
        )
        try:
            port = self.reactor.listenUDP(0, rtp, interface=agent.local.host)
        except CannotListenError as error:
            place = agent.local.host
            raise Away(f"audio cannot be sent from {place}: {error.socketError}") from None
        session = secrets.randbits(31)
        laws = [_LAWS[name] for name in self.settings.codecs]

        def offer(version: int) -> bytes:
            return sdp.offer(agent.local.host, port.getHost().port, laws, session, version)

        target = URI.parse(uri.text)
        name = self.settings.username
        ours = URI("sip", target.host, name, port=target.port) if name else agent.local.contact.uri
        dialog = SipDialog.new(agent.local, target, ours)
        self._call = SipCall(agent, dialog, self.name, offer, self._connect_audio, self._hung_up)
        await self._call.dial(self.settings.wait)

    def _connect_audio(self, audio: RtpTarget) -> None:
        if self._rtp is not None and self._agent is not None:
            self._rtp.connect(audio, self._agent.peer)

    def _hung_up(self, reason: str) -> None:
        """The other side hung up; what had no kissoff is not delivered."""
        if self._rtp is not None:
            self._rtp.drain()
        self._dialogue.abort(reason)
        self._end()

    def _end(self) -> None:
        if not self._ended.called:
            self._ended.callback(None)

    async def stop(self) -> None:
        """Hang up now."""
        self._dialogue.abort("the gateway is stopping")
        self._end()
        if self._call is not None:
            self._call.give_up()
        if self._rtp is not None:
            await maybeDeferred(self._rtp.stop)
