"""
The commands of SMTP (RFC 5321) with the extensions that we offer.

The submission is asked at each RCPT whether the client may send; nobody ever gets
a reply by mail.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from twisted.mail import smtp

from goiptwist.accounts.users import User
from goiptwist.bridges.mail.intake.content import Content
from goiptwist.bridges.mail.intake.envelope import SmtpEnvelope, read_mail, read_recipient
from goiptwist.bridges.mail.intake.line_server import LineServer, Replies
from goiptwist.bridges.mail.intake.login import (
    MECHANISMS,
    PasswordClaim,
    SaslExchange,
    decoded,
)
from goiptwist.bridges.mail.intake.server_context import ServerContext
from goiptwist.bridges.mail.intake.trace import protocol_name, received_header
from goiptwist.bridges.mail.submission.interfaces import MailClient, MailProtocol
from goiptwist.bridges.mail.submission.smtp_reply import (
    INTERNAL_ERROR,
    ClosingReply,
    SmtpReply,
    in_one,
    reply_to,
)
from goiptwist.net.shielding import shielded

#: RFC 5321 section 4.1.3; looser than that, since many a device has an
#: underscore in its name, but nothing that could not stand in Received.
_NAME = re.compile(rb"[A-Za-z0-9._:\[\]-]{1,255}")

#: Commands of RFC 5321, its ancestors and extensions that we know and do not execute.
_NOT_OFFERED = frozenset((b"EXPN", b"ETRN", b"TURN", b"ATRN", b"SEND", b"SOML", b"SAML", b"BDAT"))

#: Somebody made a browser talk to us; what comes next is not the browser's own either.
_HTTP = frozenset(
    (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE")
)

#: Commands whose arguments may have more than ASCII (RFC 6531 section 3).
_WITH_ADDRESSES = frozenset((b"MAIL", b"RCPT", b"VRFY"))

OK = SmtpReply(250, "2.0.0", "OK")


class SmtpSession(LineServer):
    """
    @ivar implicit: whether TLS began before the first reply.
    @ivar user: who has logged in.
    """

    protocol = MailProtocol.SMTP
    #: The commands; the stock server would call every method named do_ or ext_.
    verbs = frozenset(
        (
            b"HELO", b"EHLO", b"STARTTLS", b"AUTH", b"MAIL", b"RCPT", b"DATA",
            b"RSET", b"NOOP", b"QUIT", b"VRFY", b"HELP",
        )
    )  # fmt: skip

    def __init__(
        self,
        context: ServerContext,
        peer: str,
        left: Callable[[Any], None],
        *,
        implicit: bool = False,
    ) -> None:
        super().__init__(context, peer, left)
        self.startedTLS = implicit
        self.trusted = context.trusts(peer)
        self.user: User | None = None
        self._name = ""
        self._extended = False
        self._envelope: SmtpEnvelope | None = None
        self._sasl: SaslExchange | None = None
        self._in_transaction = False  # the next reply is about a whole mail

    @property
    def client(self) -> MailClient:
        """All that is known of the other side."""
        return MailClient(
            peer=self.peer,
            protocol=self.protocol,
            tls=self.startedTLS,
            user=self.user,
            trusted=self.trusted,
            helo=self._name,
        )

    def greeting(self) -> bytes:
        """Called by the stock server for its first line."""
        return f"{self.context.domain} ESMTP".encode("ascii")

    def is_error(self, reply: SmtpReply) -> bool:
        """
        A known client may have a long list with many wrong recipients, or be a
        mail server that relays what anybody has written; an unknown one guesses.
        """
        in_a_mail = self._envelope is not None or self._in_transaction
        return super().is_error(reply) and not (self.client.known and in_a_mail)

    # Which command

    def state_COMMAND(self, line: bytes) -> None:
        """Called by the stock server for each line outside of AUTH."""
        self._do(self._command, line)

    def _command(self, line: bytes) -> Any:
        self._in_transaction = False
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        if verb in _HTTP:
            self.context.rejections.about("mail_not_smtp", self.peer, "speaks HTTP, not SMTP")
            raise ClosingReply(554, "5.5.1", "This is not a web server")
        if verb in _NOT_OFFERED:
            raise SmtpReply(502, "5.5.1", "Not offered here")
        method = self.lookupMethod(verb)
        if method is None:
            raise SmtpReply(500, "5.5.1", "No such command")
        if not argument.isascii() and verb not in _WITH_ADDRESSES:
            raise SmtpReply(500, "5.5.2", "Only addresses may have more than ASCII")
        return method(argument.strip(b" "))

    def lookupMethod(self, command: bytes) -> Any:
        """Called for each command."""
        return super().lookupMethod(command) if command in self.verbs else None

    # Greetings, and commands that change nothing

    def do_HELO(self, name: bytes) -> SmtpReply:
        """RFC 5321 section 4.1.1.1."""
        self._introduce(name, extended=False)
        return SmtpReply(250, "", self.context.domain)

    def do_EHLO(self, name: bytes) -> None:
        """RFC 5321 section 4.1.1.1."""
        self._introduce(name, extended=True)
        self.sendCode(250, self.host + b"\n" + self.listExtensions())

    def _introduce(self, name: bytes, *, extended: bool) -> None:
        if not _NAME.fullmatch(name):
            raise SmtpReply(501, "5.5.4", "Say your host name with it, such as host.example.org")
        self._name, self._extended = name.decode("ascii"), extended
        self._envelope = None

    def extensions(self) -> dict[bytes, list[bytes] | None]:
        """Called by the stock server for its answer to EHLO."""
        offered: dict[bytes, list[bytes] | None] = {
            b"PIPELINING": None,
            b"8BITMIME": None,
            b"SMTPUTF8": None,
            b"ENHANCEDSTATUSCODES": None,
            b"SIZE": [b"%d" % self.context.settings.max_size],
        }
        if self.context.submission.notifies_senders:
            offered[b"DSN"] = None
        if self.canStartTLS and not self.startedTLS:
            offered[b"STARTTLS"] = None
        if self._may_log_in:
            offered[b"AUTH"] = list(MECHANISMS)
        return offered

    def do_NOOP(self, _: bytes) -> SmtpReply:
        """RFC 5321 section 4.1.1.9."""
        return OK

    def do_HELP(self, _: bytes) -> SmtpReply:
        """RFC 5321 section 4.1.1.8."""
        return SmtpReply(214, "2.0.0", "This gateway sends mails on as SMS; it knows RFC 5321")

    def do_VRFY(self, _: bytes) -> SmtpReply:
        """RFC 5321 section 3.5.3: nobody learns here whom we know."""
        return SmtpReply(252, "2.5.0", "Try it with RCPT")

    def do_RSET(self, argument: bytes) -> SmtpReply:
        """RFC 5321 section 4.1.1.5."""
        _no_argument(argument)
        self._envelope = None
        return OK

    def do_QUIT(self, argument: bytes) -> SmtpReply:
        """RFC 5321 section 4.1.1.10."""
        _no_argument(argument)
        return ClosingReply(221, "2.0.0", "Bye")

    # TLS and login

    def ext_STARTTLS(self, argument: bytes) -> Replies:
        """RFC 3207. Nothing said in clear counts from here on."""
        _no_argument(argument)
        if self.startedTLS:
            raise SmtpReply(503, "5.5.1", "TLS has begun already")
        if not self.canStartTLS:
            raise SmtpReply(502, "5.5.1", "Not offered here")
        if self._unread:
            reason = "something in clear behind STARTTLS: somebody on the way wants to be heard"
            self.context.rejections.about("mail_injected", self.peer, reason)
            self.abort()
            return None
        self.reply(SmtpReply(220, "2.0.0", "Begin"))
        self.transport.startTLS(self.ctx)
        self.startedTLS = True
        self._name, self._extended = "", False
        self.user = self._envelope = None
        return None

    @property
    def _may_log_in(self) -> bool:
        if self.startedTLS:
            return True
        return self.context.settings.clear_login and _is_loopback(self.peer)

    def ext_AUTH(self, argument: bytes) -> Any:
        """RFC 4954."""
        if not self._may_log_in:
            raise SmtpReply(538, "5.7.11", "Not before TLS; change this password, it was in clear")
        if not self._extended or self.user is not None or self._envelope is not None:
            raise SmtpReply(503, "5.5.1", "Log in once, after EHLO and before MAIL")
        mechanism, _, initial = argument.partition(b" ")
        exchange = MECHANISMS.get(mechanism.upper())
        if exchange is None:
            raise SmtpReply(504, "5.5.4", "Only " + b" and ".join(MECHANISMS).decode())
        self._sasl = exchange()
        challenge = next(self._sasl)
        return self._respond(initial) if initial else self._challenge(challenge)

    def _challenge(self, challenge: bytes) -> SmtpReply:
        self.mode = smtp.AUTH
        return SmtpReply(334, "", base64.b64encode(challenge).decode("ascii"))

    def state_AUTH(self, line: bytes) -> None:
        """Called by the stock server for each line of a login."""
        self.mode = smtp.COMMAND
        self._do(self._respond, line)

    def _respond(self, line: bytes) -> Any:
        exchange, self._sasl = self._sasl, None
        response = decoded(line)
        try:
            challenge = exchange.send(response) if exchange else b""
        except StopIteration as done:
            # A guess counts, even if the one who made it hangs up at once.
            return shielded(self._log_in(done.value))
        self._sasl = exchange
        return self._challenge(challenge)

    async def _log_in(self, claim: PasswordClaim) -> SmtpReply:
        self.user = await self.context.user(claim, self.peer)
        return SmtpReply(235, "2.7.0", "Welcome")

    # A mail

    def do_MAIL(self, argument: bytes) -> SmtpReply:
        """RFC 5321 section 4.1.1.2."""
        if not self._name or self._envelope is not None:
            raise SmtpReply(503, "5.5.1", "Say who you are first, and end one mail before the next")
        envelope = read_mail(argument, extended=self._extended, login=self._may_log_in)
        if envelope.size > self.context.settings.max_size:
            self.context.counts["too_large"] += 1
            raise SmtpReply(552, "5.3.4", f"At most {self.context.settings.max_size} bytes")
        self._envelope = envelope
        return SmtpReply(250, "2.1.0", "OK")

    async def do_RCPT(self, argument: bytes) -> SmtpReply:
        """RFC 5321 section 4.1.1.3."""
        envelope = self._current_envelope()
        named = read_recipient(argument, extended=self._extended, utf8=envelope.utf8)
        if envelope.asked >= self.context.settings.recipients:
            raise SmtpReply(452, "4.5.3", "Too many recipients for one mail")
        envelope.asked += 1
        try:
            await self.context.submission.check_recipient(
                self.client, envelope.sender, named.recipient
            )
        except SmtpReply as refusal:
            self.context.counts["recipients_refused"] += 1
            if not self.client.known:
                reason = f"a stranger wanted to send mail on, and heard {refusal.codes}"
                self.context.rejections.about("mail_refused", self.peer, reason)
            raise
        envelope.add(named)
        return SmtpReply(250, "2.1.5", "OK")

    def do_DATA(self, argument: bytes) -> SmtpReply:
        """RFC 5321 section 4.1.1.4."""
        _no_argument(argument)
        if not self._current_envelope().recipients:
            raise SmtpReply(503, "5.5.1", "No recipient was accepted")
        self.mode = smtp.DATA
        self._content = Content(self.context.settings.max_size)
        return SmtpReply(354, "", "End with a dot on a line of its own")

    def _current_envelope(self) -> SmtpEnvelope:
        if self._envelope is None:
            raise SmtpReply(503, "5.5.1", "Say MAIL first")
        return self._envelope

    def _message_received(self, content: Content) -> Any:
        envelope, self._envelope = self._current_envelope(), None
        self._in_transaction = True
        # The submission is not interrupted; a client that has hung up gets no reply.
        return shielded(self._submit(self.client, envelope, content))

    async def _submit(
        self, client: MailClient, envelope: SmtpEnvelope, content: Content
    ) -> Replies:
        identity = secrets.token_hex(6)
        replies = await self._replies(client, envelope, content, identity)
        for reply in replies.values():
            self.context.counts["recipients_taken" if reply.taken else "recipients_refused"] += 1
        if any(reply.taken for reply in replies.values()):
            self.context.counts["mails"] += 1
            self._commands = 0
        self.log.info(
            "Mail {mail} from {peer}, user {user}, {size} bytes: {replies}",
            mail=identity,
            peer=client.peer,
            user=client.user.name if client.user else "-",
            size=len(content.text),
            replies="; ".join(dict.fromkeys(reply.codes for reply in replies.values())),
        )
        return self.final_replies(envelope.recipients, replies)

    async def _replies(
        self, client: MailClient, envelope: SmtpEnvelope, content: Content, identity: str
    ) -> Mapping[str, SmtpReply]:
        recipients = tuple(dict.fromkeys(envelope.recipients))
        protocol = protocol_name(client, extended=self._extended, utf8=envelope.utf8)
        now = self.context.clock.seconds()
        try:
            content.check()
            mail = (
                received_header(client, self.context.domain, protocol, identity, now) + content.text
            )
            replies = await self.context.submission.accept(
                client, envelope.sender, recipients, mail, envelope.requests
            )
        except Exception as error:
            reply = reply_to(error)
            if reply is None:
                self.log.failure("The submission of a mail broke: mail {mail}", mail=identity)
            return dict.fromkeys(recipients, reply or INTERNAL_ERROR)
        return {recipient: replies.get(recipient, INTERNAL_ERROR) for recipient in recipients}

    def final_replies(self, recipients: Sequence[str], replies: Mapping[str, SmtpReply]) -> Replies:
        """What the client hears about a mail: in SMTP, one reply for all recipients."""
        return in_one(replies)


def _no_argument(argument: bytes) -> None:
    if argument:
        raise SmtpReply(501, "5.5.4", "That takes no argument")


def _is_loopback(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False
