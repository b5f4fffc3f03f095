"""
The classic language: an action with parameters, answered in XML, HTML or
urlencoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from attrs import define
from twisted.web.iweb import IRequest

from goiptwist.accounts.users import User
from goiptwist.accounts.verification import DeferToThread
from goiptwist.messaging.report_urls import context_of, filled, keywords_of, time_of
from goiptwist.model.messages import Direction, Message
from goiptwist.web.ozeki import answers, parameters
from goiptwist.web.ozeki.answers import ACCEPTED, AcceptReport, FolderMessage
from goiptwist.web.ozeki.message import OzekiMessage
from goiptwist.web.ozeki.parameters import (
    TEXT,
    AfterDownload,
    AnswerFormat,
    OzekiLogin,
    SendRequest,
)
from goiptwist.web.ozeki.refusals import UNKNOWN_ACTION, Refusal, wrong
from goiptwist.web.ozeki.reply import OzekiReply, refused_with
from goiptwist.web.ozeki.submitter import OzekiSubmitter, SubmissionOutcome

#: What each action needs.
SCOPES = {"sendmessage": "send", "receivemessage": "read"}

#: Parameters above which they are read, and reports above which they are
#: written, in a thread: keepalives are answered meanwhile.
MANY = 500


@define(eq=False)
class ClassicLanguage:
    """
    @ivar strict: whether errors have a status of their own.
    @ivar zone: in which times are written; C{None} is that of this machine.
    """

    submitter: OzekiSubmitter
    defer_to_thread: DeferToThread
    strict: bool = False
    zone: tzinfo | None = None

    async def reply(self, request: IRequest, given: Mapping[str, str]) -> OzekiReply:
        """@raise Busy: and the like; what L{refused} makes an answer of."""
        style = parameters.answer_format(given)
        action = given.get("action", "").strip().lower()
        if action not in SCOPES:
            known = ", ".join(SCOPES)
            raise Refusal(UNKNOWN_ACTION, f"action must be one of {known}")
        login = parameters.login(given)
        user = await self.submitter.user(request, login.name, login.password, SCOPES[action])
        if action == "sendmessage":
            return await self._send(user, given, style)
        return await self._receive(user, given, style)

    async def check_login(self, request: IRequest, login: OzekiLogin) -> None:
        """@raise Refusal: it is the login of no user."""
        await self.submitter.user(request, login.name, login.password, "")

    def refused(self, refusal: Refusal, given: Mapping[str, str]) -> OzekiReply:
        """@return: the answer that says no."""
        try:
            style = parameters.answer_format(given)
        except Refusal:
            style = AnswerFormat.XML
        body = answers.refused(style, refusal)
        return refused_with(refusal, self.strict, answers.KINDS[style], body)

    async def _send(self, user: User, given: Mapping[str, str], style: AnswerFormat) -> OzekiReply:
        if len(given) > MANY:
            order = await self.defer_to_thread(parameters.sending, given)
        else:
            order = parameters.sending(given)
        outcomes = await self.submitter.send(user, order.messages, context_of(order.report_url))
        if len(order.messages) == 1 and outcomes[0].is_about(order.messages[0].no_recipient):
            raise wrong(order.messages[0].no_recipient)
        if order.redirect_url:
            return self._redirected(order, outcomes)
        refusals = [outcome.refusal for outcome in outcomes if outcome.refusal is not None]
        # Clients that are told no by the status may not look for a single yes.
        all_refused = len(refusals) == len(outcomes)
        status = refusals[0].status if self.strict and all_refused else 200
        pairs = zip(order.messages, outcomes, strict=True)
        reports = [_report(message, outcome) for message, outcome in pairs]
        shown = reports[: order.most_reports]
        if len(shown) > MANY:
            body = await self.defer_to_thread(answers.sent, style, shown, order.continue_url)
        else:
            body = answers.sent(style, shown, order.continue_url)
        return OzekiReply(status, answers.KINDS[style], body)

    def _redirected(self, order: SendRequest, outcomes: list[SubmissionOutcome]) -> OzekiReply:
        """Our choice: the keywords are those of the first message."""
        report = _report(order.messages[0], outcomes[0])
        message = outcomes[0].message
        keywords = keywords_of(message, self.zone) if message is not None else {}
        keywords.update(
            recipient=report.recipient,
            messageid=report.id,
            messagetype=report.kind,
            messagedata=report.text,
            statuscode=str(report.code),
            statusmessage=report.words,
            status="accepted" if message is not None else "refused",
        )
        location = filled(order.redirect_url, keywords).encode("ascii")
        return OzekiReply(302, b"text/plain; charset=utf-8", b"", {b"Location": location})

    async def _receive(
        self, user: User, given: Mapping[str, str], style: AnswerFormat
    ) -> OzekiReply:
        order = parameters.receiving(given)
        messages = await self.submitter.listed(user, order.folder, order.limit)
        body = answers.received(style, [_received(m, self.zone) for m in messages])
        if messages and order.after is not AfterDownload.LEAVE:
            word = "deleted" if order.after is AfterDownload.DELETE else "downloaded"
            ids = [message.id for message in messages]
            await self.submitter.gateway.folders.flag(f"user:{user.name}", ids, word)
        return OzekiReply(200, answers.KINDS[style], body)


def _report(message: OzekiMessage, outcome: SubmissionOutcome) -> AcceptReport:
    refusal = outcome.refusal
    return AcceptReport(
        code=0 if refusal is None else refusal.number,
        words=ACCEPTED if refusal is None else refusal.sentence,
        id="" if outcome.message is None else outcome.message.id,
        recipient=message.recipient,
        kind=message.kind,
        text=message.text,
    )


def _received(message: Message, zone: tzinfo | None) -> FolderMessage:
    """Our choice: the recipient of what came in is the line; its number may not be known."""
    is_incoming = message.direction is Direction.IN
    at = time_of(message.at, zone)
    return FolderMessage(
        messageid=message.id,
        originator=message.sender,
        recipient=message.line if is_incoming else message.recipient,
        messagetype=TEXT,
        messagedata=message.alarm or message.text,
        senttime=at,
        receivedtime=at,
    )
