"""
The C{Received} line that goes on top of each mail (RFC 5321 section 4.4). Pure.

It names neither the user nor the recipients: mails are quoted and forwarded,
and that is nobody's business but ours.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from goiptwist.bridges.mail.submission.interfaces import MailClient, MailProtocol


def protocol_name(client: MailClient, *, extended: bool, utf8: bool) -> str:
    """How it came, in the keywords of RFC 3848 and RFC 6531 section 4.3."""
    marks = ("S" if client.tls else "") + ("A" if client.user is not None else "")
    if client.protocol is MailProtocol.LMTP:
        return ("UTF8LMTP" if utf8 else "LMTP") + marks
    if utf8:
        return "UTF8SMTP" + marks
    return ("ESMTP" if extended else "SMTP") + marks


def received_header(
    client: MailClient, domain: str, protocol: str, identity: str, at: float
) -> bytes:
    """
    @param protocol: as L{protocol_name} says.
    @param identity: ours for this mail; it stands in the log too.
    @param at: seconds since the epoch.
    """
    address = f"IPv6:{client.peer}" if ":" in client.peer else client.peer
    when = format_datetime(datetime.fromtimestamp(int(at), UTC))
    lines = (
        f"Received: from {client.helo} ([{address}])",
        f"\tby {domain} with {protocol} id {identity};",
        f"\t{when}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", "replace")
