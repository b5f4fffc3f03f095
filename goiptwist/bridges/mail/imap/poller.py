"""
Mail in for those who have a mailbox but no mail server: an IMAP folder is
polled.

A mail becomes SMS once: the submission takes it and commits, then it is moved
to another folder. If anything breaks in between, it is fetched once more, and
the submission knows it by its Message-ID; a mail that has none gets one from
its UIDVALIDITY and UID, which are never given twice (RFC 3501 section 2.3.1.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from attrs import define, field
from OpenSSL import SSL
from service_identity import VerificationError
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, ensureDeferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.protocol import connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.mail import imap4
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.bridges.mail.imap.fetched_mail import FetchedMail
from goiptwist.bridges.mail.imap.settings import ImapSettings
from goiptwist.bridges.mail.outgoing.tls import describe_tls, verified_tls
from goiptwist.bridges.mail.reading.printable import readable
from goiptwist.bridges.mail.submission.interfaces import (
    IMailSubmission,
    MailClient,
    MailProtocol,
)
from goiptwist.bridges.mail.submission.smtp_reply import (
    INTERNAL_ERROR,
    SmtpReply,
    in_one,
    reply_to,
)
from goiptwist.config.values import HostPort
from goiptwist.errors import Away, TryLater
from goiptwist.interfaces import IChecksItself
from goiptwist.net.rejections import Rejections
from goiptwist.net.shielding import shielded

#: What a poll may fail of: the network, TLS, the server.
_FAILURES = (
    ConnectError, ConnectionClosed, DNSLookupError, OSError, TimeoutError,
    SSL.Error, VerificationError, imap4.IMAP4Exception, imap4.IllegalServerResponse,
)  # fmt: skip


def _quoted(text: str) -> bytes:
    """RFC 3501 section 4.3. The settings let no CR or LF through."""
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", text.encode()) + b'"'


class ImapConnection(imap4.IMAP4Client):
    """
    The stock client, with a Deferred that fires when the connection has gone.

    Its C{login} is not used: it would begin STARTTLS without looking at the
    certificate.
    """

    transport: Any

    def __init__(self) -> None:
        super().__init__()
        self._gone: Deferred[None] = Deferred()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Called by Twisted when the connection is closed, by either side."""
        super().connectionLost(reason)
        self._gone.callback(None)

    def hang_up(self) -> Deferred[None]:
        """@return: fires when the connection has gone."""
        self.transport.abortConnection()
        return self._gone


@define(eq=False, repr=False)
class FolderPoll:
    """
    One poll of the folder, over one connection.

    @ivar destinations: the folders of mails that were taken or refused and perhaps not
        moved yet, by UIDVALIDITY and UID.
    @ivar submission: takes the mails; C{None} if they are only counted.
    @ivar mailboxes: see L{ImapIntake}.
    """

    settings: ImapSettings
    submission: IMailSubmission | None
    clock: Any
    connection: Any
    destinations: dict[tuple[int, int], str]
    mailboxes: Sequence[str] = ()
    _moves: bool = field(default=False, init=False)
    log = Logger()

    async def run(self) -> None:
        """@raise Exception: any of C{_FAILURES}; the next poll goes on."""
        settings = self.settings
        await self._log_in()
        capabilities = await self._with_timeout(self.connection.getCapabilities(useCache=0))
        self._moves = b"MOVE" in capabilities
        for folder in (settings.taken_folder, settings.refused_folder):
            with suppress(imap4.IMAP4Exception):  # it is there
                await self._with_timeout(self.connection.create(folder))
        opened = await self._with_timeout(self.connection.select(settings.folder))
        validity = int(opened.get("UIDVALIDITY", 0))
        searched = self.connection.search(imap4.Query(undeleted=True), uid=True)
        found = await self._with_timeout(searched)
        failure = None
        for uid in sorted(found):
            try:
                await self._settle(validity, uid)
            except imap4.IMAP4Exception as refused:  # one mail must not stop the others
                failure = refused
        await self._with_timeout(self.connection.logout())
        if failure is not None:
            raise failure

    async def count(self) -> int:
        """@return: how many mails are in the folder, of which none is touched."""
        await self._log_in()
        opened = await self._with_timeout(self.connection.examine(self.settings.folder))
        return int(opened.get("EXISTS", 0))

    async def _log_in(self) -> None:
        settings = self.settings
        secret = settings.password.clear if settings.password else ""
        await self._command(b"LOGIN", _quoted(settings.username), _quoted(secret))

    async def _settle(self, validity: int, uid: int) -> None:
        folder = self.destinations.get((validity, uid)) or await self._work(validity, uid)
        if folder:
            self.destinations[validity, uid] = folder
            await self._move(uid, folder)
            del self.destinations[validity, uid]

    async def _work(self, validity: int, uid: int) -> str:
        """@return: the folder in which a mail belongs, or empty to leave it."""
        try:
            reply = in_one(await self._submitted(validity, uid))
        except SmtpReply as refusal:
            reply = refusal
        self.log.info("Mail {uid} of the mailbox: {answers}", uid=uid, answers=reply.codes)
        if reply.later:
            return ""
        return self.settings.taken_folder if reply.taken else self.settings.refused_folder

    async def _submitted(self, validity: int, uid: int) -> Mapping[str, SmtpReply]:
        server = self.settings.server
        host = server.host if server else ""
        sizes = await self._with_timeout(self.connection.fetchSize(uid, uid=True))
        if max((int(each["RFC822.SIZE"]) for each in sizes.values()), default=0) > (
            self.settings.max_size
        ):
            raise SmtpReply(552, "5.3.4", "The mail is too large")
        fetched = await self._with_timeout(self.connection.fetchSpecific(uid, uid=True, peek=True))
        mail = FetchedMail.read(
            _content(fetched),
            self.settings.recipient_header,
            f"imap-{validity}-{uid}@{host}",
            self.mailboxes,
        )
        client = MailClient(
            peer=host,
            protocol=MailProtocol.IMAP,
            tls=self.settings.tls,
            user=None,
            trusted=False,
            helo=host,
        )
        return await shielded(self._hand_in(client, mail))

    async def _hand_in(self, client: MailClient, mail: FetchedMail) -> Mapping[str, SmtpReply]:
        submission: Any = self.submission
        sender, recipient = mail.sender, mail.recipient
        try:
            await submission.check_recipient(client, sender, recipient)
            replies = await submission.accept(client, sender, (recipient,), mail.content, {})
        except Exception as error:
            reply = reply_to(error)
            if reply is None:
                self.log.failure("The submission of a mail of the mailbox broke")
            return {recipient: reply or INTERNAL_ERROR}
        return {recipient: replies.get(recipient, INTERNAL_ERROR)}

    async def _move(self, uid: int, folder: str) -> None:
        """RFC 6851, or what it stands for."""
        if self._moves:
            await self._command(b"UID MOVE", b"%d" % uid, _quoted(folder))
            return
        await self._with_timeout(self.connection.copy(uid, folder, uid=True))
        await self._command(b"UID STORE", b"%d" % uid, b"+FLAGS.SILENT", rb"(\Deleted)")
        await self._with_timeout(self.connection.expunge())

    async def _command(self, command: bytes, *arguments: bytes) -> None:
        sent = self.connection.sendCommand(imap4.Command(command, b" ".join(arguments)))
        await self._with_timeout(sent)

    def _with_timeout(self, answer: Deferred[Any]) -> Deferred[Any]:
        return answer.addTimeout(self.settings.timeout, self.clock)


def _content(fetched: Mapping[int, Any]) -> bytes:
    """
    Dig the mail out of what the stock client makes of BODY[].

    @raise SmtpReply: the server did not send it; somebody may have moved it just now.
    """
    for rows in fetched.values():
        for row in rows:
            for before, after in pairwise(row):
                if before == [] and isinstance(after, str | bytes):
                    # The client has made one character of each byte.
                    return after.encode("latin-1") if isinstance(after, str) else after
    raise SmtpReply(451, "4.3.0", "The mail was not there")


@implementer(IChecksItself)
class ImapIntake(Service):
    """Polls a mailbox while it runs."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: ImapSettings,
        submission: IMailSubmission,
        rejections: Rejections,
        mailboxes: Sequence[str] = (),
    ) -> None:
        """
        @param mailboxes: the addresses under which the folder gets its mail, of
            bridges that have no domain.
        """
        self._reactor, self._settings = reactor, settings
        self._submission, self._rejections = submission, rejections
        self._mailboxes = mailboxes
        self._destinations: dict[tuple[int, int], str] = {}
        self._polling: Deferred[None] | None = None
        self._loop = LoopingCall(self.poll)
        self._loop.clock = reactor

    def startService(self) -> None:
        """Called by Twisted; the first poll is at once."""
        super().startService()
        if self._settings.server is not None:
            self._loop.start(self._settings.interval)

    def stopService(self) -> None:
        """Called by Twisted. A commit under way is not cut off."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        if self._polling is not None:
            self._polling.cancel()

    async def check(self) -> str:
        """See L{IChecksItself}."""
        return await check(self._reactor, self._settings)

    def poll(self) -> Deferred[None]:
        """@return: fires when all mails in the folder were looked at, or it went wrong."""
        self._polling = polling = ensureDeferred(self._poll())
        return polling

    async def _poll(self) -> None:
        server = self._settings.server
        connection: Any = None
        try:
            connection = await connectProtocol(
                _endpoint(self._reactor, self._settings), ImapConnection()
            )
            poll = FolderPoll(
                self._settings,
                self._submission,
                self._reactor,
                connection,
                self._destinations,
                self._mailboxes,
            )
            await poll.run()
        except CancelledError:
            pass
        except _FAILURES as failure:
            reason = readable(str(failure)) or type(failure).__name__
            host = server.host if server else ""
            self._rejections.about("mail_imap", host, f"the mailbox could not be emptied: {reason}")
        finally:
            self._polling = None
            if connection is not None:
                await connection.hang_up()


async def check(reactor: Any, settings: ImapSettings) -> str:
    """
    Connect, log in, and leave everything as it is.

    @return: what was found, in one sentence.
    @raise Away: nobody answers there.
    @raise TryLater: what is wrong.
    """
    server = settings.server
    try:
        connection: Any = await connectProtocol(_endpoint(reactor, settings), ImapConnection())
    except (ConnectError, DNSLookupError, OSError) as failure:
        reason = readable(str(failure)) or type(failure).__name__
        raise Away(f"the mailbox at {server} cannot be reached: {reason}") from None
    try:
        mails = await FolderPoll(settings, None, reactor, connection, {}).count()
        words = "without TLS"
        if settings.tls:
            shown = connection.transport.getPeerCertificate()
            words = f"{describe_tls(connection.transport.getHandle(), shown)}, verified"
    except _FAILURES as failure:
        reason = readable(str(failure)) or type(failure).__name__
        raise TryLater(f"the mailbox at {server} cannot be emptied: {reason}") from None
    finally:
        await connection.hang_up()
    return f"{server} answers, {words}, logged in; {settings.folder} has {mails} mails"


def _endpoint(reactor: Any, settings: ImapSettings) -> Any:
    server = settings.server or HostPort("127.0.0.1", 143)
    endpoint = HostnameEndpoint(reactor, server.host, server.port, timeout=settings.timeout)
    if not settings.tls:
        return endpoint
    return wrapClientTLS(verified_tls(server.host, settings.ca), endpoint)
