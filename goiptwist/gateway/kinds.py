"""
Every kind of bridge that a configuration may name. No logic.
"""

from __future__ import annotations

from twisted.plugin import getPlugins

from goiptwist.bridges.call.kind import CallKind
from goiptwist.bridges.dc09.kind import Dc09Kind
from goiptwist.bridges.mail.kind import MailKind
from goiptwist.bridges.sms.kind import SmsKind
from goiptwist.bridges.webhook.kind import WebhookKind
from goiptwist.bridges.xmpp.kind import XmppKind
from goiptwist.interfaces import IBridgeKind


def bridge_kinds() -> dict[str, IBridgeKind]:
    """Our own, and those of plug-ins on the path."""
    own: list[IBridgeKind] = [
        MailKind(),
        XmppKind(),
        WebhookKind(),
        SmsKind(),
        Dc09Kind(),
        CallKind(),
    ]
    kinds = {kind.kind: kind for kind in own}
    for plugin in getPlugins(IBridgeKind):
        kinds.setdefault(plugin.kind, plugin)
    return kinds
