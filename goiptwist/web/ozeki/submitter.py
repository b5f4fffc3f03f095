"""
From what a client wants to what is on disk: the way of both languages.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from attrs import define, evolve, frozen
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest

from goiptwist.accounts.users import User
from goiptwist.errors import Busy, GoipTwistError, OverQuota, Unacceptable
from goiptwist.model.messages import AlarmReport, Message, State, Submission
from goiptwist.model.subscriptions import Subscription
from goiptwist.operator_interfaces import IOperatorGateway
from goiptwist.web.http.authentication import RequestAuthenticator
from goiptwist.web.http.problems import Problem
from goiptwist.web.http.request import CROWDED, CROWDED_WAIT
from goiptwist.web.ozeki.message import OzekiMessage
from goiptwist.web.ozeki.refusals import (
    ADDRESS_FORBIDDEN,
    OUR_FAULT,
    TOO_MUCH,
    TRY_LATER,
    USER_FORBIDDEN,
    WRONG_LOGIN,
    WRONG_PARAMETER,
    Refusal,
    refusal_of,
    wrong,
)

log = Logger()

#: Which states of what a user sent lie in which folder; those of alarms stand last.
SENT_FOLDERS = {
    "outbox": (State.QUEUED, State.SENDING, State.RECEIVED),
    "sent": (State.SENT, State.DELIVERED),
    "notsent": (State.FAILED, State.EXPIRED, State.CANCELLED, State.UNKNOWN),
}
#: Messages of a user that still wait, of which some are taken back.
MOST_WAITING = 20_000
#: Alarms of one request that wait for the disk at a time.
ALARMS_AT_ONCE = 500

#: What a refused login is called here, by its status elsewhere.
_NUMBERS = {403: ADDRESS_FORBIDDEN, 429: TOO_MUCH}

FOLDERS = ("inbox", *SENT_FOLDERS, "deleted")


@frozen
class SubmissionOutcome:
    """
    What became of one message.

    @ivar message: as it was kept; or C{None}.
    @ivar refusal: why it was not.
    """

    message: Message | None
    refusal: Refusal | None = None

    def is_about(self, sentence: str) -> bool:
        """Whether this is why it was refused."""
        return self.refusal is not None and self.refusal.sentence == sentence


@define(eq=False)
class OzekiSubmitter:
    """
    Finds the user behind a request, and does what that user asks for.

    @ivar gateway: the gateway.
    @ivar reports_by: the bridge that calls report URLs; empty is none.
    """

    gateway: IOperatorGateway
    access: RequestAuthenticator
    reports_by: str = ""

    async def user(self, request: IRequest, name: str, password: str, scope: str) -> User:
        """
        @param scope: what the user must be allowed; empty is nothing.
        @raise Refusal: nobody has this name and password, or not that scope.
        """
        try:
            user = await self.access.by_password(request, name, password)
        except Problem as problem:
            number = _NUMBERS.get(problem.status, WRONG_PARAMETER)
            raise Refusal(number, problem.detail, after=problem.after) from None
        if user is None:
            raise Refusal(WRONG_LOGIN, "no user has this name and password")
        if scope and not user.allowed(scope):
            raise Refusal(USER_FORBIDDEN, f"this needs a user who may {scope}")
        return user

    async def send(
        self, user: User, messages: Sequence[OzekiMessage], context: str = ""
    ) -> list[SubmissionOutcome]:
        """
        Keep each message as a submission of its own, or as an alarm where the
        routes say that this user's texts are alarms; SMS all in one commit.

        @param context: what the notifications of each message bring back.
        @return: what became of each, in their order.
        @raise Busy: nothing was kept.
        @raise StoreUnavailable: nothing was kept.
        """
        orders = self._orders(user, messages, context)
        outcomes = [SubmissionOutcome(None, o if isinstance(o, Refusal) else None) for o in orders]
        texts = [(place, o) for place, o in enumerate(orders) if isinstance(o, Submission)]
        if texts:
            kept = await self.gateway.messages.submit_many([submission for _, submission in texts])
            for (place, _), result in zip(texts, kept, strict=True):
                outcomes[place] = _outcome(result)
        alarms = [(place, o) for place, o in enumerate(orders) if isinstance(o, AlarmReport)]
        raised = await self._raise([report for _, report in alarms])
        if raised and not texts and all(map(_is_overload, raised)):
            raise raised[0]  # type: ignore[misc]  # it is one
        for (place, _), alarm in zip(alarms, raised, strict=True):
            outcomes[place] = _outcome(alarm)
        for place, order in enumerate(orders):
            if order is None:
                outcomes[place] = outcomes[place - 1]
        return outcomes

    def _orders(
        self, user: User, messages: Sequence[OzekiMessage], context: str
    ) -> list[Submission | AlarmReport | Refusal | None]:
        """@return: C{None} stands for the alarm before it, for a further recipient."""
        lines = {}
        if any(each.provider for each in messages):  # there may be ten thousand lines
            lines = {line.id: line.pool for line in self.gateway.lines.statuses()}
        pools = {*lines.values(), ""}
        origin, now = f"user:{user.name}", self.gateway.clock.seconds()
        subscriptions = self._subscriptions(context)
        orders: list[Submission | AlarmReport | Refusal | None] = []
        for each in messages:
            if each.is_copy and not isinstance(orders[-1], Submission | Refusal):
                orders.append(None)  # routes say where an alarm goes, not recipients
                continue
            try:
                alarm = self._alarm(user, each, context)
                submission = alarm or each.submission(
                    origin, lines, pools, now=now, context=context
                )
                orders.append(evolve(submission, subscriptions=subscriptions))
            except Refusal as refusal:
                orders.append(refusal)
        return orders

    def _alarm(self, user: User, each: OzekiMessage, context: str) -> AlarmReport | None:
        """
        @return: an alarm, where the routes say that the text of this user is one.
        @raise Refusal: it should be one; what is wrong with it.
        """
        each.check()
        try:
            event = self.gateway.alarms.recognize(each.text, user=user.name)
        except Unacceptable as unreadable:
            raise wrong(str(unreadable)) from None
        if event is None:
            return None
        return AlarmReport(
            event=event,
            origin=f"user:{user.name}",
            client_id=each.client_id,
            recipient=each.recipient,
            context=context,
        )

    async def _raise(self, reports: Sequence[AlarmReport]) -> list[Sequence[Message] | Exception]:
        """@return: what became of each."""
        results: list[Sequence[Message] | Exception] = []
        for start in range(0, len(reports), ALARMS_AT_ONCE):
            some = reports[start : start + ALARMS_AT_ONCE]
            raising = [Deferred.fromCoroutine(self.gateway.alarms.raise_alarm(one)) for one in some]
            for _, result in await DeferredList(raising, consumeErrors=True):
                results.append(_error(result) if isinstance(result, Failure) else [result])
        return results

    def _subscriptions(self, context: str) -> tuple[Subscription, ...]:
        if not context:
            return ()
        if self.reports_by:
            return (Subscription(f"bridge:{self.reports_by}"),)
        # Old programs ask for it always; their SMS must go all the same.
        log.warn("A reporturl is not called: no webhook bridge has report_urls = true")
        return ()

    async def withdraw(self, user: User, ids: Collection[str]) -> list[str]:
        """
        Take back what a user sent and still waits.

        @param ids: of messages, or client ids.
        @return: those of them that will not be sent.
        """
        names: dict[str, str] = {}
        for message in await self.listed(user, "outbox", MOST_WAITING):
            names[message.id] = names[message.client_id or message.id] = message.id
        known = [each for each in ids if each in names]
        by = f"user:{user.name}"
        under_way = [
            Deferred.fromCoroutine(self.gateway.messages.withdraw(names[each], by))
            for each in known
        ]
        results = await DeferredList(under_way, consumeErrors=True)
        for _, result in results:
            if isinstance(result, Failure):
                result.trap(GoipTwistError)
        return [each for each, (is_done, _) in zip(known, results, strict=True) if is_done]

    async def listed(self, user: User, folder: str, limit: int) -> list[Message]:
        """
        @return: the messages of one of L{FOLDERS}, oldest first.
        @raise Refusal: there is no such folder.
        """
        owner = f"user:{user.name}"
        if folder == "inbox":
            return await self.gateway.folders.inbox(owner, "", limit)
        if folder == "deleted":
            return await self.gateway.folders.deleted(owner, limit)
        if folder not in SENT_FOLDERS:
            raise wrong(f"folder must be one of {', '.join(FOLDERS)}")
        return await self.gateway.messages.recent(owner, SENT_FOLDERS[folder], limit)


def _error(failure: Failure) -> Exception:
    error = failure.value
    if not isinstance(error, Exception):
        failure.raiseException()
    return error


def _is_overload(result: Sequence[Message] | Exception) -> bool:
    return isinstance(result, Busy) and not isinstance(result, OverQuota)


def _outcome(result: Sequence[Message] | Exception) -> SubmissionOutcome:
    if not isinstance(result, Exception):
        return SubmissionOutcome(result[0])
    refusal = refusal_of(result)
    if refusal is None:
        log.failure("A submission broke", failure=Failure(result))
        refusal = Refusal(OUR_FAULT, "an error inside the gateway; its log says more")
    return SubmissionOutcome(None, refusal)


def check_room(is_crowded: bool) -> None:
    """@raise Refusal: so much is in memory that nothing large can be answered."""
    if is_crowded:
        raise Refusal(TRY_LATER, CROWDED, after=CROWDED_WAIT)
