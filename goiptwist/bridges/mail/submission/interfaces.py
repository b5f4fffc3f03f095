"""
What the ways in of mail see of its submission.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import field, frozen
from zope.interface import Attribute, Interface

from goiptwist.accounts.users import User
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply


class MailProtocol(StrEnum):
    """How a mail reached us."""

    SMTP = "smtp"
    LMTP = "lmtp"
    IMAP = "imap"  # we have fetched it: nobody has authenticated


@frozen(kw_only=True)
class MailClient:
    """
    The client that submits a mail, as far as it was known when it was asked for.

    @ivar peer: the address, as text; an IPv4-mapped IPv6 address
        (C{::ffff:192.0.2.1}) is written as the IPv4 address.
    @ivar tls: whether nobody on the way can read along.
    @ivar user: the user who has logged in, and may C{send}; or C{None}.
    @ivar trusted: whether the address lies in a trusted network.
    @ivar helo: what the client calls itself; anybody can say anything here.
    """

    peer: str
    protocol: MailProtocol
    tls: bool
    user: User | None
    trusted: bool
    helo: str

    @property
    def known(self) -> bool:
        """Whether it is one of ours, rather than anybody on the Internet."""
        return self.user is not None or self.trusted


@frozen(kw_only=True)
class DsnRequest:
    """
    What a sender wants to hear about one recipient (RFC 3461 section 4).

    @ivar notify: of C{success}, C{failure} and C{delay}; empty is never. A sender who
        says nothing hears of failure, and may hear of delay.
    @ivar orcpt: whom the sender wrote to in the first place, before anybody
        sent it on to us, as C{rfc822;ann@example.org}; or empty.
    @ivar envid: the sender's name for this mail, or empty.
    @ivar ret: how much of the mail the sender wants back if it fails: C{FULL}, C{HDRS},
        or empty.
    """

    notify: frozenset[str] = frozenset(("failure", "delay"))
    orcpt: str = field(default="", repr=False)
    envid: str = field(default="", repr=False)
    ret: str = ""


class IMailSubmission(Interface):
    """Says who may send what to whom, and makes SMS of mails."""

    notifies_senders: bool = Attribute(
        "Whether senders can be notified of what became of their SMS."
    )

    async def check_recipient(client: MailClient, envelope_from: str, recipient: str) -> None:
        """
        Check whether a client may write to a recipient. It is asked for each
        RCPT, before any mail is there, so that everything that can be known by
        then belongs here: a recipient that is refused now needs no bounce. It is
        given up, by cancelling what it awaits, if the client hangs up.

        @param envelope_from: of MAIL; empty is the null sender of bounces.
        @param recipient: of RCPT, C{local@domain} as the client wrote it, or
            C{local} alone where it gave no domain. A local part stays in
            quotes only if it needs them.
        @raise SmtpReply: it may not: 550 5.7.1 and the like for never, 4xx for
            not now. Each other L{GoipTwistError} becomes 4xx or 5xx as its class
            says.
        """

    async def accept(
        client: MailClient,
        envelope_from: str,
        recipients: Sequence[str],
        content: bytes,
        requests: Mapping[str, DsnRequest],
    ) -> Mapping[str, SmtpReply]:
        """
        Take one mail, for recipients that L{check_recipient} allowed, each named once.
        Called once for each mail, and not interrupted even if the client hangs
        up meanwhile; it then comes again with the same Message-ID, as it does
        whenever an answer is lost on the way.

        @param content: as it came, without the dots of SMTP, under our
            C{Received}. Lines end with CRLF; there is no NUL, and no CR or LF
            alone.
        @param requests: what the sender wants to hear about each recipient; a
            recipient that is missing there has the default.
        @return: once everything is committed: the reply for each
            recipient. One that is missing is told to come again.
        @raise SmtpReply: the same for all recipients; as is any other
            L{GoipTwistError}.
        """


class IHasSubmission(Interface):
    """A connector by which mails come, and whose submission serves others too."""

    submission: IMailSubmission = Attribute("Makes SMS of mails.")
