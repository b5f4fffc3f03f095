"""
The keys of C{[imap]}: the mailbox that is looked into, and where its mails go.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from goiptwist.bridges.mail.submission.authentication import check_authserv
from goiptwist.config.values import HostPort, Password, setting

_FOLDER = re.compile(r"[A-Za-z0-9._/ -]{1,100}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")


def _check_server(settings: ImapSettings, __: Any, server: HostPort | None) -> None:
    if server is None:
        return
    if not settings.username or settings.password is None:
        raise ValueError("server needs a username and a password")
    if not settings.tls and not server.is_loopback:
        raise ValueError("server is not on this machine, so tls must be true")


def _check_folder(_: Any, attribute: Any, name: str) -> None:
    if not _FOLDER.fullmatch(name):
        raise ValueError(f"{attribute.name} must be a folder's name in plain letters")


def _check_header(_: Any, __: Any, name: str) -> None:
    if not _HEADER.fullmatch(name):
        raise ValueError("recipient_header must be a header's name, such as Delivered-To")


def _check_seconds(_: Any, attribute: Any, value: float) -> None:
    if not 1 <= value <= 86400:
        raise ValueError(f"{attribute.name} must be 1 to 86400 seconds")


@frozen(kw_only=True)
class ImapSettings:
    """C{[imap]}"""

    server: HostPort | None = setting(
        "The IMAP server whose mails become SMS, host:port; empty is none.",
        default=None,
        validator=_check_server,
    )
    tls: bool = setting(
        "TLS from the first byte on, as on port 993; the certificate must be good for the name "
        "of the server. Without it only a server on this machine is asked.",
        default=True,
    )
    ca: str = setting(
        "A PEM file with the certificates to trust instead of the system's.", default=""
    )
    username: str = setting("The name to log in with.", default="")
    password: Password | None = setting("The password that goes with username.", default=None)
    folder: str = setting(
        "Where new mails are; no other gateway may look there.",
        default="INBOX",
        validator=_check_folder,
    )
    taken_folder: str = setting(
        "Where mails are moved to that have become SMS; it is made if it is not there.",
        default="sms-taken",
        validator=_check_folder,
    )
    refused_folder: str = setting(
        "Where mails are moved to that will never become SMS.",
        default="sms-refused",
        validator=_check_folder,
    )
    recipient_header: str = setting(
        "The header in which the server writes for whom a mail came; the topmost one counts.",
        default="Delivered-To",
        validator=_check_header,
    )
    authserv: str = setting(
        "How the server calls itself in Authentication-Results. With it, not only answers become "
        "SMS but also new mails, if the server has found From to be true (DMARC, DKIM or SPF), on "
        "the account of the user whose mail the address is. It must take away fields with its "
        "name that come from outside.",
        default="",
        validator=check_authserv,
    )
    interval: float = setting("Seconds between two looks.", default=60.0, validator=_check_seconds)
    timeout: float = setting(
        "Seconds for each answer of the server.", default=60.0, validator=_check_seconds
    )
    max_size: int = setting("Bytes that one mail may have; more is refused.", default=262144)
