"""
Our side of SIP: sends requests, gives each answer to whom it belongs, and
answers what others ask in the middle of a call or outside of any.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from goiptwist.bridges.call.sip import messages
from goiptwist.bridges.call.sip.digest import HEADERS, SipAccount, authorize
from goiptwist.bridges.call.sip.messages import LocalAddress, Request, Response, SipDialog
from goiptwist.bridges.call.sip.transaction import GIVEN_UP, ClientTransaction
from goiptwist.errors import Away

#: Requests without a final answer, and answers whose acknowledgement may be
#: asked for again: kept of each at the most.
REMEMBERED = 1000


class CallEnd(Protocol):
    """A call, as the agent sees it."""

    def request_received(self, request: Request) -> Response | None:
        """@return: what to answer to a request that belongs to it."""

    def answer_repeated(self, answer: Response) -> None:
        """The 2xx of its INVITE came once more: its ACK was lost."""


@define(eq=False)
class UserAgent:
    """
    @ivar write: sends a message to whom we speak with.
    @ivar local: how we are reached.
    @ivar peer: the address of whom we speak with.
    @ivar account: who we say we are when we are asked; or C{None}.
    @ivar calls: the calls, by Call-ID.
    """

    clock: IReactorTime
    write: Callable[[bytes], None]
    local: LocalAddress
    peer: str = ""
    account: SipAccount | None = None
    calls: dict[str, CallEnd] = field(factory=dict, init=False)
    _open: dict[tuple[str, str], ClientTransaction] = field(factory=dict, init=False)
    _acks: OrderedDict[str, bytes] = field(factory=OrderedDict, init=False)
    log = Logger()

    @property
    def reliable(self) -> bool:
        return self.local.transport == "TCP"

    def send(
        self,
        request: Request,
        answered: Callable[[Response], None],
        unanswered: Callable[[], None],
        patience: float = GIVEN_UP,
    ) -> ClientTransaction:
        """Send a request whose answers are waited for."""
        made = ClientTransaction(
            self.clock,
            self.write,
            request,
            self.reliable,
            answered,
            unanswered,
            min(patience, GIVEN_UP),
        )
        self._open[messages.branch_of(request), request.method] = made
        while len(self._open) > REMEMBERED:  # somebody rang, and never said how it ended
            self._open.pop(next(iter(self._open))).stop()
        made.start()
        return made

    async def ask(
        self, dialog: SipDialog, request: Request, patience: float = GIVEN_UP
    ) -> Response:
        """
        Send a request that is no INVITE; once more with a password, if it is asked for.

        @return: the final answer.
        @raise Away: nobody answers.
        """
        answer = await self._final(request, patience)
        if answer.code in HEADERS and self.account is not None:
            again = dialog.request(request.method, request.body)
            for name in ("Expires", "Contact"):
                if request.headers.get(name) is not None:
                    again.headers.set(name, request.headers[name])
            if authorize(again, answer, self.account):
                answer = await self._final(again, patience)
        return answer

    def _final(self, request: Request, patience: float) -> Deferred[Response]:
        done: Deferred[Response] = Deferred()

        def answered(answer: Response) -> None:
            if answer.code >= 200 and not done.called:
                done.callback(answer)

        def unanswered() -> None:
            if not done.called:
                done.errback(Away(f"{request.uri.host} does not answer a SIP {request.method}"))

        self.send(request, answered, unanswered, patience)
        return done

    def received(self, datagram: bytes, reply_by: Callable[[bytes], None] | None = None) -> None:
        """
        A message came.

        @param reply_by: sends to where it came from, if that is elsewhere.
        """
        if not datagram.strip(b"\r\n\0 "):
            return  # a keepalive
        try:
            message = messages.read(datagram)
            if isinstance(message, Response):
                self._answered(message)
            else:
                reply = self._answer_to(message)
                if reply is not None:
                    (reply_by or self.write)(bytes(reply))
        except (ValueError, KeyError) as error:
            self.log.debug("A SIP message cannot be read: {reason}", reason=str(error))

    def _answered(self, answer: Response) -> None:
        branch, method = messages.branch_of(answer), answer.cseq.method
        transaction = self._open.get((branch, method))
        if transaction is not None:
            if answer.code >= 200:
                del self._open[branch, method]
                if method == "INVITE" and answer.code >= 300:
                    ack = bytes(messages.acknowledgement(transaction.request, answer))
                    self._acks[branch] = ack
                    while len(self._acks) > REMEMBERED:
                        self._acks.popitem(last=False)
                    self.write(ack)
            transaction.received(answer)
        elif method == "INVITE" and answer.code >= 300 and branch in self._acks:
            self.write(self._acks[branch])
        elif method == "INVITE" and 200 <= answer.code < 300 and answer.call_id in self.calls:
            self.calls[answer.call_id].answer_repeated(answer)

    def _answer_to(self, request: Request) -> Response | None:
        if request.method == "ACK":
            return None
        call = self.calls.get(request.call_id)
        if call is not None and request.method != "CANCEL":
            return call.request_received(request)
        tag = messages.token(4)
        if "tag" in request.to_address.parameters or request.method in ("CANCEL", "BYE"):
            return messages.answer_to(request, 481, "Call/Transaction Does Not Exist", tag=tag)
        if request.method == "OPTIONS":
            reply = messages.answer_to(request, 200, "OK", tag=tag)
        elif request.method == "INVITE":
            return messages.answer_to(request, 603, "Nobody Is Called Here", tag=tag)
        else:
            reply = messages.answer_to(request, 405, "Method Not Allowed", tag=tag)
        reply.headers.set("Allow", messages.ALLOW)
        return reply

    def lost(self) -> None:
        """The connection broke: nothing that is under way will be answered."""
        waiting, self._open = list(self._open.values()), {}
        for transaction in waiting:
            transaction.stop()
            if not transaction.over:
                transaction.over = True
                transaction.unanswered()

    def stop(self) -> None:
        """Nothing is repeated any more, and no request is answered."""
        for transaction in self._open.values():
            transaction.stop()
        self._open.clear()
