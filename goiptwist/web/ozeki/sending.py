"""
From what a client wants to what is on disk: the way of both languages.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, frozen
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest

from goiptwist.interfaces import IOverview
from goiptwist.message import Message, State, Submission
from goiptwist.users import User
from goiptwist.web.access import Access
from goiptwist.web.ozeki.refusals import (
    OUR_FAULT,
    TRY_LATER,
    USER_FORBIDDEN,
    WRONG_LOGIN,
    Refusal,
    refusal_of,
    wrong,
)
from goiptwist.web.ozeki.wanted import Wanted
from goiptwist.web.problems import Problem

log = Logger()

#: Which states of what a user sent lie in which folder.
SENT_FOLDERS = {
    "outbox": (State.QUEUED, State.SENDING),
    "sent": (State.SENT,),
    "notsent": (State.FAILED, State.EXPIRED, State.CANCELLED, State.UNKNOWN),
}
FOLDERS = ("inbox", *SENT_FOLDERS, "deleted")


@frozen
class Outcome:
    """
    What became of one message.

    @ivar message: as it was kept; or C{None}.
    @ivar refusal: why it was not.
    """

    message: Message | None
    refusal: Refusal | None = None


@define(eq=False)
class Desk:
    """
    Who asks, and what is done for them.

    @ivar overview: the gateway.
    """

    overview: IOverview
    access: Access

    async def user(self, request: IRequest, name: str, password: str, scope: str) -> User:
        """
        @param scope: what the user must be allowed.
        @raise Refusal: nobody has this name and password, or not that scope.
        """
        try:
            user = await self.access.by_password(request, name, password)
        except Problem as slowed:
            raise Refusal(WRONG_LOGIN, slowed.detail) from None
        if user is None:
            raise Refusal(WRONG_LOGIN, "no user has this name and password")
        if not user.allowed(scope):
            raise Refusal(USER_FORBIDDEN, f"this needs a user who may {scope}")
        return user

    async def send(self, user: User, wanted: Sequence[Wanted]) -> list[Outcome]:
        """
        Keep each message as a submission of its own, all in one commit.

        @return: what became of each, in their order.
        @raise Busy: nothing was kept.
        @raise StoreUnavailable: nothing was kept.
        """
        lines = {}
        if any(each.provider for each in wanted):  # there may be ten thousand lines
            lines = {line.id: line.pool for line in self.overview.lines()}
        pools = {*lines.values(), ""}
        outcomes: list[Outcome] = []
        good: list[tuple[int, Submission]] = []
        for place, each in enumerate(wanted):
            outcomes.append(Outcome(None))
            try:
                good.append((place, each.submission(f"user:{user.name}", lines, pools)))
            except Refusal as refusal:
                outcomes[place] = Outcome(None, refusal)
        if good:
            kept = await self.overview.submit_all([submission for _, submission in good])
            for (place, _), result in zip(good, kept, strict=True):
                outcomes[place] = _outcome(result)
        return outcomes

    async def listed(self, user: User, folder: str, limit: int) -> list[Message]:
        """
        @return: the messages of one of L{FOLDERS}, oldest first.
        @raise Refusal: there is no such folder.
        """
        owner = f"user:{user.name}"
        if folder == "inbox":
            return await self.overview.inbox(owner, "", limit)
        if folder == "deleted":
            return await self.overview.deleted(owner, limit)
        if folder not in SENT_FOLDERS:
            raise wrong(f"folder must be one of {', '.join(FOLDERS)}")
        return await self.overview.sent(owner, SENT_FOLDERS[folder], limit)


def _outcome(result: Sequence[Message] | Exception) -> Outcome:
    if not isinstance(result, Exception):
        return Outcome(result[0])
    refusal = refusal_of(result)
    if refusal is None:
        log.failure("A submission broke", failure=Failure(result))
        refusal = Refusal(OUR_FAULT, "an error inside the gateway; its log says more")
    return Outcome(None, refusal)


def check_room(is_crowded: bool) -> None:
    """@raise Refusal: so much is in memory that nothing large can be answered."""
    if is_crowded:
        raise Refusal(TRY_LATER, "too much is in memory already; come again", after=5.0)
