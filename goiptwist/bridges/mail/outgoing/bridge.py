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
from goiptwist.bridges.mail.outgoing.composition import ReplyAddresses, compose, message_id
from goiptwist.bridges.mail.outgoing.credentials import SmarthostCredentials
from goiptwist.bridges.mail.outgoing.lmtp_client import LmtpSmarthostClient
from goiptwist.bridges.mail.outgoing.settings import MailSettings, TlsMode
from goiptwist.bridges.mail.outgoing.smtp_client import (
    OutgoingEnvelope,
    SmarthostClient,
    TlsPolicy,
)
from goiptwist.bridges.mail.outgoing.tls import UnverifiedTls, verified_tls
from goiptwist.bridges.mail.outgoing.verdict import judge
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
from goiptwist.interfaces import IChecksItself, IConversational, IDeliversEach, IGateway
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.model.notifications import Notification

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def identity(name: str) -> bytes:
    """
    What to call ourselves in EHLO (RFC 5321 section 4.1.4): our name, or an
    address literal if that is no host name.
    """
    return name.encode("ascii") if _HOST_NAME.fullmatch(name) else b"[127.0.0.1]"


@implementer(IDeliversEach, IChecksItself, IConversational)
@define(eq=False)
class MailBridge:
    """
    Each delivery is one session with one mail, for one recipient of several.

    Delivery is at least once: if the connection is lost between our last dot
    and the reply, the mail comes again, with the same Message-ID. The mail is
    the same for each recipient, and each has a transaction of its own, so that
    a failure for one repeats it to nobody else.

    @ivar name: the name of the section, for the log.
    @ivar greeting: what we call ourselves in EHLO.
    @ivar tokens: make the addresses that answers go to.
    @ivar gateway: knows names, and keeps what belongs together.
    """

    name: str
    settings: MailSettings
    reactor: Any = field(repr=False)
    greeting: bytes
    tokens: AddressTokens = field(repr=False)
    gateway: IGateway = field(repr=False)
    _creator: Any = field(init=False, repr=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        host = self.settings.smarthost.host
        if self.settings.tls_mode is TlsMode.VERIFIED:
            self._creator = verified_tls(host, self.settings.ca)
        else:
            self._creator = UnverifiedTls(host)

    @property
    def threads(self) -> MailThreads:
        """The mails that belong together."""
        return MailThreads(self.gateway.memory)

    async def deliver_to(self, message: Message, recipient: str) -> Delivered:
        """
        @param recipient: one of those of the settings.
        @return: the smarthost's reply.
        @raise TryLater: it could not be reached, or asks us to come again.
        @raise Refused: it will never take this mail for this recipient.
        """
        return await self._deliver(message, (recipient,))

    async def deliver(self, message: Message) -> Delivered:
        """
        Deliver a message whose row in the queue names no recipient: to all, in
        one transaction.

        @return: the smarthost's reply.
        @raise TryLater: it could not be reached, or puts a recipient off.
        @raise Refused: it will never take this mail, for no recipient.
        """
        return await self._deliver(message, self.settings.recipients)

    async def notify(self, notification: Notification) -> Delivered:
        """
        Write to the sender of a mail what became of the SMS.

        @return: the smarthost's reply.
        @raise TryLater: it could not be reached, or asks us to come again.
        @raise Refused: it will never take this mail, or there is nobody to write to.
        """
        try:
            context = MailContext.from_text(notification.message.context)
        except ValueError as error:
            raise Refused(f"nobody can be notified by mail: {error}") from None
        if not context.to.isascii():
            raise Refused("the sender's address is not ASCII, which needs SMTPUTF8")
        content = status_mail.compose_status(
            notification, context, self.settings.sender, self.gateway.name
        )
        # From nobody: a mail that cannot be delivered must not come back (RFC 3464 section 2).
        session = await self._transmit(OutgoingEnvelope("", (context.to,), content))
        return judge(session.replies)

    async def _deliver(self, message: Message, recipients: tuple[str, ...]) -> Delivered:
        own = message_id(message, self.settings.own_domain)
        earlier = await self.threads.earlier(message.line, message.sender, own)
        name = self.gateway.directory.display_name(message.sender)
        content = compose(message, self.settings, self._reply_addresses(message), name, earlier)
        delivered = await self._hand_over(message, recipients, content)
        await self.threads.add(message.line, message.sender, own)
        return delivered

    async def _hand_over(
        self, message: Message, recipients: tuple[str, ...], content: bytes
    ) -> Delivered:
        envelope = OutgoingEnvelope(self._envelope_sender(message, recipients), recipients, content)
        try:
            session = await self._transmit(envelope)
            delivered = judge(session.replies)
        except GoipTwistError as error:
            self.log.warn(
                "{destination} did not take {message_id}: {reason}",
                destination=f"bridge:{self.name}",
                message_id=message.id,
                reason=str(error),
            )
            raise
        if any(reply.refused for reply in session.replies.values()):
            self.log.warn(
                "{destination} took {message_id}, but not for all: {reason}",
                destination=f"bridge:{self.name}",
                message_id=message.id,
                reason=delivered.detail,
            )
        return delivered

    def _envelope_sender(self, message: Message, recipients: tuple[str, ...]) -> str:
        """An address of ours that says which mail has come back, if there can be one."""
        domain = self.settings.domain
        if not domain:
            return self.settings.sender
        try:
            whose = recipients[0] if len(recipients) == 1 else ""
            return bounce_address(self.tokens, message.id, message.at, domain, whose)
        except ValueError:  # an id that is not ours, as in a test of somebody's plug-in
            return self.settings.sender

    def _reply_addresses(self, message: Message) -> ReplyAddresses | None:
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
        session = await self._transmit(None)
        recipients = ", ".join(self.settings.recipients)
        answers = "answers in LMTP" if self.settings.lmtp else "answers"
        found = f"{self.settings.smarthost} {answers}, {session.found}"
        return f"{found}; mail goes to {recipients}"

    async def _transmit(self, envelope: OutgoingEnvelope | None) -> SmarthostClient:
        """@raise TryLater: there was no session, or it came to nothing."""
        settings = self.settings
        client = LmtpSmarthostClient if settings.lmtp else SmarthostClient
        session = client(
            self.reactor,
            self.greeting,
            self._tls_policy(),
            self._credentials(),
            envelope,
            settings.timeout,
        )
        try:
            await connectProtocol(self._endpoint(), session)
        except (ConnectError, DNSLookupError, OSError, ValueError) as error:
            reason = readable(str(error)) or type(error).__name__
            raise Away(f"the smarthost {settings.smarthost} cannot be reached: {reason}") from None
        return await session.finished

    def _endpoint(self) -> Any:
        smarthost, timeout = self.settings.smarthost, self.settings.timeout
        endpoint = HostnameEndpoint(self.reactor, smarthost.host, smarthost.port, timeout=timeout)
        return wrapClientTLS(self._creator, endpoint) if self.settings.implicit_tls else endpoint

    def _tls_policy(self) -> TlsPolicy:
        mode = self.settings.tls_mode
        return TlsPolicy(
            starttls=None if mode is TlsMode.NONE else self._creator,
            required=mode in (TlsMode.REQUIRED, TlsMode.VERIFIED),
            clear_login=self.settings.smarthost.is_loopback,
            verified=mode is TlsMode.VERIFIED,
        )

    def _credentials(self) -> SmarthostCredentials | None:
        username, password = self.settings.username, self.settings.password
        if not username or password is None:
            return None
        return SmarthostCredentials(username.encode(), password.clear.encode())
