"""
The mailroom: where a mail that was handed in becomes SMS.

Who is refused is refused while the caller is still there, never by a mail
back: it would go to whoever a stranger has named as the sender.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist import parts
from goiptwist.bridges.mail import loops
from goiptwist.bridges.mail.addresses import Bounced, Directory, Recipient
from goiptwist.bridges.mail.intake.interfaces import Caller, IMailroom
from goiptwist.bridges.mail.intake.reply import Reply
from goiptwist.bridges.mail.opening import Mail, opened
from goiptwist.bridges.mail.reading import ReadingSettings, read
from goiptwist.bridges.mail.tokens import Tokens
from goiptwist.errors import Conflict, GoipTwistError, Unacceptable
from goiptwist.interfaces import IGateway
from goiptwist.message import Submission
from goiptwist.users import DeferToThread

_NOT_YOU = Reply(
    550, "5.7.1", "Log in to send SMS, or answer a mail of ours to the address that it came with"
)
_BOUNCE_TAKEN = Reply(250, "2.0.0", "Noted")
_HAD_BEFORE = Reply(250, "2.0.0", "Taken before")


@frozen
class Way:
    """
    Where one recipient's SMS goes, and on whose account.

    @ivar origin: as L{Submission.origin}.
    @ivar counted: whether the caller is one who could be in a loop with us: a
        program that answers, rather than one that has logged in.
    """

    number: str = field(repr=False)
    line: str
    pool: str
    origin: str
    counted: bool


@implementer(IMailroom)
@define(eq=False, repr=False)
class Mailroom:
    """
    L{IMailroom} of the gateway.

    @ivar domain: that we take mail for; empty is any, for whoever may send.
    @ivar rules: how a text is read out of a mail.
    @ivar most_parts: SMS that one text may need.
    @ivar in_thread: runs the reading of a large mail off the reactor.
    """

    gateway: IGateway
    domain: str
    directory: Directory
    tokens: Tokens
    rules: ReadingSettings
    most_parts: int
    in_thread: DeferToThread
    pairs: loops.Pairs = field(factory=loops.Pairs)
    log = Logger()

    async def may(self, caller: Caller, envelope_from: str, recipient: str) -> None:
        """See L{IMailroom.may}."""
        way = self._way(caller, recipient)
        if way is None and envelope_from:
            raise Reply(550, "5.7.1", "This address is for bounces only")

    async def take(
        self, caller: Caller, envelope_from: str, recipients: Sequence[str], content: bytes
    ) -> Mapping[str, Reply]:
        """See L{IMailroom.take}."""
        ways = {recipient: self._way(caller, recipient) for recipient in recipients}
        fates = {recipient: _BOUNCE_TAKEN for recipient, way in ways.items() if way is None}
        if fates:
            self.log.warn("{count} mails of ours came back", count=len(fates))
        wanted = {recipient: way for recipient, way in ways.items() if way is not None}
        if not wanted:
            return fates
        mail: Mail = await self.in_thread(opened, content)
        generated = caller.known  # a monitoring system that has logged in may alarm
        loops.check(mail.headers, envelope_from, self.domain, generated=generated)
        text = await self._text(mail)
        for recipient, way in wanted.items():
            fates[recipient] = await self._sent(way, text, mail)
        return fates

    def _way(self, caller: Caller, recipient: str) -> Way | None:
        """
        @return: C{None} where a mail of ours has bounced.
        @raise Reply: this caller may not write to this recipient.
        """
        local, at, domain = recipient.rpartition("@")
        if not at:
            local, domain = recipient, ""
        if domain and self.domain and domain.lower() != self.domain.lower():
            raise Reply(550, "5.7.1", f"We take no mail for {domain}, only for {self.domain}")
        try:
            meant = self.directory.read(local)
            if isinstance(meant, Bounced):
                self.tokens.check_bounce(meant.token, meant.id, self.gateway.clock.seconds())
                return None
        except Unacceptable as wrong:
            raise Reply(550, "5.1.1", str(wrong)) from None
        return self._known_way(caller, meant)

    def _known_way(self, caller: Caller, meant: Recipient) -> Way:
        if meant.token:
            return self._answer(meant)
        if caller.user is not None:
            origin = f"user:{caller.user.name}"
        elif caller.trusted:
            origin = f"host:{caller.peer}"
        else:
            raise _NOT_YOU
        return Way(meant.number, meant.line, meant.pool, origin, counted=False)

    def _answer(self, meant: Recipient) -> Way:
        """An answer goes out by the line that the SMS came in by."""
        now = self.gateway.clock.seconds()
        try:
            grant = self.tokens.granted(meant.token, meant.number, now, line=meant.line)
        except Unacceptable as wrong:
            raise Reply(550, "5.7.1", str(wrong)) from None
        return Way(meant.number, grant.line, "", grant.owner, counted=True)

    async def _text(self, mail: Mail) -> str:
        ours = [sms for known in mail.answers if (sms := await self._text_of(known))]
        text: str = (await self.in_thread(read, mail, self.rules, ours)).text
        needed = parts.count(text).parts
        if needed > self.most_parts:
            raise Reply(
                552, "5.3.4", f"The text needs {needed} SMS; at most {self.most_parts} are sent"
            )
        return text

    async def _text_of(self, message_id: str) -> str:
        """The SMS that a mail of ours, known by its Message-ID, was about."""
        known = message_id.strip("<>").partition("@")[0].rpartition(".")[0]
        message = await self.gateway.message(known) if known else None
        return "" if message is None else message.text

    async def _sent(self, way: Way, text: str, mail: Mail) -> Reply:
        now = self.gateway.clock.seconds()
        if way.counted:
            wait = self.pairs.wait(way.origin, way.number, now)
            if wait > 0:
                return Reply(450, "4.7.1", f"Too many to this number; come again in {wait:.0f} s")
        wanted = Submission(
            origin=way.origin,
            recipients=(way.number,),
            text=text,
            line=way.line,
            pool=way.pool,
            client_id=_client_id(mail, way),
        )
        try:
            (message,) = await self.gateway.submit(wanted)
        except Conflict:  # the same mail, read otherwise than the first time
            return _HAD_BEFORE
        except Unacceptable as wrong:
            return Reply(554, "5.6.0", str(wrong))
        except GoipTwistError as trouble:
            return Reply(451, "4.3.0", str(trouble))
        if way.counted:
            self.pairs.sent(way.origin, way.number, now)
        return Reply(250, "2.0.0", f"Kept as {message.id}")


def _client_id(mail: Mail, way: Way) -> str:
    """The same mail to the same recipient is one SMS, however often it comes."""
    ids = mail.headers.ids("Message-ID")
    if not ids:
        return ""
    named = "\0".join((ids[0], way.number, way.line, way.pool))
    return "mail:" + hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()
