"""
What all sessions of one intake share.
"""

from __future__ import annotations

from collections import Counter

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from goiptwist.accounts.secrets import Remembered
from goiptwist.accounts.users import Attempts, User, Users
from goiptwist.bridges.mail.intake.connection_limiter import ConnectionLimiter, source_of
from goiptwist.bridges.mail.intake.login import PasswordClaim
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.bridges.mail.submission.interfaces import IMailSubmission
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply
from goiptwist.errors import Busy
from goiptwist.net.certificate import OurCertificate
from goiptwist.net.rejections import Rejections


@define(eq=False, repr=False)
class ServerContext:
    """
    @ivar domain: what we call ourselves.
    @ivar clock: where time comes from.
    @ivar attempts: counts wrong passwords by where they came from.
    @ivar submission: takes the mails.
    @ivar certificate: for TLS; C{None} is none.
    @ivar counts: connections, mails and recipients that were taken, and others
        that were not; what went wrong is counted in C{rejections}.
    """

    settings: MailIntakeSettings
    domain: str
    clock: IReactorTime
    users: Users
    attempts: Attempts
    submission: IMailSubmission
    rejections: Rejections
    certificate: OurCertificate | None = None
    counts: Counter[str] = field(factory=Counter, init=False)
    other_connections: ConnectionLimiter = field(init=False)
    trusted_connections: ConnectionLimiter = field(init=False)
    #: Whose password was right, from where: a guesser on the same machine
    #: slows nobody who knows his password.
    _known: Remembered[User] = field(factory=Remembered, init=False)

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
        source = source_of(peer)
        user = self._known.recall(source, claim.name, claim.password)
        if user is not None:
            return user
        wait = self.attempts.wait(source)
        if wait > 0:
            self.rejections.about("mail_login_slowed", peer, "too many wrong passwords for mail")
            raise SmtpReply(454, "4.7.0", f"Too many wrong passwords; wait for {wait:.0f} s")
        try:
            user = await self.users.by_password(claim.name, claim.password)
        except Busy as busy:
            raise SmtpReply(454, "4.7.0", str(busy)) from None
        why = _refused(user, peer)
        if user is None or why:
            self.attempts.failed(source)
            self.rejections.about("mail_login_refused", peer, f"{why} at the login for mail")
            raise SmtpReply(535, "5.7.8", "No user who may send has this name and password")
        self._known.keep(user, source, claim.name, claim.password)
        return user


def _refused(user: User | None, peer: str) -> str:
    """@return: why somebody may not log in, for the log; the client hears less."""
    if user is None:
        return "a wrong password"
    if not user.allowed("send"):
        return f"{user.name!r}, who may not send,"
    return "" if user.may_come_from(peer) else f"{user.name!r}, who may not come from there,"
