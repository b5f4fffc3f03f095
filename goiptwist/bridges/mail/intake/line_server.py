"""
One command at a time: what a client may send in one go is read line by line, and
the next line is not looked at before the last one has its reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.mail import smtp
from twisted.python.failure import Failure

from goiptwist.bridges.mail.intake.content import Content
from goiptwist.bridges.mail.intake.server_context import ServerContext
from goiptwist.bridges.mail.submission.smtp_reply import (
    INTERNAL_ERROR,
    ClosingReply,
    SmtpReply,
    reply_to,
)

#: Bytes of one command with its end. RFC 5321 section 4.5.3.1.4 asks for 512
#: and more for each extension; a password of AUTH may take most of it.
COMMAND_AT_MOST = 4096

#: Bytes of further commands that wait while one is answered; past that we do
#: not read on, and the client's own system holds them back.
UNREAD_AT_MOST = 2**16

#: Answers 4xx and 5xx that one connection may get. A person at a keyboard needs
#: fewer, and so does a program that means well.
ERRORS_AT_MOST = 20

#: Commands behind one another that bring no mail.
COMMANDS_AT_MOST = 2500

#: Seconds that one connection may last in all.
SESSION_AT_MOST = 3600.0

#: Seconds for the last answer to get through; a client who does not read it
#: must not hold the connection for ever.
LINGER = 5.0

#: Octets that no command has in it.
_FORBIDDEN = re.compile(rb"[\r\n\0]")

#: The result of the method of a command: nothing if it has sent its replies itself.
Replies: TypeAlias = SmtpReply | Sequence[SmtpReply] | None


class LineServer(smtp.ESMTP):
    """
    The stock server, of which remain the look-up of C{do_} and C{ext_}
    methods, the shape of answers and of the answer to EHLO, and the time-out.

    @ivar peer: the address of the client, as text.
    """

    noisy = False  # the stock server would log addresses
    timeout: Any
    transport: Any
    mode: Any
    log = Logger()

    def __init__(self, context: ServerContext, peer: str, left: Callable[[Any], None]) -> None:
        """@param left: called with this session when the connection has gone."""
        super().__init__(contextFactory=context.certificate)
        self.context, self.peer = context, peer
        self.host = context.domain
        self.timeout = context.settings.timeout
        self._left = left
        self._unread = bytearray()
        self._content: Content | None = None
        self._pending: Deferred[Any] | None = None
        self._reading = self._paused = self._over = False
        self._errors = self._commands = 0
        self._closing: ClosingReply | None = None
        self._session: IDelayedCall | None = None
        self._abort: IDelayedCall | None = None

    # What Twisted calls

    def connectionMade(self) -> None:
        """A client is there: greet."""
        self._session = self.callLater(SESSION_AT_MOST, self._expired)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """The client has sent something; what comes after our last reply is thrown away."""
        if self._over:
            return
        self._unread += data
        self._process()
        if self._pending is not None and len(self._unread) > UNREAD_AT_MOST and not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection has gone. Work that must not be cut off is not cut off."""
        self._end()
        for call in (self._session, self._abort):
            if call is not None and call.active():
                call.cancel()
        if self._pending is not None:
            self._pending.cancel()
        self._left(self)

    def timeoutConnection(self) -> None:
        """The client was silent for too long."""
        self._close_with(ClosingReply(421, "4.4.2", f"You took longer than {self.timeout:g} s"))

    def callLater(self, period: float, func: Any) -> IDelayedCall:
        """The stock one asks the global reactor."""
        return self.context.clock.callLater(period, func)

    # Reading

    def _process(self) -> None:
        if self._reading:
            return  # we were called from within, and go on there
        self._reading = True
        try:
            while self._unread and self._pending is None and not self._over:
                if not (self._read_line() if self._content is None else self._read_content()):
                    break
        except ClosingReply as closing:
            self._close_with(closing)
        finally:
            self._reading = False

    def _read_line(self) -> bool:
        """@return: whether there was a whole one."""
        end = self._unread.find(b"\r\n")
        line = bytes(self._unread if end < 0 else self._unread[:end])
        alone = line[:-1] if end < 0 and line.endswith(b"\r") else line
        if _FORBIDDEN.search(alone[: COMMAND_AT_MOST - 2]):
            raise ClosingReply(500, "5.5.2", "A command is text, and ends with CR and LF together")
        if len(alone) > COMMAND_AT_MOST - 2:
            raise ClosingReply(500, "5.5.2", f"A command has at most {COMMAND_AT_MOST} bytes")
        if end < 0:
            return False
        del self._unread[: end + 2]
        self.lineReceived(line)
        return True

    def _read_content(self) -> bool:
        content, data = self._content, bytes(self._unread)
        self._unread.clear()
        rest = content.feed(data) if content else None
        if rest is None:
            return False
        self._unread += rest
        self._content, self.mode = None, smtp.COMMAND
        self._do(self._message_received, content)
        return True

    def _message_received(self, content: Content) -> Any:
        """A mail is complete."""
        raise NotImplementedError

    def lineReceived(self, line: bytes) -> None:
        """One line is there, without its end."""
        self._commands += 1
        if self._commands > COMMANDS_AT_MOST:
            raise ClosingReply(421, "4.7.0", "So many commands, and no mail")
        super().lineReceived(line)

    # Answering

    def _do(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Execute one command; nothing else is read before it has its reply."""
        self.setTimeout(None)  # from here on it is we who take the time
        self._pending = pending = maybeDeferred(work, *arguments)
        pending.addErrback(self._failed).addCallback(self._done)

    def _failed(self, failure: Failure) -> Replies:
        if self._over and failure.check(CancelledError):
            return None
        error: Any = failure.value
        reply = reply_to(error)
        if reply is None:
            self.log.failure("A command of {peer} broke", failure=failure, peer=self.peer)
        return reply or INTERNAL_ERROR

    def _done(self, result: Replies) -> None:
        self._pending = None
        if self._over:
            return
        for reply in (result,) if isinstance(result, SmtpReply) else result or ():
            self.reply(reply)
            if isinstance(reply, ClosingReply):
                self._close()
                return
        if self._errors > ERRORS_AT_MOST:
            self._closing = ClosingReply(421, "4.7.0", "Too many errors")
        if self._closing is not None:
            self._close_with(self._closing)
            return
        self.setTimeout(self.timeout)
        if self._paused and len(self._unread) <= UNREAD_AT_MOST:
            self._paused = False
            self.transport.resumeProducing()
        self._process()

    def reply(self, reply: SmtpReply) -> None:
        """Send a reply."""
        self.sendCode(reply.code, "\n".join(reply.lines).encode("ascii"))
        self._errors += self.is_error(reply)

    def is_error(self, reply: SmtpReply) -> bool:
        """Whether an answer counts against the client."""
        return reply.code >= 400

    # Closing

    def leave(self) -> None:
        """The gateway stops: close as soon as what is under way has its reply."""
        self._close_soon(ClosingReply(421, "4.3.2", "The gateway stops; come again later"))

    def abort(self) -> None:
        """Close without a reply."""
        self._end()
        self.transport.abortConnection()

    def _expired(self) -> None:
        self._close_soon(ClosingReply(421, "4.4.2", "That was long enough for one connection"))

    def _close_soon(self, closing: ClosingReply) -> None:
        if self._pending is None:
            self._close_with(closing)
        else:
            self._closing = closing

    def _close_with(self, closing: ClosingReply) -> None:
        if not self._over:
            self.reply(closing)
            self._close()

    def _close(self) -> None:
        self._end()
        if self._paused:
            self.transport.resumeProducing()  # or TLS could not end in good form
        self._abort = self.callLater(LINGER, self.transport.abortConnection)
        self.transport.loseConnection()

    def _end(self) -> None:
        """Forget all that was begun."""
        self._over = True
        self._unread.clear()
        self._content, self.mode = None, smtp.COMMAND
        self.setTimeout(None)
