"""
L{MailSubmission}: a mail that was handed in becomes SMS.

A mail that is refused is refused while the client is still there, never by a mail
back: that would go to the address that a stranger has named as the sender.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from attrs import define, evolve, field, frozen
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.accounts.users import User
from goiptwist.accounts.verification import DeferToThread
from goiptwist.bridges.mail.reading.extraction import (
    ExtractedText,
    ReadingSettings,
    extract_text,
)
from goiptwist.bridges.mail.reading.parsing import ParsedMail, parse_mail
from goiptwist.bridges.mail.submission import bounces, loops, subscriptions
from goiptwist.bridges.mail.submission.addresses import AddressPlan, BounceAddress
from goiptwist.bridges.mail.submission.interfaces import (
    DsnRequest,
    IMailSubmission,
    MailClient,
)
from goiptwist.bridges.mail.submission.relay_policy import (
    Authorization,
    AuthorizedRecipient,
    RelayPolicy,
)
from goiptwist.bridges.mail.submission.smtp_reply import INTERNAL_ERROR, SmtpReply, reply_to
from goiptwist.bridges.mail.submission.threads import MailThreads
from goiptwist.bridges.mail.submission.tokens import AddressTokens
from goiptwist.errors import Conflict, Forbidden, GoipTwistError
from goiptwist.interfaces import IGateway
from goiptwist.model.messages import Submission
from goiptwist.model.subscriptions import Subscription
from goiptwist.telephony import segments

#: Mails of a thread that are looked for, the nearest first, and texts of ours that
#: an answer is searched for: each costs as much as the text is long.
ANSWERED_AT_MOST, QUOTED_AT_MOST = 20, 3
_BOUNCE_NOTED = SmtpReply(250, "2.0.0", "Noted")
_TAKEN_BEFORE = SmtpReply(250, "2.0.0", "Taken before")


@frozen
class _Transmission:
    """
    A mail for one recipient that may have it.

    @ivar recipient: as the client wrote it.
    @ivar to: what that comes to.
    """

    mail: ParsedMail
    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    to: AuthorizedRecipient
    logged_in: bool
    dsn: DsnRequest

    @property
    def may_be_notified(self) -> bool:
        """Whether its sender may be notified of what became of it."""
        headers = self.mail.headers
        return subscriptions.may_be_notified(
            self.to.by, self.sender, headers, logged_in=self.logged_in
        )


@implementer(IMailSubmission)
@define(eq=False, repr=False)
class MailSubmission:
    """
    L{IMailSubmission} of the gateway.

    @ivar gateway: its memory is that of the mail bridges, too.
    @ivar domain: the domain that we take mail for; empty is any, for those who may send.
    @ivar addresses: what can be written to.
    @ivar rules: how a text is read out of a mail.
    @ivar in_thread: runs the reading of a large mail off the reactor.
    @ivar users: some of them have mail addresses.
    @ivar authserv: C{authserv} of C{[mail]}.
    @ivar imap_authserv: C{authserv} of C{[imap]}.
    @ivar reports_by: the bridge that notifies senders by mail of what became of
        their SMS; empty is none.
    """

    gateway: IGateway
    domain: str
    addresses: AddressPlan
    tokens: AddressTokens
    rules: ReadingSettings
    in_thread: DeferToThread
    pair_limiter: loops.PairLimiter = field(factory=loops.PairLimiter)
    users: Sequence[User] = ()
    authserv: str = ""
    imap_authserv: str = ""
    reports_by: str = ""
    _policy: RelayPolicy = field(init=False)
    _threads: MailThreads = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._threads = MailThreads(self.gateway.memory)
        self._policy = RelayPolicy(
            self.domain,
            self.addresses,
            self.tokens,
            self.gateway.clock,
            tuple(self.users),
            self.authserv,
            self.imap_authserv,
        )

    @property
    def notifies_senders(self) -> bool:
        """See L{IMailSubmission.notifies_senders}."""
        return bool(self.reports_by)

    async def check_recipient(self, client: MailClient, envelope_from: str, recipient: str) -> None:
        """See L{IMailSubmission.check_recipient}."""
        to = self._policy.authorize(client, recipient)
        if isinstance(to, BounceAddress):
            if envelope_from:
                raise SmtpReply(550, "5.7.1", "This address is for bounces only")
        elif to.origin:
            try:
                self.gateway.directory.check_permission(to.origin, to.number, to.line)
            except Forbidden as forbidden:
                raise SmtpReply(550, "5.7.1", str(forbidden)) from None

    async def accept(
        self,
        client: MailClient,
        envelope_from: str,
        recipients: Sequence[str],
        content: bytes,
        requests: Mapping[str, DsnRequest],
    ) -> Mapping[str, SmtpReply]:
        """See L{IMailSubmission.accept}."""
        to = {recipient: self._policy.authorize(client, recipient) for recipient in recipients}
        returned = {each: own for each, own in to.items() if isinstance(own, BounceAddress)}
        replies = await self._take_bounces(returned, content)
        allowed = {each: own for each, own in to.items() if isinstance(own, AuthorizedRecipient)}
        if not allowed:
            return replies
        mail: ParsedMail = await self.in_thread(parse_mail, content)
        proven = self._proven(client, mail, allowed)
        replies |= {each: own for each, own in proven.items() if isinstance(own, SmtpReply)}
        known = client.user is not None
        transmissions = [
            _Transmission(mail, envelope_from, each, own, known, requests.get(each, DsnRequest()))
            for each, own in proven.items()
            if isinstance(own, AuthorizedRecipient)
        ]
        if not transmissions:
            return replies
        # A monitoring system that we know may raise an alarm.
        vouched = any(each.to.by is Authorization.VOUCHED for each in transmissions)
        ours = self._policy.is_trusted(client) or vouched
        loops.check(mail.headers, envelope_from, self.domain, generated=ours)
        extracted = await self._extracted(mail)
        for each in transmissions:
            replies[each.recipient] = await self._submit(each, extracted)
        return replies

    async def _take_bounces(
        self, returned: Mapping[str, BounceAddress], content: bytes
    ) -> dict[str, SmtpReply]:
        """Mails of ours that did not arrive are noted at the SMS that they were about."""
        if not returned:
            return {}
        reason: str = await self.in_thread(bounces.failure, content)
        replies = dict.fromkeys(returned, _BOUNCE_NOTED)
        if not reason:
            return replies
        self.log.warn("{count} mails of ours came back", count=len(returned))
        for recipient, bounced in returned.items():
            try:
                await self.gateway.bounces.bounced(bounced.id, reason, bounced.recipient)
            except GoipTwistError as error:
                replies[recipient] = reply_to(error) or INTERNAL_ERROR
        return replies

    def _proven(
        self, client: MailClient, mail: ParsedMail, to: Mapping[str, AuthorizedRecipient]
    ) -> dict[str, AuthorizedRecipient | SmtpReply]:
        """Each recipient with the account that it is on, or the refusal."""
        vouched = {each for each, own in to.items() if own.by is Authorization.VOUCHED}
        if not vouched:
            return dict(to)
        try:
            user = self._policy.sender(client, mail.headers)
        except SmtpReply as refusal:
            return {each: refusal if each in vouched else own for each, own in to.items()}
        return {
            each: own.on_account_of(user) if each in vouched else own for each, own in to.items()
        }

    async def _extracted(self, mail: ParsedMail) -> ExtractedText:
        ours = await self._texts_of(mail.answers[:ANSWERED_AT_MOST])
        extracted: ExtractedText = await self.in_thread(extract_text, mail, self.rules, ours)
        needed = segments.count(extracted.text).parts
        if needed > self.rules.segments:
            raise SmtpReply(
                552, "5.3.4", f"The text needs {needed} SMS; at most {self.rules.segments} are sent"
            )
        return extracted

    async def _texts_of(self, ids: Sequence[str]) -> list[str]:
        """The SMS that an answer may quote, the nearest first."""
        found: list[str] = []
        for known in ids:
            sms = await self._text_of(known)
            if sms:
                found.append(sms)
            if len(found) == QUOTED_AT_MOST:
                break
        return found

    async def _text_of(self, message_id: str) -> str:
        """The SMS that a mail of ours, known by its Message-ID, was about."""
        known = message_id.strip("<>").partition("@")[0].rpartition(".")[0]
        message = await self.gateway.messages.get(known) if known else None
        return "" if message is None else message.text

    async def _submit(self, transmission: _Transmission, extracted: ExtractedText) -> SmtpReply:
        to, now = transmission.to, self.gateway.clock.seconds()
        client_id = _client_id(transmission.mail, to)
        if to.counted:
            wait = self.pair_limiter.wait(to.origin, to.number, now, client_id)
            if wait > 0:
                return SmtpReply(
                    450, "4.7.1", f"Too many to this number; come again in {wait:.0f} s"
                )
        submission = Submission(
            origin=to.origin,
            recipients=(to.number,),
            text=extracted.text,
            line=to.line,
            pool=to.pool,
            client_id=client_id,
        )
        try:
            submission = self._with_subscription(submission, transmission, now, extracted.note)
            (message,) = await self.gateway.messages.submit(submission)
        except Conflict:  # the same mail, read otherwise than the first time
            return _TAKEN_BEFORE
        except GoipTwistError as error:
            return reply_to(error) or INTERNAL_ERROR
        if to.counted:
            self.pair_limiter.sent(to.origin, to.number, now, client_id)
            await self._note(transmission.mail, to)
        note = f", {extracted.note}" if extracted.note else ""
        return SmtpReply(250, "2.0.0", f"Kept as {message.id}{note}")

    async def _note(self, mail: ParsedMail, to: AuthorizedRecipient) -> None:
        """The next mail of this conversation refers to this one."""
        for own in mail.headers.ids("Message-ID")[:1]:
            await self._threads.add(to.line, to.number, f"<{own}>")

    def _with_subscription(
        self, submission: Submission, transmission: _Transmission, now: float, note: str
    ) -> Submission:
        """The same, and its sender is notified as the mail asks for it, if that is possible."""
        dsn = transmission.dsn
        if not (self.reports_by and dsn.notify and transmission.may_be_notified):
            return submission
        if self.rules.confirm:
            dsn = evolve(dsn, notify=dsn.notify | {"success"})
        context = subscriptions.mail_context(
            transmission.mail.headers, transmission.sender, transmission.recipient, dsn, now, note
        )
        if context is None:
            return submission
        statuses = subscriptions.statuses_for(dsn.notify)
        subscription = Subscription(f"bridge:{self.reports_by}", statuses)
        return evolve(submission, context=context.to_text(), subscriptions=(subscription,))


def _client_id(mail: ParsedMail, to: AuthorizedRecipient) -> str:
    """The same mail to the same recipient is one SMS, however often it comes."""
    ids = mail.headers.ids("Message-ID")
    if not ids:
        return ""
    named = "\0".join((ids[0], to.number, to.line, to.pool))
    return "mail:" + hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()
