"""
What all sessions of one intake share.
"""

from __future__ import annotations

from collections import Counter
from math import ceil

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.throttle import TooManyAttempts
from goiptwist.accounts.users import User
from goiptwist.bridges.mail.intake.connection_limiter import ConnectionLimiter
from goiptwist.bridges.mail.intake.login import PasswordClaim
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.bridges.mail.submission.interfaces import IMailSubmission
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply
from goiptwist.errors import Busy, Forbidden
from goiptwist.net.certificate import OurCertificate
from goiptwist.net.rejections import Rejections


@define(eq=False, repr=False)
class ServerContext:
    """
    @ivar domain: what we call ourselves.
    @ivar clock: where time comes from.
    @ivar accounts: the login of the whole gateway.
    @ivar submission: takes the mails.
    @ivar certificate: for TLS; C{None} is none.
    @ivar counts: connections, mails and recipients that were taken, and others
        that were not; what went wrong is counted in C{rejections}.
    """

    settings: MailIntakeSettings
    domain: str
    clock: IReactorTime
    accounts: Authenticator
    submission: IMailSubmission
    rejections: Rejections
    certificate: OurCertificate | None = None
    counts: Counter[str] = field(factory=Counter, init=False)
    other_connections: ConnectionLimiter = field(init=False)
    trusted_connections: ConnectionLimiter = field(init=False)

    def __attrs_post_init__(self) -> None:
        most = self.settings.connections
        self.other_connections = ConnectionLimiter(most, self.settings.connections_per_peer)
        self.trusted_connections = ConnectionLimiter(most, most)

    def trusts(self, peer: str) -> bool:
        """Whether an address lies in a trusted network."""
        try:
            return any(network.holds(peer) for network in self.settings.trusted)
        except ValueError:  # no address, such as that of a local socket
            return False

    async def user(self, claim: PasswordClaim, peer: str) -> User:
        """
        @raise SmtpReply: it is nobody who may send, or the source has guessed too often.
        """
        try:
            user = await self.accounts.by_password(
                peer, claim.name, claim.password, scope="send", silent=True
            )
        except TooManyAttempts as slowed:
            self.rejections.about("mail_login_slowed", peer, "too many wrong passwords for mail")
            wait = f"Too many wrong passwords; wait for {ceil(slowed.after)} s"
            raise SmtpReply(454, "4.7.0", wait) from None
        except Busy as busy:
            raise SmtpReply(454, "4.7.0", str(busy)) from None
        except Forbidden as refused:  # for the log; the caller hears less
            user, why = None, str(refused)
        else:
            why = "a wrong password"
        if user is None:
            self.rejections.about("mail_login_refused", peer, f"{why} at the login for mail")
            raise SmtpReply(535, "5.7.8", "No user who may send has this name and password")
        return user
