"""
One call that we make: INVITE, early media, ACK, and BYE or CANCEL
(RFC 3261 sections 13 to 15).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from goiptwist.bridges.call.audio.rtp import RtpTarget
from goiptwist.bridges.call.sip import messages, sdp
from goiptwist.bridges.call.sip.agent import UserAgent
from goiptwist.bridges.call.sip.digest import HEADERS, authorize
from goiptwist.bridges.call.sip.failures import error_for
from goiptwist.bridges.call.sip.messages import Request, Response, SipDialog
from goiptwist.bridges.call.sip.transaction import ClientTransaction
from goiptwist.errors import Away, GoipTwistError, Refused, TryLater


@define(eq=False)
class SipCall:
    """
    @ivar name: how errors call it.
    @ivar offer: our audio; made for each INVITE with its version.
    @ivar audio: called with where theirs goes to: early, at the answer, and
        when it changes.
    @ivar ended: called once if the other side hangs up, with the reason.
    """

    agent: UserAgent
    dialog: SipDialog
    name: str
    offer: Callable[[int], bytes]
    audio: Callable[[RtpTarget], None]
    ended: Callable[[str], None]
    up: bool = field(default=False, init=False)
    _version: int = field(default=0, init=False)
    _invite: Request | None = field(default=None, init=False)
    _transaction: ClientTransaction | None = field(default=None, init=False)
    _final: Deferred[None] | None = field(default=None, init=False)
    _patience: IDelayedCall | None = field(default=None, init=False)
    _given_up: bool = field(default=False, init=False)
    _tried_password: bool = field(default=False, init=False)
    _ack: bytes = field(default=b"", init=False)

    def dial(self, wait: float) -> Deferred[None]:
        """
        @param wait: seconds in which the other side has to pick up.
        @return: fires when it has; fails with a L{GoipTwistError} where it does not.
        """
        self._final = Deferred()
        self.agent.calls[self.dialog.call_id] = self
        self._patience = self.agent.clock.callLater(wait, self._not_picked_up, wait)
        self._send(self.dialog.request("INVITE", self.offer(0)))
        return self._final

    def _send(self, invite: Request) -> None:
        self._invite = invite
        self._transaction = self.agent.send(invite, self._answered, self._unanswered)

    # -- what the other side says to the INVITE --

    def _answered(self, answer: Response) -> None:
        if answer.code < 200:
            if self._given_up:
                self._cancel()
            elif answer.body:
                with suppress(ValueError):  # early media is a courtesy
                    self._take_audio(answer)
        elif answer.code < 300:
            self._picked_up(answer)
        elif answer.code in HEADERS and self._again_with_password(answer):
            return
        else:
            self._fail(error_for(answer, self.name, self._tried_password))

    def _again_with_password(self, answer: Response) -> bool:
        if self.agent.account is None or self._tried_password or self._given_up:
            return False
        invite = self.dialog.request("INVITE", self.offer(0))
        if not authorize(invite, answer, self.agent.account):
            return False
        self._tried_password = True
        self._send(invite)
        return True

    def _picked_up(self, answer: Response) -> None:
        self.dialog.confirmed(answer)
        self._acknowledge(answer)
        self.up = True
        if self._given_up:  # our CANCEL and their yes have crossed
            self.hang_up()
            return
        try:
            self._take_audio(answer)
        except ValueError as error:
            self.hang_up()
            self._fail(Refused(f"{self.name}: the other side's answer {error}"))
            return
        self._done(None)

    def _acknowledge(self, answer: Response) -> None:
        ack = self.dialog.request("ACK", sequence=answer.cseq.sequence)
        if self._invite is not None:
            for _, name in HEADERS.values():
                if value := self._invite.headers.get(name):
                    ack.headers.set(name, value)
        self._ack = bytes(ack)
        self.agent.write(self._ack)

    def answer_repeated(self, answer: Response) -> None:
        """See L{CallEnd<goiptwist.bridges.call.sip.agent.CallEnd>}."""
        self.agent.write(self._ack)

    def _take_audio(self, message: Request | Response) -> None:
        audio = sdp.read(message.body)
        if not audio.laws:
            raise ValueError("takes no G.711 audio")
        self.audio(audio)

    def _unanswered(self) -> None:
        self._fail(Away(f"{self.name}: nobody answers the SIP INVITE"))

    def _not_picked_up(self, wait: float) -> None:
        self._patience = None
        rang = self._transaction is not None and self._transaction.provisional
        if rang:
            self._fail(TryLater(f"{self.name}: nobody picked up in {wait:g} seconds"))
        else:
            self._fail(Away(f"{self.name}: nobody answers the SIP INVITE"))
        self.give_up()

    # -- the end --

    def give_up(self) -> None:
        """Stop dialling, or hang up."""
        if self.up:
            self.hang_up()
            return
        self._given_up = True
        if self._transaction is not None and self._transaction.provisional:
            self._cancel()
        elif self._transaction is not None:
            self._transaction.stop()  # a late answer is still heard, and taken back
        self._fail(TryLater(f"{self.name} was given up"))

    def _cancel(self) -> None:
        """Only a request that was heard can be taken back (section 9.1)."""
        if self._invite is not None and self._transaction and not self._transaction.over:
            invite, self._invite = self._invite, None
            self.agent.send(messages.cancellation(invite), _nothing, _nobody)

    def hang_up(self) -> None:
        """Say BYE; what is answered to that changes nothing."""
        if self.up:
            self.up = False
            self.agent.send(self.dialog.request("BYE"), _nothing, _nobody)
            self._forget()

    def _forget(self) -> None:
        self.agent.calls.pop(self.dialog.call_id, None)

    def _fail(self, error: GoipTwistError) -> None:
        if not (self._transaction and not self._transaction.over):
            self._forget()
        self._done(error)

    def _done(self, error: GoipTwistError | None) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        self._patience = None
        final, self._final = self._final, None
        if final is not None and error is None:
            final.callback(None)
        elif final is not None:
            final.errback(error)

    # -- what the other side asks --

    def request_received(self, request: Request) -> Response | None:
        """See L{CallEnd<goiptwist.bridges.call.sip.agent.CallEnd>}."""
        if request.method == "BYE":
            was_up, self.up = self.up, False
            self._forget()
            if was_up:
                self.ended("the other side hung up before the kissoff")
            return messages.answer_to(request, 200, "OK")
        if request.method in ("INVITE", "UPDATE"):
            return self._new_offer(request)
        if request.method in ("OPTIONS", "INFO"):
            return messages.answer_to(request, 200, "OK")
        reply = messages.answer_to(request, 405, "Method Not Allowed")
        reply.headers.set("Allow", messages.ALLOW)
        return reply

    def _new_offer(self, request: Request) -> Response:
        """A new offer in the middle, or only a sign of life (RFC 4028)."""
        if request.body:
            try:
                self._take_audio(request)
            except ValueError:
                return messages.answer_to(request, 488, "Not Acceptable Here")
        self._version += 1
        with_body = request.body or request.method == "INVITE"
        body = self.offer(self._version) if with_body else b""
        reply = messages.answer_to(request, 200, "OK", body)
        reply.contact = [self.dialog.local.contact]
        return reply


def _nothing(_: Response) -> None: ...


def _nobody() -> None: ...
