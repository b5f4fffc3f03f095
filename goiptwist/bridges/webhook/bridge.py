"""
L{WebhookBridge}: what happens at the gateway, posted to a URL.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from zope.interface import implementer

from goiptwist.bridges.webhook.client import PrivateAddressBlocked, WebhookClient
from goiptwist.bridges.webhook.payloads import (
    alarm_payload,
    line_event_payload,
    notification_payload,
    payload,
    sms_payload,
)
from goiptwist.bridges.webhook.response import delivered_by
from goiptwist.bridges.webhook.settings import WebhookSettings
from goiptwist.bridges.webhook.signing import signed
from goiptwist.bridges.webhook.urls import fault_of, place_of
from goiptwist.errors import GoipTwistError, Refused, TryLater
from goiptwist.interfaces import IBridge, IChecksItself, IObservesLines, IObservesMessages
from goiptwist.messaging import report_urls
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message
from goiptwist.model.notifications import LineEvent, Notification

AGENT = {"User-Agent": "goiptwist"}


@implementer(IBridge, IObservesMessages, IObservesLines, IChecksItself)
@define(eq=False, repr=False, slots=False)
class WebhookBridge(Service):
    """
    Each delivery is one POST. It is at least once: if the answer is lost, the
    same C{webhook-id} comes again.

    @ivar section: the name of the section, for the log.
    @ivar gateway: gives the time, the reactor, and names of numbers.
    """

    section: str
    settings: WebhookSettings
    gateway: Any
    statuses: tuple[str, ...] = field(init=False)
    _caller: WebhookClient = field(init=False)
    _reporter: WebhookClient = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        settings, reactor = self.settings, self.gateway.reactor
        self.statuses = settings.statuses
        self._caller = WebhookClient(reactor, settings.private, settings.ca, settings.timeout)
        # Everybody's URLs are called: nothing is kept open for them.
        self._reporter = WebhookClient(
            reactor, settings.private, settings.ca, settings.timeout, persistent=False
        )

    async def deliver(self, message: Message) -> Delivered:
        """See L{IBridge}: an SMS or an alarm came in."""
        if message.alarm:
            return await self._post(message.id, alarm_payload(message))
        name = self.gateway.directory.display_name(message.sender)
        return await self._post(message.id, sms_payload(message, name))

    async def notify(self, notification: Notification) -> Delivered:
        """See L{IObservesMessages}: something became of an SMS that went out."""
        template = (
            report_urls.url_of(notification.message.context) if self.settings.report_urls else ""
        )
        if template:
            return await self._report(template, notification)
        return await self._post(notification.id, notification_payload(notification))

    async def observe(self, event: LineEvent) -> Delivered:
        """See L{IObservesLines}: something happened on a line."""
        return await self._post(event.id, line_event_payload(event))

    async def check(self) -> str:
        """
        Post a C{webhook.ping}.

        @return: what was answered.
        @raise GoipTwistError: what is wrong.
        """
        now = self.gateway.clock.seconds()
        handover = await self._posted(f"ping-{int(now)}", payload("webhook.ping", now, {}))
        return f"{handover.detail} to a webhook.ping"

    async def _post(self, about: str, content: bytes) -> Delivered:
        try:
            return await self._posted(about, content)
        except GoipTwistError as trouble:
            if getattr(trouble, "attempted", True):  # of absence the queue tells, once
                self._warn(about, trouble)
            raise

    async def _posted(self, about: str, content: bytes) -> Delivered:
        now = self.gateway.clock.seconds()
        signature = signed(self.settings.keys, about, now, content)
        headers = {**AGENT, "Content-Type": "application/json", **signature}
        answer = await self._caller.call("POST", self.settings.url, headers, content)
        return delivered_by(answer, place_of(self.settings.url), now)

    async def _report(self, template: str, notification: Notification) -> Delivered:
        """
        Call a URL that a submission has named. Whatever is wrong is wrong with
        this URL alone: others must not wait for it.
        """
        try:
            url = report_urls.told(template, notification)
            fault = fault_of(url)
            if fault:
                raise Refused(f"the report URL {fault}")
            answer = await self._reporter.call("GET", url, AGENT)
            return delivered_by(answer, place_of(url), self.gateway.clock.seconds())
        except PrivateAddressBlocked as inside:
            self._warn(notification.id, inside)
            raise Refused(str(inside)) from None
        except TryLater as trouble:
            self._warn(notification.id, trouble)
            raise TryLater(str(trouble), after=trouble.after) from None

    def _warn(self, about: str, trouble: GoipTwistError) -> None:
        self.log.warn(
            "Bridge {bridge} did not hand over {message_id}: {reason}",
            bridge=self.section,
            message_id=about,
            reason=str(trouble),
        )

    def stopService(self) -> Deferred[Any]:
        """Close what is kept open."""
        super().stopService()
        return DeferredList([self._caller.close(), self._reporter.close()])
