"""
Every kind of connector that a configuration may name.
"""

from __future__ import annotations

from twisted.plugin import getPlugins

from goiptwist.bridges.call.kind import CallKind
from goiptwist.bridges.dc09.kind import AlarmListenerKind, Dc09Kind
from goiptwist.bridges.mail.kind import ImapKind, MailKind, MailListenerKind
from goiptwist.bridges.sms.kind import SmsKind
from goiptwist.bridges.webhook.kind import WebhookKind
from goiptwist.bridges.xmpp.kind import XmppKind
from goiptwist.goip.kind import GoipKind
from goiptwist.interfaces import IConnectorKind
from goiptwist.web.kind import HttpKind


def own_kinds() -> list[IConnectorKind]:
    """Those of this package."""
    return [
        GoipKind(),
        MailKind(),
        XmppKind(),
        WebhookKind(),
        SmsKind(),
        Dc09Kind(),
        CallKind(),
        HttpKind(),
        MailListenerKind(),
        ImapKind(),
        AlarmListenerKind(),
    ]


def connector_kinds() -> list[IConnectorKind]:
    """Our own, and those of plug-ins on the path; one of each section and kind."""
    kinds = own_kinds()
    for plugin in getPlugins(IConnectorKind):
        if (plugin.section, plugin.kind) not in {(kind.section, kind.kind) for kind in kinds}:
            kinds.append(plugin)
    return kinds
