"""
The doorkeeper: on whose account a mail is sent, if on anybody's.

Somebody has logged in; or answers to an address that we made; or comes from a
trusted network. Where that is a mail server of our own that says in
C{Authentication-Results} whom it has recognised, its word counts instead, and
is known only when the mail is there.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import define, evolve, field, frozen
from twisted.internet.interfaces import IReactorTime

from goiptwist.accounts.users import User
from goiptwist.bridges.mail.reading.headers import Headers
from goiptwist.bridges.mail.submission.addresses import (
    AddressPlan,
    BounceAddress,
    SmsRecipient,
)
from goiptwist.bridges.mail.submission.authentication import authenticated_author
from goiptwist.bridges.mail.submission.interfaces import MailClient, MailProtocol
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply
from goiptwist.bridges.mail.submission.tokens import AddressTokens
from goiptwist.errors import Unacceptable

_NOT_YOU = SmtpReply(
    550, "5.7.1", "Log in to send SMS, or answer a mail of ours to the address that it came with"
)


class Authorization(StrEnum):
    """Why somebody may send."""

    LOGIN = "login"
    NETWORK = "network"
    ANSWER = "answer"
    VOUCHED = "vouched"  # our own mail server says whose mail it is


@frozen
class AuthorizedRecipient:
    """
    Where one recipient's SMS goes, and on whose account.

    @ivar origin: as L{Submission.origin}; empty where only the mail will show
        it.
    """

    number: str = field(repr=False)
    line: str
    pool: str
    origin: str
    by: Authorization

    @property
    def counted(self) -> bool:
        """Whether it is one who could be in a loop with us: a program may answer."""
        return self.by is Authorization.ANSWER

    def of(self, user: User) -> AuthorizedRecipient:
        """The same on the account of a user."""
        return evolve(self, origin=_origin(user))


@define(eq=False, repr=False)
class RelayPolicy:
    """
    @ivar domain: that we take mail for; empty is any, for whoever may send.
    @ivar users: of whom some have addresses.
    @ivar authserv: how the mail server calls itself that hands mails in, or
        empty.
    @ivar imap_authserv: likewise of the mailbox.
    """

    domain: str
    directory: AddressPlan
    tokens: AddressTokens
    clock: IReactorTime
    users: tuple[User, ...] = ()
    authserv: str = ""
    imap_authserv: str = ""

    def way(self, caller: MailClient, recipient: str) -> AuthorizedRecipient | BounceAddress:
        """@raise Reply: this caller may not write to this recipient."""
        recipient = self.directory.unwrapped(recipient)
        local, at, domain = recipient.rpartition("@")
        if not at:
            local, domain = recipient, ""
        if domain and self.domain and domain.lower() != self.domain.lower():
            raise SmtpReply(550, "5.7.1", f"We take no mail for {domain}, only for {self.domain}")
        try:
            meant = self.directory.read(local)
            if isinstance(meant, BounceAddress):
                self.tokens.check_bounce(meant.token, meant.id, self.clock.seconds())
                return meant
        except Unacceptable as wrong:
            raise SmtpReply(550, "5.1.1", str(wrong)) from None
        return self._answer(meant) if meant.token else self._new(caller, meant)

    def trusts(self, caller: MailClient) -> bool:
        """Whether a caller need prove nothing more."""
        return caller.user is not None or (caller.trusted and not self.authserv)

    def user(self, caller: MailClient, headers: Headers) -> User:
        """
        Whose mail it is, by the word of the server that it came from.

        @raise Reply: nobody's who may send.
        """
        server = self._voucher(caller)
        proof = authenticated_author(headers, server)
        if not proof.address:
            raise _refused("The mail has not exactly one address in From")
        if not proof:
            raise _refused(
                f"Nothing proves that the mail is from {proof.address}: {server} has found "
                "neither DMARC nor a DKIM or SPF of that domain to pass"
            )
        user = self._owner(proof.address)
        if user is None:
            raise _refused(f"{proof.address} is no address of a user who may send SMS")
        if not user.allowed("send"):
            raise _refused(f"{proof.address} belongs to {user.name}, who may not send")
        return user

    def _voucher(self, caller: MailClient) -> str:
        if caller.language is MailProtocol.IMAP:
            return self.imap_authserv
        return self.authserv if caller.trusted else ""

    def _owner(self, address: str) -> User | None:
        """An address of its own comes before that of its whole domain."""
        for wanted in (address, "@" + address.rpartition("@")[2]):
            for user in self.users:
                if wanted in (listed.lower() for listed in user.mail):
                    return user
        return None

    def _new(self, caller: MailClient, meant: SmsRecipient) -> AuthorizedRecipient:
        if caller.user is not None:
            by, origin = Authorization.LOGIN, _origin(caller.user)
        elif self._voucher(caller):
            by, origin = Authorization.VOUCHED, ""
        elif caller.trusted:
            by, origin = Authorization.NETWORK, f"host:{caller.peer}"
        else:
            raise _NOT_YOU
        return AuthorizedRecipient(meant.number, meant.line, meant.pool, origin, by)

    def _answer(self, meant: SmsRecipient) -> AuthorizedRecipient:
        """An answer goes out by the line that the SMS came in by."""
        now = self.clock.seconds()
        try:
            grant = self.tokens.granted(meant.token, meant.number, now, line=meant.line)
        except Unacceptable as wrong:
            raise SmtpReply(550, "5.7.1", str(wrong)) from None
        return AuthorizedRecipient(meant.number, grant.line, "", grant.owner, Authorization.ANSWER)


def _origin(user: User) -> str:
    return f"user:{user.name}"


def _refused(why: str) -> SmtpReply:
    return SmtpReply(550, "5.7.1", why)
