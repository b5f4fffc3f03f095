"""
L{MailBridge}: one SMS in, one mail handed to the smarthost.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import define, field
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.bridges.mail.outgoing import status_mail
from goiptwist.bridges.mail.outgoing.composition import ReplyAddresses, message_id, render
from goiptwist.bridges.mail.outgoing.credentials import SmarthostCredentials
from goiptwist.bridges.mail.outgoing.lmtp_client import LmtpSmarthostClient
from goiptwist.bridges.mail.outgoing.settings import MailSettings, TlsMode
from goiptwist.bridges.mail.outgoing.smtp_client import (
    OutgoingEnvelope,
    SmarthostClient,
    TlsPolicy,
)
from goiptwist.bridges.mail.outgoing.tls import UnverifiedTls, verified_tls
from goiptwist.bridges.mail.outgoing.verdict import SmarthostReply, judge
from goiptwist.bridges.mail.reading.printable import readable
from goiptwist.bridges.mail.submission.addresses import (
    answerable,
    bounce_address,
    reply_address,
)
from goiptwist.bridges.mail.submission.context import MailContext
from goiptwist.bridges.mail.submission.threads import MailThreads
from goiptwist.bridges.mail.submission.tokens import DAY, AddressTokens, ReplyGrant
from goiptwist.errors import Away, GoipTwistError, Refused
from goiptwist.interfaces import IBridge, IChecksItself, IGateway, INotifies
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.model.notifications import Notification

#: Messages of which it is remembered who has them already, while another
#: recipient is put off. Past that the oldest is forgotten, and goes to all again.
REMEMBERED = 1000

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def identity(name: str) -> bytes:
    """
    What to call ourselves in EHLO (RFC 5321 section 4.1.4): our name, or an
    address literal if that is no host name.
    """
    return name.encode("ascii") if _HOST_NAME.fullmatch(name) else b"[127.0.0.1]"


@implementer(IBridge, IChecksItself, INotifies)
@define(eq=False)
class MailBridge:
    """
    Each delivery is one conversation with one mail for all recipients.

    Delivery is at least once: if the connection is lost between our last dot
    and the answer, the mail comes again, with the same Message-ID. If some
    recipients took a mail and others were put off, those who have it are
    remembered in this process and not asked again; only a restart in between
    repeats it to them, again with the same Message-ID.

    @ivar name: the name of the section, for the log.
    @ivar greeting: what we call ourselves in EHLO.
    @ivar tokens: make the addresses that answers go to.
    @ivar gateway: knows names, and notes down what belongs together.
    """

    name: str
    settings: MailSettings
    reactor: Any = field(repr=False)
    greeting: bytes
    tokens: AddressTokens = field(repr=False)
    gateway: IGateway = field(repr=False)
    threads: MailThreads = field(init=False, repr=False)
    _creator: Any = field(init=False, repr=False)
    _remembered: dict[str, dict[str, SmarthostReply]] = field(init=False, factory=dict, repr=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.threads = MailThreads(self.gateway)
        host = self.settings.smarthost.host
        if self.settings.tls_mode is TlsMode.VERIFIED:
            self._creator = verified_tls(host, self.settings.ca)
        else:
            self._creator = UnverifiedTls(host)

    async def deliver(self, message: Message) -> Delivered:
        """
        @return: the smarthost's words.
        @raise TryLater: it could not be reached, or asks us to come again.
        @raise Refused: it will never take this mail, for no recipient.
        """
        earlier = await self.threads.earlier(message.line, message.sender)
        name = self.gateway.directory.display_name(message.sender)
        letter = render(message, self.settings, self._answer(message), name, earlier)
        handover = await self._hand_over(message, letter)
        own = message_id(message, self.settings.own_domain)
        await self.threads.add(message.line, message.sender, own)
        return handover

    async def notify(self, notification: Notification) -> Delivered:
        """
        Write to the sender of a mail what became of his SMS.

        @return: the smarthost's words.
        @raise TryLater: it could not be reached, or asks us to come again.
        @raise Refused: it will never take this mail, or there is nobody to write to.
        """
        try:
            mail = MailContext.from_text(notification.message.context)
        except ValueError as wrong:
            raise Refused(f"nobody can be told by mail: {wrong}") from None
        if not mail.to.isascii():
            raise Refused("the sender's address is not ASCII, which needs SMTPUTF8")
        letter = status_mail.render(notification, mail, self.settings.sender, self.gateway.name)
        # From nobody: who cannot be told must not tell us (RFC 3464 section 2).
        dialogue = await self._converse(OutgoingEnvelope("", (mail.to,), letter))
        return judge(dialogue.fates)

    async def _hand_over(self, message: Message, letter: bytes) -> Delivered:
        settled = self._remembered.get(message.id, {})
        waiting = tuple(to for to in self.settings.recipients if to not in settled)
        try:
            dialogue = await self._converse(
                OutgoingEnvelope(self._bounces_to(message), waiting, letter)
            )
            fates = {**settled, **dialogue.fates}
            self._remember(message.id, fates)
            handover = judge(fates)
        except GoipTwistError as trouble:
            self.log.warn(
                "Bridge {bridge} did not hand over {message_id}: {reason}",
                bridge=self.name,
                message_id=message.id,
                reason=str(trouble),
            )
            raise
        if any(fate.refused for fate in fates.values()):
            self.log.warn(
                "Bridge {bridge} handed {message_id} over, but not to all: {reason}",
                bridge=self.name,
                message_id=message.id,
                reason=handover.detail,
            )
        return handover

    def _bounces_to(self, message: Message) -> str:
        """An address of ours that says which message has come back, if there can be one."""
        domain = self.settings.domain
        if not domain:
            return self.settings.sender
        try:
            return bounce_address(self.tokens, message.id, message.at, domain)
        except ValueError:  # an id that is not ours, as in a test of somebody's plug-in
            return self.settings.sender

    def _answer(self, message: Message) -> ReplyAddresses | None:
        """The addresses that an answer needs, where there can be one."""
        settings = self.settings
        if not settings.answers_to or not answerable(message.sender):
            return None
        grant = ReplyGrant(f"bridge:{self.name}", message.line)
        until = message.at + settings.reply_days * DAY
        return ReplyAddresses(
            f"{message.sender}@{settings.domain}" if settings.domain else settings.sender,
            reply_address(self.tokens, grant, message.sender, until, settings.answers_to),
        )

    async def check(self) -> str:
        """
        Connect, protect, log in, and leave.

        @return: what was found, in one sentence.
        @raise TryLater: what is wrong.
        """
        dialogue = await self._converse(None)
        recipients = ", ".join(self.settings.recipients)
        answers = "answers in LMTP" if self.settings.lmtp else "answers"
        found = f"{self.settings.smarthost} {answers}, {dialogue.found}"
        return f"{found}; mail goes to {recipients}"

    async def _converse(self, envelope: OutgoingEnvelope | None) -> SmarthostClient:
        """@raise TryLater: there was no conversation, or it came to nothing."""
        settings = self.settings
        language = LmtpSmarthostClient if settings.lmtp else SmarthostClient
        dialogue = language(
            self.reactor,
            self.greeting,
            self._security(),
            self._login(),
            envelope,
            settings.timeout,
        )
        try:
            await connectProtocol(self._endpoint(), dialogue)
        except (ConnectError, DNSLookupError, OSError, ValueError) as trouble:
            why = readable(str(trouble)) or type(trouble).__name__
            raise Away(f"the smarthost {settings.smarthost} cannot be reached: {why}") from None
        return await dialogue.finished

    def _endpoint(self) -> Any:
        smarthost, timeout = self.settings.smarthost, self.settings.timeout
        endpoint = HostnameEndpoint(self.reactor, smarthost.host, smarthost.port, timeout=timeout)
        return wrapClientTLS(self._creator, endpoint) if self.settings.implicit_tls else endpoint

    def _security(self) -> TlsPolicy:
        mode = self.settings.tls_mode
        return TlsPolicy(
            starttls=None if mode is TlsMode.NONE else self._creator,
            required=mode in (TlsMode.REQUIRED, TlsMode.VERIFIED),
            clear_login=self.settings.smarthost.is_loopback,
            verified=mode is TlsMode.VERIFIED,
        )

    def _login(self) -> SmarthostCredentials | None:
        username, password = self.settings.username, self.settings.password
        if not username or password is None:
            return None
        return SmarthostCredentials(username.encode(), password.clear.encode())

    def _remember(self, message_id: str, fates: dict[str, SmarthostReply]) -> None:
        """Keep what is final as long as something is not."""
        self._remembered.pop(message_id, None)
        final = {to: fate for to, fate in fates.items() if fate.final}
        if 0 < len(final) < len(fates):
            self._remembered[message_id] = final
        while len(self._remembered) > REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
