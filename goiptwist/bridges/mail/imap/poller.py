"""
Mail in for those who have a mailbox but no mail server: an IMAP folder is
looked into, again and again.

A mail becomes SMS once: the mailroom takes it and commits, then it is moved
to another folder. Whatever breaks in between, it is fetched once more, and the
mailroom knows it by its Message-ID; a mail that has none gets one from its
UIDVALIDITY and UID, which are never given twice (RFC 3501 section 2.3.1.1).
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

from goiptwist.bridges.mail.imap.fetched_mail import FetchedMail
from goiptwist.bridges.mail.imap.settings import ImapSettings
from goiptwist.bridges.mail.outgoing.tls import describe_tls, verified_tls
from goiptwist.bridges.mail.reading.printable import readable
from goiptwist.bridges.mail.submission.interfaces import (
    CountsRejections,
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
from goiptwist.net.shielding import shielded

#: What a look into the folder may break of: the network, TLS, the server.
_TROUBLES = (
    ConnectError, ConnectionClosed, DNSLookupError, OSError, TimeoutError,
    SSL.Error, VerificationError, imap4.IMAP4Exception, imap4.IllegalServerResponse,
)  # fmt: skip


def _quoted(text: str) -> bytes:
    """RFC 3501 section 4.3. The settings let no CR or LF through."""
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", text.encode()) + b'"'


class ImapConnection(imap4.IMAP4Client):
    """
    The stock client, of which we know when it has gone.

    Its C{login} is not used: it would begin STARTTLS without looking at the
    certificate.
    """

    transport: Any

    def __init__(self) -> None:
        super().__init__()
        self._gone: Deferred[None] = Deferred()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Called by Twisted when the connection is closed, by whomever."""
        super().connectionLost(reason)
        self._gone.callback(None)

    def hang_up(self) -> Deferred[None]:
        """@return: fires when the connection has gone."""
        self.transport.abortConnection()
        return self._gone


@define(eq=False, repr=False)
class FolderPoll:
    """
    One look into the folder, over one connection.

    @ivar fates: where mails belong that were taken or refused and perhaps not
        moved yet, by UIDVALIDITY and UID.
    @ivar mailboxes: see L{ImapIntake}.
    """

    settings: ImapSettings
    mailroom: Any
    clock: Any
    client: Any
    fates: dict[tuple[int, int], str]
    mailboxes: Sequence[str] = ()
    _moves: bool = field(default=False, init=False)
    log = Logger()

    async def run(self) -> None:
        """@raise Exception: any of C{_TROUBLES}; the next look goes on."""
        settings = self.settings
        await self._log_in()
        self._moves = b"MOVE" in await self._within(self.client.getCapabilities(useCache=0))
        for folder in (settings.taken_folder, settings.refused_folder):
            with suppress(imap4.IMAP4Exception):  # it is there
                await self._within(self.client.create(folder))
        opened = await self._within(self.client.select(settings.folder))
        validity = int(opened.get("UIDVALIDITY", 0))
        found = await self._within(self.client.search(imap4.Query(undeleted=True), uid=True))
        trouble = None
        for uid in sorted(found):
            try:
                await self._settle(validity, uid)
            except imap4.IMAP4Exception as refused:  # one mail must not stop the others
                trouble = refused
        await self._within(self.client.logout())
        if trouble is not None:
            raise trouble

    async def count(self) -> int:
        """@return: how many mails are in the folder, of which none is touched."""
        await self._log_in()
        opened = await self._within(self.client.examine(self.settings.folder))
        return int(opened.get("EXISTS", 0))

    async def _log_in(self) -> None:
        settings = self.settings
        secret = settings.password.clear if settings.password else ""
        await self._say(b"LOGIN", _quoted(settings.username), _quoted(secret))

    async def _settle(self, validity: int, uid: int) -> None:
        folder = self.fates.get((validity, uid)) or await self._work(validity, uid)
        if folder:
            self.fates[validity, uid] = folder
            await self._move(uid, folder)
            del self.fates[validity, uid]

    async def _work(self, validity: int, uid: int) -> str:
        """@return: the folder in which a mail belongs, or empty to leave it."""
        try:
            fate = in_one(await self._fates(validity, uid))
        except SmtpReply as reply:
            fate = reply
        self.log.info("Mail {uid} of the mailbox: {answers}", uid=uid, answers=fate.codes)
        if fate.later:
            return ""
        return self.settings.taken_folder if fate.taken else self.settings.refused_folder

    async def _fates(self, validity: int, uid: int) -> Mapping[str, SmtpReply]:
        server = self.settings.server
        host = server.host if server else ""
        sizes = await self._within(self.client.fetchSize(uid, uid=True))
        if max((int(each["RFC822.SIZE"]) for each in sizes.values()), default=0) > (
            self.settings.max_size
        ):
            raise SmtpReply(552, "5.3.4", "The mail is too large")
        fetched = await self._within(self.client.fetchSpecific(uid, uid=True, peek=True))
        letter = FetchedMail.read(
            _content(fetched),
            self.settings.recipient_header,
            f"imap-{validity}-{uid}@{host}",
            self.mailboxes,
        )
        caller = MailClient(
            peer=host,
            language=MailProtocol.IMAP,
            tls=self.settings.tls,
            user=None,
            trusted=False,
            helo=host,
        )
        return await shielded(self._hand_in(caller, letter))

    async def _hand_in(self, caller: MailClient, letter: FetchedMail) -> Mapping[str, SmtpReply]:
        recipients = (letter.recipient,)
        try:
            await self.mailroom.may(caller, letter.sender, letter.recipient)
            fates = await self.mailroom.take(caller, letter.sender, recipients, letter.content, {})
        except Exception as error:
            reply = reply_to(error)
            if reply is None:
                self.log.failure("The mailroom broke on a mail of the mailbox")
            return {letter.recipient: reply or INTERNAL_ERROR}
        return {letter.recipient: fates.get(letter.recipient, INTERNAL_ERROR)}

    async def _move(self, uid: int, folder: str) -> None:
        """RFC 6851, or what it stands for."""
        if self._moves:
            await self._say(b"UID MOVE", b"%d" % uid, _quoted(folder))
            return
        await self._within(self.client.copy(uid, folder, uid=True))
        await self._say(b"UID STORE", b"%d" % uid, b"+FLAGS.SILENT", rb"(\Deleted)")
        await self._within(self.client.expunge())

    async def _say(self, command: bytes, *arguments: bytes) -> None:
        await self._within(self.client.sendCommand(imap4.Command(command, b" ".join(arguments))))

    def _within(self, answer: Deferred[Any]) -> Deferred[Any]:
        return answer.addTimeout(self.settings.timeout, self.clock)


def _content(fetched: Mapping[int, Any]) -> bytes:
    """
    Dig the mail out of what the stock client makes of BODY[].

    @raise Reply: the server did not send it; somebody may have moved it just now.
    """
    for rows in fetched.values():
        for row in rows:
            for before, after in pairwise(row):
                if before == [] and isinstance(after, str | bytes):
                    # The client has made one character of each byte.
                    return after.encode("latin-1") if isinstance(after, str) else after
    raise SmtpReply(451, "4.3.0", "The mail was not there")


class ImapIntake(Service):
    """Looks into a mailbox while it runs."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: ImapSettings,
        mailroom: Any,
        complaints: CountsRejections,
        mailboxes: Sequence[str] = (),
    ) -> None:
        """
        @param mailboxes: the addresses under which the folder gets its mail, of
            bridges that have no domain.
        """
        self._reactor, self._settings = reactor, settings
        self._mailroom, self._complaints = mailroom, complaints
        self._mailboxes = mailboxes
        self._fates: dict[tuple[int, int], str] = {}
        self._looking: Deferred[None] | None = None
        self._again = LoopingCall(self.look)
        self._again.clock = reactor

    def startService(self) -> None:
        """Called by Twisted; the first look is at once."""
        super().startService()
        if self._settings.server is not None:
            self._again.start(self._settings.interval)

    def stopService(self) -> None:
        """Called by Twisted. A commit under way is not cut off."""
        super().stopService()
        if self._again.running:
            self._again.stop()
        if self._looking is not None:
            self._looking.cancel()

    def look(self) -> Deferred[None]:
        """@return: fires when all mails in the folder were looked at, or it went wrong."""
        self._looking = looking = ensureDeferred(self._look())
        return looking

    async def _look(self) -> None:
        server = self._settings.server
        client: Any = None
        try:
            client = await connectProtocol(
                _endpoint(self._reactor, self._settings), ImapConnection()
            )
            look = FolderPoll(
                self._settings, self._mailroom, self._reactor, client, self._fates, self._mailboxes
            )
            await look.run()
        except CancelledError:
            pass
        except _TROUBLES as trouble:
            why = readable(str(trouble)) or type(trouble).__name__
            host = server.host if server else ""
            self._complaints.about("mail_imap", host, f"the mailbox could not be emptied: {why}")
        finally:
            self._looking = None
            if client is not None:
                await client.hang_up()


async def check(reactor: Any, settings: ImapSettings) -> str:
    """
    Connect, log in, and leave everything as it is.

    @return: what was found, in one sentence.
    @raise Away: nobody answers there.
    @raise TryLater: what is wrong.
    """
    server = settings.server
    try:
        client: Any = await connectProtocol(_endpoint(reactor, settings), ImapConnection())
    except (ConnectError, DNSLookupError, OSError) as trouble:
        why = readable(str(trouble)) or type(trouble).__name__
        raise Away(f"the mailbox at {server} cannot be reached: {why}") from None
    try:
        mails = await FolderPoll(settings, None, reactor, client, {}).count()
        words = "without TLS"
        if settings.tls:
            shown = client.transport.getPeerCertificate()
            words = f"{describe_tls(client.transport.getHandle(), shown)}, verified"
    except _TROUBLES as trouble:
        why = readable(str(trouble)) or type(trouble).__name__
        raise TryLater(f"the mailbox at {server} cannot be emptied: {why}") from None
    finally:
        await client.hang_up()
    return f"{server} answers, {words}, logged in; {settings.folder} has {mails} mails"


def _endpoint(reactor: Any, settings: ImapSettings) -> Any:
    server = settings.server or HostPort("127.0.0.1", 143)
    endpoint = HostnameEndpoint(reactor, server.host, server.port, timeout=settings.timeout)
    if not settings.tls:
        return endpoint
    return wrapClientTLS(verified_tls(server.host, settings.ca), endpoint)
