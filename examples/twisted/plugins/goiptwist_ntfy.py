"""
A whole bridge in one file: incoming SMS as push messages through ntfy
(U{https://docs.ntfy.sh/publish/}).

Put it into any C{twisted/plugins/} on the Python path, and configure:

    [bridge.phone]
    section, kind = "bridge", "ntfy"
    phase = Phase.BRIDGE
    topic = "alarms"
"""

from __future__ import annotations

import re
from typing import Any

from attrs import field, frozen
from treq.client import HTTPClient
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.plugin import IPlugin
from twisted.web.client import Agent
from zope.interface import implementer

from goiptwist.config.values import Password, setting
from goiptwist.errors import Refused, TryLater
from goiptwist.interfaces import IBridge, IConnectorKind, IGateway, Phase
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import Message

#: Seconds for a whole request.
PATIENCE = 30.0


@frozen(kw_only=True)
class NtfySettings:
    topic: str = setting("The topic that the phones subscribed to.")
    server: str = setting("The ntfy server.", default="https://ntfy.sh")
    token: Password | None = setting("The access token, if the topic needs one.", default=None)


@implementer(IBridge)
@frozen
class NtfyBridge:
    settings: NtfySettings
    http: Any = field(repr=False)

    async def deliver(self, message: Message) -> Delivered:
        """
        ntfy knows no repeats: after a lost answer a phone may show a message
        twice, with the same C{X-GoIP-Id}.
        """
        headers = {"X-GoIP-Id": message.id, "Title": f"SMS from {_shown(message.sender)}"}
        if self.settings.token:
            headers["Authorization"] = f"Bearer {self.settings.token.clear}"
        url = f"{self.settings.server}/{self.settings.topic}"
        body = message.text.encode("utf-8", "replace")
        try:
            response = await self.http.post(
                url, data=body, headers=headers, allow_redirects=False, timeout=PATIENCE
            )
        except (ConnectError, DNSLookupError) as error:
            raise TryLater(f"ntfy cannot be reached: {error}", attempted=False) from None
        except Exception as error:  # a lost connection, a time-out, no HTTP at all
            raise TryLater(f"ntfy did not answer: {type(error).__name__}") from None
        return _judged(response.code)


def _judged(code: int) -> Delivered:
    if code == 200:
        return Delivered(detail="200 from ntfy")
    if code in (401, 403, 408, 429) or not 400 <= code < 500:  # busy, or for the operator
        raise TryLater(f"ntfy answered {code}")
    raise Refused(f"ntfy answered {code}")


def _shown(sender: str) -> str:
    """A sender as it may stand in a header."""
    return re.sub(r"[^+0-9A-Za-z ._-]", "?", sender)[:64]


@implementer(IPlugin, IConnectorKind)
class NtfyKind:
    section, kind = "bridge", "ntfy"
    phase = Phase.BRIDGE
    settings = NtfySettings

    def build(self, name: str, settings: NtfySettings, gateway: IGateway) -> NtfyBridge:
        return NtfyBridge(settings, HTTPClient(Agent(gateway.reactor)))


ntfy = NtfyKind()
