# mypy: disallow-untyped-calls=False
# (the stock client is not annotated)
"""
One conversation with a smarthost, from its greeting to our goodbye.

L{twisted.mail.smtp.ESMTPClient} knows the order of SMTP. This class gives it
one mail, sorts what comes back, and closes what the stock client leaves open:
an endless answer, words in clear behind STARTTLS, an empty line in the answer
to EHLO, a password said twice or in clear, a peer that never hangs up.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from attrs import field, frozen
from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.mail import smtp
from twisted.mail.interfaces import IClientAuthentication
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.bridges.mail.verdict import Reply, readable
from goiptwist.errors import TryLater

#: Seconds that the smarthost has for its answer to QUIT. The mail is settled
#: by then, and nothing undoes it; RFC 5321 section 4.1.1.10 asks us to wait.
GOODBYE = 2.0

#: Lines that a smarthost may say in one conversation. A long EHLO answer has
#: 20; who says so much more is no smarthost.
LINES_AT_MOST = 500

#: How long a whole conversation may take, in time-outs of one answer: EHLO
#: twice, STARTTLS, AUTH, MAIL, DATA, the dot, and some recipients.
PATIENCE = 20

#: RFC 5321 section 4.2, Reply-line.
_REPLY = re.compile(rb"[2-5][0-9][0-9]([ -]|$)")

#: What the stock client calls its troubles, in words, and whether the code
#: and text in the exception are the smarthost's own. The first that fits.
_TROUBLES: tuple[tuple[type[smtp.SMTPClientError], str, bool], ...] = (
    (smtp.AUTHDeclinedError, "did not accept the user name and password", True),
    (smtp.AUTHRequiredError, "offers no way to log in that we know", False),
    (smtp.AuthenticationError, "broke off the login", True),
    (smtp.TLSRequiredError, "does not offer STARTTLS, and the settings ask for it", False),
    (smtp.TLSError, "offered STARTTLS and then did not begin it", True),
    (smtp.EHLORequiredError, "does not speak ESMTP, which TLS and logging in need", False),
    (smtp.SMTPConnectError, "does not want to talk to us", True),
)


@frozen
class Envelope:
    """
    @ivar letter: the mail in RFC 5322 form, with CRLF line ends.
    """

    sender: str
    recipients: tuple[str, ...]
    letter: bytes = field(repr=False)


@frozen
class Login:
    """A name and password, as bytes; neither is shown."""

    username: bytes = field(repr=False)
    password: bytes = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every form in which a far side could echo the password."""
        plain = b"\0" + self.username + b"\0" + self.password
        coded = (base64.b64encode(said).decode() for said in (plain, self.password))
        return (self.password.decode("utf-8", "replace"), *coded)


@frozen
class Security:
    """
    @ivar starttls: makes the TLS connection if the smarthost offers STARTTLS;
        C{None}: never.
    @ivar required: without TLS there is no mail.
    @ivar clear_login: the password may be said without TLS, since it does not
        leave this machine.
    """

    starttls: Any
    required: bool
    clear_login: bool


@implementer(IClientAuthentication)
@frozen
class Plain:
    """AUTH PLAIN (RFC 4616) without an authorization identity."""

    username: bytes = field(repr=False)

    def getName(self) -> bytes:
        return b"PLAIN"

    def challengeResponse(self, secret: bytes, challenge: object) -> bytes:
        return b"\0" + self.username + b"\0" + secret


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


class Dialogue(smtp.ESMTPClient):
    """
    @ivar finished: fires with this dialogue once the connection is closed, or
        fails with L{TryLater}. Cancelling it closes the connection at once;
        what the smarthost has already said about the mail still counts.
    @ivar fates: the last reply for each recipient.
    @ivar found: what was seen of the smarthost before the first mail, in words.
    """

    debug = False  # the stock client's record of lines would hold the password
    timeout: Any = None
    transport: Any = None

    def __init__(
        self,
        clock: IReactorTime,
        identity: bytes,
        security: Security,
        login: Login | None,
        envelope: Envelope | None,
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
        self.fates: dict[str, Reply] = {}
        self.found = ""
        self.finished: Deferred[Dialogue] = Deferred(self._cancelled)
        self._clock, self._security, self._login = clock, security, login
        self._envelope = envelope
        self._secrets = login.secrets if login else ()
        self._settled = self._in_hand = False
        self._trouble: TryLater | None = None
        self._mechanism = ""
        self._lines, self._deadline = 0, clock.seconds() + PATIENCE * timeout

    def connectionMade(self) -> None:
        """
        Called by Twisted when the smarthost is reached. The mail and the dot
        behind it are two writes: they shall not wait for one another.
        """
        self.transport.setTcpNoDelay(True)
        super().connectionMade()

    # How it ends

    def _put_off(self, reason: str) -> None:
        """The first trouble counts, unless everything was said already."""
        if not self._settled:
            self._settled = True
            self._trouble = TryLater(reason, attempted=self._in_hand)

    def _hang_up(self, reason: str) -> None:
        self._put_off(reason)
        self.clearLineBuffer()
        self.transport.abortConnection()

    def _part(self) -> None:
        """Say goodbye, and do not wait for ever for the answer."""
        self.setTimeout(GOODBYE)
        self._disconnectFromServer()

    def _cancelled(self, finished: Deferred[Dialogue]) -> None:
        if self.fates:
            finished.callback(self)
        else:
            finished.errback(CancelledError())
        self._hang_up("the delivery was called off")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Called by Twisted when the connection is closed, by whomever."""
        super().connectionLost(reason)
        self._put_off(lost(reason.value, self._in_hand))
        if self.finished.called:
            return
        if self._trouble is not None:
            self.finished.errback(self._trouble)
        else:
            self.finished.callback(self)

    def sendError(self, exc: Exception) -> None:
        """Called by the stock client when it cannot go on."""
        if isinstance(exc, smtp.SMTPClientError):
            self._put_off(trouble(exc, self._secrets))
            self._part()
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
        self._lines += 1
        if self._lines > LINES_AT_MOST or self._clock.seconds() > self._deadline:
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
        TLS may begin. What stands behind the yes in clear was said by somebody
        else (RFC 3207 section 6), and must not pass for the smarthost's words.
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
            self._part()
            return
        if self._login:
            self.authenticators = _mechanisms(self._login, encrypted=self._tlsMode)
        super().authenticate(code, resp, items)
        chosen = getattr(self, "_authinfo", None)
        self._mechanism = chosen.getName().decode() if chosen else ""

    def _esmtpState_plainAuth(self, code: int, resp: bytes) -> None:
        """AUTH PLAIN was declined. The stock client would try once more."""
        self.esmtpAUTHDeclined(code, resp)

    def getMailFrom(self) -> str | None:
        """Called by the stock client when it is ready for a mail."""
        self.found = self._what_we_found()
        if self._envelope is None:
            self._settled = True
            self.setTimeout(GOODBYE)
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
        letter = self._envelope.letter if self._envelope else b""
        return BytesIO(re.sub(rb"(?m)^\.", b"..", letter))

    def transformChunk(self, chunk: bytes) -> bytes:
        """Called by the stock client for each part of the mail."""
        self.resetTimeout()
        return chunk

    def smtpState_msgSent(self, code: int, resp: bytes | str) -> None:
        """
        The last word about this mail, which those recipients share who had
        none of their own. The stock client would say RSET and wait.
        """
        own = {to: (said, words) for to, said, words in self.toAddressesResult}
        for to in self.getMailTo():
            said, words = own.get(to, (code, resp))
            taken = to in self.successAddresses
            last = (code, resp) if taken else (said, words)
            self.fates[to] = Reply(last[0], self._readable(last[1]))
        self._settled = True
        self._part()

    def _readable(self, words: bytes | str) -> str:
        return readable(words, self._secrets)

    def _what_we_found(self) -> str:
        if not self._tlsMode:
            seen = "without TLS"
        else:
            seen = _tls_in_words(self.transport.getHandle(), self.transport.getPeerCertificate())
        login = f"logged in with {self._mechanism}" if self._mechanism else "not logged in"
        return f"{seen}, {login}"


def _mechanisms(login: Login, *, encrypted: bool) -> list[Any]:
    """
    What to try, best first. Within TLS that is PLAIN: many a server offers
    CRAM-MD5 without having the passwords that it needs for it.
    """
    said = [Plain(login.username), smtp.LOGINAuthenticator(login.username)]
    hashed = smtp.CramMD5ClientAuthenticator(login.username)
    return [*said, hashed] if encrypted else [hashed, *said]


def _tls_in_words(connection: Any, certificate: Any) -> str:
    version = connection.get_protocol_version_name()
    subject = certificate.to_cryptography().subject.rfc4514_string()
    return f"{version} with the certificate of {readable(subject) or 'nobody in particular'}"


def trouble(exc: smtp.SMTPClientError, secrets: tuple[str, ...]) -> str:
    """Say what stopped the stock client, without its record of the conversation."""
    for kind, words, said in _TROUBLES:
        if isinstance(exc, kind):
            answer = f": {exc.code} {readable(exc.resp, secrets)}" if said and exc.code > 0 else ""
            return f"the smarthost {words}{answer}"
    return "the conversation with the smarthost went wrong"


def lost(why: BaseException | None, in_hand: bool) -> str:
    """Say what it means that the connection is gone."""
    if isinstance(why, VerificationError):
        return "the smarthost's certificate is for another name than ours for it"
    if isinstance(why, SSL.Error):
        details = ", ".join(str(part[-1]) for part in (why.args[0] if why.args else ()) if part)
        return f"TLS with the smarthost failed: {details or 'no reason given'}"
    if in_hand:
        return "the connection was lost before the smarthost answered"
    return "the smarthost hung up before it was given the mail"
