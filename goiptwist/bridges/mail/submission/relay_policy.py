"""
On whose account a mail is relayed, if on any.

The client has logged in; or writes to a reply address that we made; or comes from
a trusted network. Where that is a mail server of our own that names in
C{Authentication-Results} the author that it has authenticated, that author counts
instead, and is known only when the mail is there.
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

_NOT_AUTHORIZED = SmtpReply(
    550, "5.7.1", "Log in to send SMS, or answer a mail of ours to the address that it came with"
)


class Authorization(StrEnum):
    """What allows a mail to be sent."""

    LOGIN = "login"
    NETWORK = "network"
    REPLY = "reply"
    VOUCHED = "vouched"  # our own mail server has authenticated the author


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
        """Whether it could be a loop with us: a program may answer."""
        return self.by is Authorization.REPLY

    def on_account_of(self, user: User) -> AuthorizedRecipient:
        """The same on the account of a user."""
        return evolve(self, origin=_origin(user))


@define(eq=False, repr=False)
class RelayPolicy:
    """
    @ivar domain: the domain that we take mail for; empty is any, for those who may send.
    @ivar addresses: what can be written to.
    @ivar users: some of them have mail addresses.
    @ivar authserv: the name that the mail server which hands mails in has in
        C{Authentication-Results}, or empty.
    @ivar imap_authserv: likewise of the server of the mailbox.
    """

    domain: str
    addresses: AddressPlan
    tokens: AddressTokens
    clock: IReactorTime
    users: tuple[User, ...] = ()
    authserv: str = ""
    imap_authserv: str = ""

    def authorize(self, client: MailClient, recipient: str) -> AuthorizedRecipient | BounceAddress:
        """@raise SmtpReply: this client may not write to this recipient."""
        recipient = self.addresses.unwrapped(recipient)
        local, at, domain = recipient.rpartition("@")
        if not at:
            local, domain = recipient, ""
        if domain and self.domain and domain.lower() != self.domain.lower():
            raise SmtpReply(550, "5.7.1", f"We take no mail for {domain}, only for {self.domain}")
        try:
            address = self.addresses.read(local)
            if isinstance(address, BounceAddress):
                return self._bounce(address)
        except Unacceptable as wrong:
            raise SmtpReply(550, "5.1.1", str(wrong)) from None
        return self._answer(address) if address.token else self._new(client, address)

    def _bounce(self, address: BounceAddress) -> BounceAddress:
        now, known = self.clock.seconds(), self.addresses.correspondents
        return evolve(address, recipient=self.tokens.bounced(address.token, address.id, now, known))

    def is_trusted(self, client: MailClient) -> bool:
        """Whether a client need prove nothing more."""
        return client.user is not None or (client.trusted and not self.authserv)

    def sender(self, client: MailClient, headers: Headers) -> User:
        """
        The user whose mail it is, according to the server that it came from.

        @raise SmtpReply: it is the mail of no user who may send.
        """
        server = self._voucher(client)
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

    def _voucher(self, client: MailClient) -> str:
        if client.protocol is MailProtocol.IMAP:
            return self.imap_authserv
        return self.authserv if client.trusted else ""

    def _owner(self, address: str) -> User | None:
        """An address of its own comes before that of its whole domain."""
        for candidate in (address, "@" + address.rpartition("@")[2]):
            for user in self.users:
                if candidate in (listed.lower() for listed in user.mail):
                    return user
        return None

    def _new(self, client: MailClient, address: SmsRecipient) -> AuthorizedRecipient:
        if client.user is not None:
            by, origin = Authorization.LOGIN, _origin(client.user)
        elif self._voucher(client):
            by, origin = Authorization.VOUCHED, ""
        elif client.trusted:
            by, origin = Authorization.NETWORK, f"host:{client.peer}"
        else:
            raise _NOT_AUTHORIZED
        return AuthorizedRecipient(address.number, address.line, address.pool, origin, by)

    def _answer(self, address: SmsRecipient) -> AuthorizedRecipient:
        """An answer goes out by the line that the SMS came in by."""
        now = self.clock.seconds()
        try:
            grant = self.tokens.granted(address.token, address.number, now, line=address.line)
        except Unacceptable as wrong:
            raise SmtpReply(550, "5.7.1", str(wrong)) from None
        return AuthorizedRecipient(address.number, grant.line, "", grant.owner, Authorization.REPLY)


def _origin(user: User) -> str:
    return f"user:{user.name}"


def _refused(reason: str) -> SmtpReply:
    return SmtpReply(550, "5.7.1", reason)
