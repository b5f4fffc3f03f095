"""
What all conversations of one intake share.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.throttle import TooManyAttempts
from goiptwist.accounts.users import User
from goiptwist.bridges.mail.intake.crowd import Crowd
from goiptwist.bridges.mail.intake.interfaces import Complains
from goiptwist.bridges.mail.intake.login import Claim
from goiptwist.bridges.mail.intake.reply import Reply
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.errors import Busy, Forbidden
from goiptwist.net.certificate import OurCertificate


@define(eq=False, repr=False)
class House:
    """
    @ivar domain: what we call ourselves.
    @ivar clock: where time comes from.
    @ivar accounts: the login of the whole gateway.
    @ivar mailroom: an L{IMailroom<goiptwist.bridges.mail.intake.interfaces.IMailroom>}.
    @ivar certificate: for TLS; C{None} is none.
    @ivar counts: connections, mails and recipients that were taken, and others
        that were not; what went wrong is counted in C{complaints}.
    """

    settings: MailIntakeSettings
    domain: str
    clock: IReactorTime
    accounts: Authenticator
    mailroom: Any
    complaints: Complains
    certificate: OurCertificate | None = None
    counts: Counter[str] = field(factory=Counter, init=False)
    strangers: Crowd = field(init=False)
    friends: Crowd = field(init=False)

    def __attrs_post_init__(self) -> None:
        most = self.settings.connections
        self.strangers = Crowd(most, self.settings.connections_per_peer)
        self.friends = Crowd(most, most)

    def trusts(self, peer: str) -> bool:
        """Whether an address lies in a trusted network."""
        try:
            return any(network.holds(peer) for network in self.settings.trusted)
        except ValueError:  # no address, such as that of a local socket
            return False

    async def user(self, claim: Claim, peer: str) -> User:
        """
        @raise Reply: it is nobody who may send, or the source has guessed too often.
        """
        try:
            user = await self.accounts.by_password(
                peer, claim.name, claim.password, scope="send", silent=True
            )
        except TooManyAttempts as slowed:
            self.complaints.about("mail_login_slowed", peer, "too many wrong passwords for mail")
            wait = f"Too many wrong passwords; wait for {ceil(slowed.after)} s"
            raise Reply(454, "4.7.0", wait) from None
        except Busy as busy:
            raise Reply(454, "4.7.0", str(busy)) from None
        except Forbidden as refused:  # for the log; the caller hears less
            user, why = None, str(refused)
        else:
            why = "a wrong password"
        if user is None:
            self.complaints.about("mail_login_refused", peer, f"{why} at the login for mail")
            raise Reply(535, "5.7.8", "No user who may send has this name and password")
        return user
