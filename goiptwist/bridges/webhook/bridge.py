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
from goiptwist.interfaces import IBridge, IChecksItself, IGateway, IObservesLines, IObservesMessages
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
    gateway: IGateway
    statuses: tuple[str, ...] = field(init=False)
    _client: WebhookClient = field(init=False)
    _report_client: WebhookClient = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        settings, reactor = self.settings, self.gateway.reactor
        self.statuses = settings.statuses
        self._client = WebhookClient(reactor, settings.private, settings.ca, settings.timeout)
        # Everybody's URLs are called: nothing is kept open for them.
        self._report_client = WebhookClient(
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
        delivered = await self._posted(f"ping-{int(now)}", payload("webhook.ping", now, {}))
        return f"{delivered.detail} to a webhook.ping"

    async def _post(self, event_id: str, content: bytes) -> Delivered:
        try:
            return await self._posted(event_id, content)
        except GoipTwistError as error:
            if getattr(error, "attempted", True):  # of absence the queue tells, once
                self._warn(event_id, error)
            raise

    async def _posted(self, event_id: str, content: bytes) -> Delivered:
        now = self.gateway.clock.seconds()
        signature = signed(self.settings.keys, event_id, now, content)
        headers = {**AGENT, "Content-Type": "application/json", **signature}
        response = await self._client.call("POST", self.settings.url, headers, content)
        return delivered_by(response, place_of(self.settings.url), now)

    async def _report(self, template: str, notification: Notification) -> Delivered:
        """
        Call a URL that a submission has named. An error concerns this URL alone:
        others must not wait for it.
        """
        try:
            url = report_urls.filled_with_status(template, notification)
            fault = fault_of(url)
            if fault:
                raise Refused(f"the report URL {fault}")
            response = await self._report_client.call("GET", url, AGENT)
            return delivered_by(response, place_of(url), self.gateway.clock.seconds())
        except PrivateAddressBlocked as error:
            self._warn(notification.id, error)
            raise Refused(str(error)) from None
        except TryLater as error:
            self._warn(notification.id, error)
            raise TryLater(str(error), after=error.after) from None

    def _warn(self, event_id: str, error: GoipTwistError) -> None:
        self.log.warn(
            "Bridge {destination} did not hand over {message_id}: {reason}",
            destination=self.section,
            message_id=event_id,
            reason=str(error),
        )

    def stopService(self) -> Deferred[Any]:
        """Close what is kept open."""
        super().stopService()
        return DeferredList([self._client.close(), self._report_client.close()])
