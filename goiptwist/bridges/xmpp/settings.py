"""The keys of a C{[bridge.NAME]} section with C{kind = "xmpp"}."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from goiptwist.bridges.xmpp.addressing import bare
from goiptwist.config.common import BridgeSettings
from goiptwist.config.values import HostPort, Password, setting
from goiptwist.model.quota import Quota
from goiptwist.net.trust import check_ca

#: RFC 1035 section 2.3.1, or a name of one label, as in a network of one's own.
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.I)


def _one_of(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        known = " or ".join(f'"{word}"' for word in choices)
        raise ValueError(f"{key}: must be {known}, not {value!r}")


def _check_mode(_: Any, __: Any, mode: str) -> None:
    _one_of("mode", mode, ("client", "component"))


def _check_jid(settings: XmppSettings, __: Any, jid: str) -> None:
    if settings.mode == "component":
        if not _DOMAIN.fullmatch(jid):
            raise ValueError(f"jid: {jid!r} is no domain; a component has one, as sms.example.org")
    elif "@" not in jid or not bare(jid):
        raise ValueError(f"jid: {jid!r} is no account, such as gateway@example.org")


def _check_to(_: Any, __: Any, to: tuple[str, ...]) -> None:
    if not to or isinstance(to, str):
        raise ValueError('to: name at least one JID or room, such as ["ann@example.org"]')
    for jid in to:
        if not isinstance(jid, str) or "@" not in jid or "/" in jid:
            raise ValueError(f"to: {jid!r} is no JID, such as ann@example.org")
        try:
            bare(jid)
        except ValueError as error:
            raise ValueError(f"to: {error}") from None
    if len({jid.lower() for jid in to}) < len(to):
        raise ValueError("to: a JID stands twice in it; leave one out")


def _check_allow(_: Any, __: Any, allow: tuple[str, ...]) -> None:
    for jid in allow:
        try:
            fine = isinstance(jid, str) and "/" not in jid and bool(bare(jid))
        except ValueError:
            fine = False
        if not fine:
            raise ValueError(f"allow: {jid!r} is neither a JID without a resource nor a domain")


def _check_receipt(_: Any, __: Any, receipt: str) -> None:
    _one_of("receipt", receipt, ("delivered", "sent"))


def _check_plain(settings: XmppSettings, __: Any, plain: str) -> None:
    _one_of("plain", plain, ("refuse", "last"))


def _check_pool(settings: XmppSettings, __: Any, pool: str) -> None:
    if pool and settings.line:
        raise ValueError("pool: contradicts line; leave one of them out")


def _check_many(_: Any, attribute: Any, many: int) -> None:
    if not 0 <= many <= 1_000_000:
        raise ValueError(f"{attribute.name}: must be 0 to 1000000; 0 is no limit")


def _check_minutes(_: Any, __: Any, minutes: float) -> None:
    if not 0 < minutes <= 10_080:
        raise ValueError("too_old: must be more than 0 and at most 10080 minutes")


@frozen(kw_only=True)
class XmppSettings(BridgeSettings):
    """Who gets incoming SMS by chat, who may answer, and where we log in."""

    mode: str = setting(
        'As what we log in: "client" (an account on any server; all SMS are in one chat) or '
        '"component" (a domain of its own, which the server must know; each number is a contact).',
        validator=_check_mode,
        default="client",
    )
    jid: str = setting(
        "The account, such as gateway@example.org, or the domain of the component, such as "
        "sms.example.org.",
        validator=_check_jid,
    )
    password: Password = setting("The password of the account, or the secret of the component.")
    server: HostPort | None = setting(
        "The server, host:port. Empty: an account's is found by the DNS (SRV), a component's is "
        "127.0.0.1:5347.",
        default=None,
    )
    ca: str = setting(
        "A PEM file with the certificates to trust instead of the system's.",
        validator=check_ca,
        default="",
    )
    clear: bool = setting(
        "Whether a component may log in at a server on another machine: its secret and the texts "
        "then go over the network in clear, so only through a tunnel.",
        default=False,
    )
    to: tuple[str, ...] = setting(
        "Who gets every SMS of this bridge: JIDs, or rooms, which are joined.", validator=_check_to
    )
    allow: tuple[str, ...] = setting(
        "Who may send SMS: JIDs without a resource, or whole domains. Empty: nobody.",
        validator=_check_allow,
        default=(),
    )
    messages_a_day: int = setting(
        "How many SMS each of them may send in a day (UTC); 0: no limit.",
        validator=_check_many,
        default=0,
    )
    receipt: str = setting(
        'When the receipt of a chat message is sent: "delivered" (the handset has the SMS, as '
        'its delivery report says) or "sent" (the network has taken it).',
        validator=_check_receipt,
        default="delivered",
    )
    plain: str = setting(
        'What becomes of a line that says no number and answers no SMS: "refuse", or "last" (it '
        "goes to whom this person had the last SMS from, or wrote to, in the last hour).",
        validator=_check_plain,
        default="refuse",
    )
    line: str = setting(
        "The line that sends to numbers with which there was no SMS yet; empty: any of pool.",
        default="",
    )
    pool: str = setting(
        "The pool that sends to them; empty: the default pool.", validator=_check_pool, default=""
    )
    nick: str = setting("What we are called in rooms and in contact lists.", default="SMS")
    too_old: float = setting(
        "Minutes after which a message that comes late is not sent any more, because the server "
        "kept it while we were away; its writer is told.",
        validator=_check_minutes,
        default=10.0,
    )
    show_lines: bool = setting(
        "Whether the state of the lines can be seen as presence, and in /lines and /status.",
        default=True,
    )
    sms: bool = setting(
        "false: takes no SMS by itself, only those that another bridge hands over to it.",
        default=True,
    )

    @property
    def recipients(self) -> tuple[str, ...]:
        """
        Who gets a row of his own for each message, as a server writes the JIDs; see
        L{IDeliversEach<goiptwist.interfaces.IDeliversEach>}.
        """
        return tuple(bare(jid) for jid in self.to)

    @property
    def quota(self) -> Quota:
        """How much each person may send in a day."""
        return Quota(messages=self.messages_a_day)

    def allows(self, jid: str) -> bool:
        """@param jid: bare, as the server has verified it."""
        known = {entry.lower() for entry in self.allow}
        return jid.lower() in known or jid.lower().rpartition("@")[2] in known
