"""
The mailroom: where a mail that was handed in becomes SMS.

Who is refused is refused while the caller is still there, never by a mail
back: it would go to whoever a stranger has named as the sender.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from attrs import define, evolve, field, frozen
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.accounts.users import DeferToThread, User
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

_BOUNCE_TAKEN = SmtpReply(250, "2.0.0", "Noted")
_HAD_BEFORE = SmtpReply(250, "2.0.0", "Taken before")


@frozen
class _Job:
    """One recipient of one mail, who may have it."""

    mail: ParsedMail
    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    way: AuthorizedRecipient
    logged_in: bool
    wishes: DsnRequest

    @property
    def may_hear(self) -> bool:
        """Whether its sender may hear what became of it."""
        headers = self.mail.headers
        return subscriptions.may_be_notified(
            self.way.by, self.sender, headers, logged_in=self.logged_in
        )


@implementer(IMailSubmission)
@define(eq=False, repr=False)
class MailSubmission:
    """
    L{IMailSubmission} of the gateway.

    @ivar domain: that we take mail for; empty is any, for whoever may send.
    @ivar rules: how a text is read out of a mail.
    @ivar most_parts: SMS that one text may need.
    @ivar in_thread: runs the reading of a large mail off the reactor.
    @ivar users: of whom some have addresses.
    @ivar authserv: C{authserv} of C{[mail]}.
    @ivar imap_authserv: C{authserv} of C{[imap]}.
    @ivar reports_by: the bridge that tells senders by mail what became of
        their SMS; empty is none.
    """

    gateway: IGateway
    domain: str
    directory: AddressPlan
    tokens: AddressTokens
    rules: ReadingSettings
    most_parts: int
    in_thread: DeferToThread
    pairs: loops.PairLimiter = field(factory=loops.PairLimiter)
    users: Sequence[User] = ()
    authserv: str = ""
    imap_authserv: str = ""
    reports_by: str = ""
    _door: RelayPolicy = field(init=False)
    _threads: MailThreads = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._threads = MailThreads(self.gateway)
        self._door = RelayPolicy(
            self.domain,
            self.directory,
            self.tokens,
            self.gateway.clock,
            tuple(self.users),
            self.authserv,
            self.imap_authserv,
        )

    @property
    def tells(self) -> bool:
        """See L{IMailSubmission.tells}."""
        return bool(self.reports_by)

    async def may(self, caller: MailClient, envelope_from: str, recipient: str) -> None:
        """See L{IMailSubmission.may}."""
        way = self._door.way(caller, recipient)
        if isinstance(way, BounceAddress):
            if envelope_from:
                raise SmtpReply(550, "5.7.1", "This address is for bounces only")
        elif way.origin:
            try:
                self.gateway.directory.check_permission(way.origin, way.number, way.line)
            except Forbidden as no:
                raise SmtpReply(550, "5.7.1", str(no)) from None

    async def take(
        self,
        caller: MailClient,
        envelope_from: str,
        recipients: Sequence[str],
        content: bytes,
        wishes: Mapping[str, DsnRequest],
    ) -> Mapping[str, SmtpReply]:
        """See L{IMailSubmission.take}."""
        ways = {recipient: self._door.way(caller, recipient) for recipient in recipients}
        returned = {each: way for each, way in ways.items() if isinstance(way, BounceAddress)}
        fates = await self._came_back(returned, content)
        wanted = {each: way for each, way in ways.items() if isinstance(way, AuthorizedRecipient)}
        if not wanted:
            return fates
        mail: ParsedMail = await self.in_thread(parse_mail, content)
        proven = self._proven(caller, mail, wanted)
        for recipient, way in proven.items():
            if isinstance(way, SmtpReply):
                fates[recipient] = way
        known = caller.user is not None
        jobs = [
            _Job(mail, envelope_from, recipient, way, known, wishes.get(recipient, DsnRequest()))
            for recipient, way in proven.items()
            if isinstance(way, AuthorizedRecipient)
        ]
        if not jobs:
            return fates
        # A monitoring system that we know may raise an alarm.
        ours = self._door.trusts(caller) or any(job.way.by is Authorization.VOUCHED for job in jobs)
        loops.check(mail.headers, envelope_from, self.domain, generated=ours)
        reading = await self._reading(mail)
        for job in jobs:
            fates[job.recipient] = await self._sent(job, reading)
        return fates

    async def _came_back(
        self, returned: Mapping[str, BounceAddress], content: bytes
    ) -> dict[str, SmtpReply]:
        """Mails of ours that did not arrive are told to those whose SMS they were."""
        if not returned:
            return {}
        reason: str = await self.in_thread(bounces.failure, content)
        fates = dict.fromkeys(returned, _BOUNCE_TAKEN)
        if not reason:
            return fates
        self.log.warn("{count} mails of ours came back", count=len(returned))
        for recipient, bounced in returned.items():
            try:
                await self.gateway.bounces.bounced(bounced.id, reason)
            except GoipTwistError as trouble:
                fates[recipient] = reply_to(trouble) or INTERNAL_ERROR
        return fates

    def _proven(
        self, caller: MailClient, mail: ParsedMail, wanted: Mapping[str, AuthorizedRecipient]
    ) -> dict[str, AuthorizedRecipient | SmtpReply]:
        """Each way on somebody's account, or why it is on nobody's."""
        if not any(way.by is Authorization.VOUCHED for way in wanted.values()):
            return dict(wanted)
        try:
            user = self._door.user(caller, mail.headers)
        except SmtpReply as no:
            return {
                recipient: no if way.by is Authorization.VOUCHED else way
                for recipient, way in wanted.items()
            }
        return {
            recipient: way.of(user) if way.by is Authorization.VOUCHED else way
            for recipient, way in wanted.items()
        }

    async def _reading(self, mail: ParsedMail) -> ExtractedText:
        ours = [sms for known in mail.answers if (sms := await self._text_of(known))]
        reading: ExtractedText = await self.in_thread(extract_text, mail, self.rules, ours)
        needed = segments.count(reading.text).parts
        if needed > self.most_parts:
            raise SmtpReply(
                552, "5.3.4", f"The text needs {needed} SMS; at most {self.most_parts} are sent"
            )
        return reading

    async def _text_of(self, message_id: str) -> str:
        """The SMS that a mail of ours, known by its Message-ID, was about."""
        known = message_id.strip("<>").partition("@")[0].rpartition(".")[0]
        message = await self.gateway.messages.get(known) if known else None
        return "" if message is None else message.text

    async def _sent(self, job: _Job, reading: ExtractedText) -> SmtpReply:
        way, now = job.way, self.gateway.clock.seconds()
        known = _client_id(job.mail, way)
        if way.counted:
            wait = self.pairs.wait(way.origin, way.number, now, known)
            if wait > 0:
                return SmtpReply(
                    450, "4.7.1", f"Too many to this number; come again in {wait:.0f} s"
                )
        wanted = Submission(
            origin=way.origin,
            recipients=(way.number,),
            text=reading.text,
            line=way.line,
            pool=way.pool,
            client_id=known,
        )
        try:
            wanted = self._with_news(wanted, job, now, reading.note)
            (message,) = await self.gateway.messages.submit(wanted)
        except Conflict:  # the same mail, read otherwise than the first time
            return _HAD_BEFORE
        except GoipTwistError as trouble:
            return reply_to(trouble) or INTERNAL_ERROR
        if way.counted:
            self.pairs.sent(way.origin, way.number, now, known)
            for own in job.mail.headers.ids("Message-ID")[:1]:
                await self._threads.add(way.line, way.number, f"<{own}>")
        note = f", {reading.note}" if reading.note else ""
        return SmtpReply(250, "2.0.0", f"Kept as {message.id}{note}")

    def _with_news(self, wanted: Submission, job: _Job, now: float, note: str) -> Submission:
        """The same, and its sender will hear of it as he wants to, if that can be."""
        wishes = job.wishes
        if not (self.reports_by and wishes.notify and job.may_hear):
            return wanted
        if self.rules.confirm:
            wishes = evolve(wishes, notify=wishes.notify | {"success"})
        headers = job.mail.headers
        context = subscriptions.mail_context(headers, job.sender, job.recipient, wishes, now, note)
        if context is None:
            return wanted
        tell = Subscription(f"bridge:{self.reports_by}", subscriptions.statuses_for(wishes.notify))
        return evolve(wanted, context=context.to_text(), tell=(tell,))


def _client_id(mail: ParsedMail, way: AuthorizedRecipient) -> str:
    """The same mail to the same recipient is one SMS, however often it comes."""
    ids = mail.headers.ids("Message-ID")
    if not ids:
        return ""
    named = "\0".join((ids[0], way.number, way.line, way.pool))
    return "mail:" + hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()
