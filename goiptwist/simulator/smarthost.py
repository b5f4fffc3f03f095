# mypy: disallow-untyped-calls=False
# (the stock server is not annotated)
"""
A smarthost for demonstrations: it takes every mail from this machine, sends
none anywhere, and keeps each as a file that can be read.
"""

from __future__ import annotations

import mailbox
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from twisted.logger import Logger
from twisted.mail import smtp
from zope.interface import implementer

#: Bytes of one mail. A mail with the longest SMS has about 20,000.
MAIL_AT_MOST = 1_000_000

#: The addresses by which this machine calls itself.
LOOPBACK = ("127.", "::1", "::ffff:127.")


def legible(mail: bytes) -> bytes:
    """
    Unpack a text that was encoded for seven-bit ways, so that C{cat} shows it;
    any other mail stays as it came.
    """
    head, _, _ = mail.partition(b"\n\n")
    try:
        parsed = message_from_bytes(mail, policy=policy.default)
        if parsed.get_content_type() != "text/plain" or parsed.get_content_charset() != "utf-8":
            return mail
        text: bytes = parsed.get_content().replace("\r\n", "\n").encode()
    except Exception:  # broken in one of the many ways that mails are
        return mail
    head = re.sub(rb"(?im)^(Content-Transfer-Encoding):.*$", rb"\1: 8bit", head)
    return head + b"\n\n" + text


@implementer(IProtocolFactory)
@define(eq=False)
class Smarthost:
    """
    Listen with it on a loopback address; a client from elsewhere is not
    answered.

    @ivar maildir_path: a Maildir (U{https://cr.yp.to/proto/maildir.html}),
        made if it is not there. There is a file for each recipient of a mail,
        who stands in its C{Delivered-To}.
    @ivar on_mail: called with the path of each new file.
    """

    maildir_path: Path
    on_mail: Callable[[Path], None] | None = None
    _maildir: mailbox.Maildir = field(init=False, repr=False)
    noisy = False
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.maildir_path = Path(self.maildir_path)
        self.maildir_path.parent.mkdir(parents=True, exist_ok=True)
        self._maildir = mailbox.Maildir(self.maildir_path)

    def doStart(self) -> None:
        """Called by Twisted when a port opens."""

    def doStop(self) -> None:
        """Called by Twisted when a port closes."""

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """Called by Twisted for each caller."""
        if not str(getattr(addr, "host", "")).startswith(LOOPBACK):
            self.log.warn("The simulated smarthost does not talk to {peer}", peer=addr)
            return None
        return SmarthostConnection(self)

    def keep(self, mail: bytes) -> Path:
        """
        Write one mail down.

        @param mail: with C{LF} line ends.
        @return: its file.
        """
        kept = self.maildir_path / "new" / self._maildir.add(legible(mail))
        if self.on_mail is not None:
            self.on_mail(kept)
        return kept


class SmarthostConnection(smtp.ESMTP):
    """One caller. There is nobody to log in, and nothing to protect."""

    noisy = False

    def __init__(self, smarthost: Smarthost) -> None:
        super().__init__()
        self.delivery = SmarthostDelivery(smarthost)

    def lookupMethod(self, command: bytes) -> Any:
        """Called by the stock server for each line; it would break on a word that is not ASCII."""
        return super().lookupMethod(command) if command.isascii() else None

    def ext_AUTH(self, rest: bytes) -> None:
        """Called by the stock server for AUTH, which it would break on."""
        self.sendCode(502, b"Nobody logs in here")


@implementer(smtp.IMessageDelivery)
@define(eq=False)
class SmarthostDelivery:
    """Says yes to every sender and every recipient."""

    smarthost: Smarthost

    def receivedHeader(self, helo: object, origin: object, recipients: list[smtp.User]) -> bytes:
        """Called by the stock server: the first line of each recipient's file."""
        return b"Delivered-To: " + b", ".join(bytes(user.dest) for user in recipients)

    def validateFrom(self, helo: object, origin: smtp.Address) -> smtp.Address:
        """Called by the stock server for MAIL."""
        return origin

    def validateTo(self, user: smtp.User) -> Callable[[], smtp.IMessage]:
        """Called by the stock server for RCPT."""
        return lambda: SmarthostMail(self.smarthost)


@implementer(smtp.IMessage)
@define(eq=False)
class SmarthostMail:
    """One mail for one recipient, as it comes in."""

    smarthost: Smarthost
    _lines: list[bytes] = field(factory=list)
    _size: int = 0

    def lineReceived(self, line: bytes) -> None:
        """Called by the stock server for each line."""
        self._size += len(line) + 1
        if self._size > MAIL_AT_MOST:
            raise smtp.SMTPServerError(552, b"Too long")  # the stock server wants bytes here
        self._lines.append(line)

    def eomReceived(self) -> Deferred[Path]:
        """Called by the stock server after the last line; it says yes when this fires."""
        return succeed(self.smarthost.keep(b"\n".join([*self._lines, b""])))

    def connectionLost(self) -> None:
        """Called by the stock server when there will be no last line."""
        self._lines.clear()
