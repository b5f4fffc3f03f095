"""
The keys of C{[mail]}: where mails may be handed in, and what one client may cost.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import Attribute, frozen

from goiptwist.bridges.mail.submission.authentication import check_authserv
from goiptwist.config.values import HostPort, Network, setting
from goiptwist.net.certificate import check_certificate, check_listen_tls, check_private_key

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _check_domain(_: Any, __: Any, domain: str) -> None:
    if domain and not _HOST_NAME.fullmatch(domain):
        raise ValueError("domain must be a host name, such as sms.example.org, or empty")


def _check_authserv(settings: MailIntakeSettings, __: Any, authserv: str) -> None:
    if authserv and not settings.trusted:
        raise ValueError("authserv needs the address of that mail server in trusted")


def _within(least: int, most: int) -> Any:
    def check(_: Any, attribute: Attribute[Any], value: float) -> None:
        if not least <= value <= most:
            raise ValueError(f"{attribute.name} must be {least} to {most}")

    return check


@frozen(kw_only=True)
class MailIntakeSettings:
    """C{[mail]}"""

    listen: tuple[HostPort, ...] = setting(
        "Where SMTP is spoken, a list of host:port; STARTTLS is offered if there is a "
        "certificate. Empty is nowhere.",
        default=(),
    )
    listen_tls: tuple[HostPort, ...] = setting(
        "Where SMTP is spoken within TLS from the first byte on, as on port 465; a list of "
        "host:port.",
        default=(),
        validator=check_listen_tls,
    )
    lmtp: tuple[HostPort, ...] = setting(
        "Where LMTP is spoken, for a mail server such as Postfix to hand mails in; a list of "
        "host:port.",
        default=(),
    )
    domain: str = setting(
        "The host name in greetings and in Received; empty is the name of the gateway.",
        default="",
        validator=_check_domain,
    )
    certificate: str = setting(
        "A PEM file with the certificate for TLS, and those that vouch for it. It is read "
        "again when it changes.",
        default="",
        validator=check_certificate,
    )
    private_key: str = setting(
        "The PEM file with the key of the certificate; it may be the same file.",
        default="",
        validator=check_private_key,
    )
    trusted: tuple[Network, ...] = setting(
        'Addresses and networks that may send without logging in, such as ["192.0.2.7"]. '
        "Everybody on such a machine may then send SMS.",
        default=(),
    )
    authserv: str = setting(
        "How our own mail server calls itself in Authentication-Results. With it, mails from "
        "trusted networks are sent only if that server has found From to be true (DMARC, DKIM or "
        "SPF), on the account of the user whose mail the address is. It must take away fields "
        "with its name that come from outside. Empty: who is in a trusted network may send.",
        default="",
        validator=[check_authserv, _check_authserv],
    )
    reports: str = setting(
        "The mail bridge that tells senders by mail what became of their SMS. Empty: the first "
        'mail bridge there is; "none": nobody is told.',
        default="",
    )
    clear_login: bool = setting(
        "Whether programs on this machine may log in without TLS. Others never may.",
        default=False,
    )
    max_size: int = setting(
        "Bytes that one mail may have.", default=262144, validator=_within(1024, 64 * 2**20)
    )
    recipients: int = setting(
        "How many recipients one mail may have.", default=100, validator=_within(1, 1000)
    )
    connections: int = setting(
        "How many connections strangers may have at a time; trusted networks may have as many "
        "again.",
        default=100,
        validator=_within(1, 10000),
    )
    connections_per_peer: int = setting(
        "How many of them may come from one address, or one IPv6 network of 64 bits.",
        default=10,
        validator=_within(1, 10000),
    )
    timeout: float = setting(
        "Seconds that a client has for each command, and for one whole mail.",
        default=300.0,
        validator=_within(1, 3600),
    )
