# mypy: disallow-untyped-calls=False
# (the stock client is not annotated)
"""
One session with a smarthost, from its greeting to our QUIT.

L{twisted.mail.smtp.ESMTPClient} knows the order of SMTP. This class gives it
one mail, sorts what comes back, and closes what the stock client leaves open:
an endless answer, words in clear behind STARTTLS, an empty line in the answer
to EHLO, a password said twice or in clear, a peer that never hangs up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.mail import smtp
from twisted.python.failure import Failure

from goiptwist.bridges.mail.outgoing.credentials import SmarthostCredentials, authenticators
from goiptwist.bridges.mail.outgoing.smarthost_errors import (
    describe_error,
    describe_lost_connection,
)
from goiptwist.bridges.mail.outgoing.tls import describe_tls
from goiptwist.bridges.mail.outgoing.verdict import NO_REPLY, SmarthostReply
from goiptwist.bridges.mail.reading.printable import readable
from goiptwist.errors import TryLater

#: Seconds that the smarthost has for its answer to QUIT. The outcome is known
#: by then, and nothing undoes it; RFC 5321 section 4.1.1.10 asks us to wait.
QUIT_TIMEOUT = 2.0

#: Lines that a smarthost may say in one session, beside those about single
#: recipients. A long EHLO answer has 20; who says so much more is no smarthost.
LINES_AT_MOST = 500
#: Lines about one recipient, after RCPT and (in LMTP) after the dot.
LINES_FOR_ONE = 20

#: How long a whole session may take, in time-outs of one answer: EHLO
#: twice, STARTTLS, AUTH, MAIL, DATA, the dot, and some recipients.
PATIENCE = 20

#: RFC 5321 section 4.2, Reply-line.
_REPLY = re.compile(rb"[2-5][0-9][0-9]([ -]|$)")


@frozen
class OutgoingEnvelope:
    """
    @ivar content: the mail in RFC 5322 form, with CRLF line ends.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)


@frozen
class TlsPolicy:
    """
    @ivar starttls: makes the TLS connection if the smarthost offers STARTTLS;
        C{None}: never.
    @ivar required: without TLS there is no mail.
    @ivar clear_login: the password may be said without TLS, since it does not
        leave this machine.
    @ivar verified: whether TLS ends unless the certificate is good.
    """

    starttls: Any
    required: bool
    clear_login: bool
    verified: bool = False


def offered(answer: bytes) -> dict[bytes, bytes]:
    """
    Read the answer to EHLO (RFC 5321 section 4.1.1.1): keywords in upper case
    and their parameters. The first line is a greeting and offers nothing.
    """
    items: dict[bytes, bytes] = {}
    for line in answer.split(b"\n")[1:]:
        keyword, *parameters = line.split(None, 1) or [b""]
        items[keyword.upper()] = parameters[0] if parameters else b""
    return items


class SmarthostClient(smtp.ESMTPClient):
    """
    @ivar finished: fires with this client once the connection is closed, or
        fails with L{TryLater}. Cancelling it closes the connection at once;
        what the smarthost has already replied about the mail still counts.
    @ivar replies: the last reply for each recipient.
    @ivar found: what was seen of the smarthost before the first mail, as a sentence.
    """

    debug = False  # the stock client's record of lines would hold the password
    timeout: Any = None
    transport: Any = None

    def __init__(
        self,
        clock: IReactorTime,
        identity: bytes,
        security: TlsPolicy,
        login: SmarthostCredentials | None,
        envelope: OutgoingEnvelope | None,
        timeout: float,
    ) -> None:
        """
        @param envelope: C{None} only sees whether mail could be sent.
        @param timeout: seconds for each answer.
        """
        super().__init__(login.password if login else b"", security.starttls, identity)
        self.timeout = timeout
        self.requireTransportSecurity = security.required
        self.requireAuthentication = login is not None
        self.replies: dict[str, SmarthostReply] = {}
        self.found = ""
        self.finished: Deferred[SmarthostClient] = Deferred(self._cancelled)
        self._clock, self._security, self._login = clock, security, login
        self._envelope = envelope
        self._secrets = login.secrets if login else ()
        self._decided = self._in_hand = False
        self._failure: TryLater | None = None
        self._mechanism = ""
        self._lines_left = LINES_AT_MOST + LINES_FOR_ONE * len(tuple(self.getMailTo()))
        self._deadline = clock.seconds() + PATIENCE * timeout

    def connectionMade(self) -> None:
        """
        Called by Twisted when the smarthost is reached. The mail and the dot
        behind it are two writes: they must not wait for one another.
        """
        self.transport.setTcpNoDelay(True)
        super().connectionMade()

    # How it ends

    def _put_off(self, reason: str) -> None:
        """The first failure counts, unless the outcome is known already."""
        if not self._decided:
            self._decided = True
            self._failure = TryLater(reason, attempted=self._in_hand)

    def _hang_up(self, reason: str) -> None:
        self._put_off(reason)
        self.clearLineBuffer()
        self.transport.abortConnection()

    def _quit(self) -> None:
        """Say QUIT, and do not wait for ever for the reply."""
        self.setTimeout(QUIT_TIMEOUT)
        self._disconnectFromServer()

    def _cancelled(self, finished: Deferred[SmarthostClient]) -> None:
        reason = "the delivery was called off"
        if self.replies:
            self._leave_open(reason)
            finished.callback(self)
        else:
            finished.errback(CancelledError())
        self._hang_up(reason)

    def _leave_open(self, reason: str) -> None:
        """A recipient without a last reply, while others have one, is put off."""
        for to in self.getMailTo():
            self.replies.setdefault(to, SmarthostReply(NO_REPLY, reason))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Called by Twisted when the connection is closed, by either side."""
        super().connectionLost(reason)
        self._put_off(describe_lost_connection(reason.value, self._in_hand))
        if self.finished.called:
            return
        if self._failure is not None and not self.replies:
            self.finished.errback(self._failure)
        else:
            self._leave_open(str(self._failure))
            self.finished.callback(self)

    def sendError(self, exc: Exception) -> None:
        """Called by the stock client when it cannot go on."""
        if isinstance(exc, smtp.SMTPClientError):
            self._put_off(describe_error(exc, self._secrets))
            self._quit()
        else:  # the connection went while we were writing; connectionLost knows why
            self.transport.abortConnection()

    def timeoutConnection(self) -> None:
        """Called by Twisted when the smarthost was silent for too long."""
        self._hang_up(f"the smarthost did not answer within {self.timeout:g} s")

    def callLater(self, period: float, func: Any) -> IDelayedCall:
        """Called by Twisted for its time-outs; the stock one asks the global reactor."""
        return self._clock.callLater(period, func)

    # What the smarthost says

    def lineReceived(self, line: bytes) -> None:
        """Called by Twisted for each line."""
        self._lines_left -= 1
        if self._lines_left < 0 or self._clock.seconds() > self._deadline:
            self._hang_up("the smarthost does not stop talking")
        elif not _REPLY.match(line):
            self._hang_up(f"the smarthost talks nonsense: {self._readable(line[:80])!r}")
        else:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Called by Twisted for a line that is too long."""
        self._hang_up("the smarthost talks nonsense: a line without an end")

    def smtpState_helo(self, code: int, resp: bytes) -> None:
        """EHLO was not understood. The stock client would repeat HELO for ever."""
        super().smtpState_helo(code, resp)
        self._failresponse = self.smtpConnectionFailed

    def esmtpState_serverConfig(self, code: int, resp: bytes) -> None:
        """The answer to EHLO. The stock client breaks on an empty line."""
        self.tryTLS(code, resp, offered(resp))

    def esmtpState_starttls(self, code: int, resp: bytes) -> None:
        """
        TLS may begin. What stands in clear behind the 220 comes from somebody
        else (RFC 3207 section 6), and must not pass for a reply of the smarthost.
        """
        if self.clearLineBuffer():
            self._hang_up("somebody spoke in clear behind the smarthost's yes to STARTTLS")
        else:
            super().esmtpState_starttls(code, resp)

    # What we say

    def authenticate(self, code: int, resp: bytes, items: dict[bytes, bytes]) -> None:
        """TLS is as wanted; log in, if wanted, and go on to the mail."""
        if self._login and not (self._tlsMode or self._security.clear_login):
            self._put_off("the smarthost offers no TLS, and the password is not said in clear")
            self._quit()
            return
        if self._login:
            self.authenticators = authenticators(self._login, encrypted=self._tlsMode)
        super().authenticate(code, resp, items)
        chosen = getattr(self, "_authinfo", None)
        self._mechanism = chosen.getName().decode() if chosen else ""

    def _esmtpState_plainAuth(self, code: int, resp: bytes) -> None:
        """AUTH PLAIN was declined. The stock client would try once more."""
        self.esmtpAUTHDeclined(code, resp)

    def getMailFrom(self) -> str | None:
        """Called by the stock client when it is ready for a mail."""
        self.found = self._description()
        if self._envelope is None:
            self._decided = True
            self.setTimeout(QUIT_TIMEOUT)
            return None
        self._in_hand = True
        return self._envelope.sender

    def getMailTo(self) -> Iterable[str]:
        """Called by the stock client once the sender was taken."""
        return self._envelope.recipients if self._envelope else ()

    def getMailData(self) -> BytesIO:
        """
        Called by the stock client once a recipient was taken. Dots are doubled
        here (RFC 5321 section 4.5.2): the stock client misses them where one
        of its chunks ends with a line.
        """
        content = self._envelope.content if self._envelope else b""
        return BytesIO(re.sub(rb"(?m)^\.", b"..", content))

    def transformChunk(self, chunk: bytes) -> bytes:
        """Called by the stock client for each part of the mail."""
        self.resetTimeout()
        return chunk

    def smtpState_msgSent(self, code: int, resp: bytes | str) -> None:
        """
        The last reply about this mail, which those recipients share that had
        none of their own. The stock client would say RSET and wait.
        """
        own = {to: (own_code, text) for to, own_code, text in self.toAddressesResult}
        for to in self.getMailTo():
            own_code, text = own.get(to, (code, resp))
            taken = to in self.successAddresses
            last = (code, resp) if taken else (own_code, text)
            self.replies[to] = SmarthostReply(last[0], self._readable(last[1]))
        self._decided = True
        self._quit()

    def _readable(self, words: bytes | str) -> str:
        return readable(words, self._secrets)

    def _description(self) -> str:
        if not self._tlsMode:
            seen = "without TLS"
        else:
            seen = describe_tls(self.transport.getHandle(), self.transport.getPeerCertificate())
            seen += ", verified" if self._security.verified else ", not verified"
        login = f"logged in with {self._mechanism}" if self._mechanism else "not logged in"
        return f"{seen}, {login}"
