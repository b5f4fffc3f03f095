"""
The mail itself. Pure: the same SMS always becomes the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage

from goiptwist.bridges.mail.settings import MailSettings
from goiptwist.message import Message

#: Seven bits suffice on every way, whatever the next server offers.
POLICY = policy.SMTP.clone(cte_type="7bit")

#: Characters of an SMS's sender that are shown in a header. A number has at
#: most 20 digits and a name 11 characters (GSM 03.40 section 9.1.2.5).
SENDER_AT_MOST = 64
#: Characters of a subject.
SUBJECT_AT_MOST = 200

#: Everything that a reader cannot see in a text but newline and tab, and
#: surrogates, which are no characters.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PLACEHOLDER = re.compile(r"\{(sender|line|id)\}")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def body_text(text: str) -> str:
    """
    The SMS as it stands in the mail: newlines made one kind, and C{U+FFFD} in
    the place of each other control character and lone surrogate.
    """
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def header_text(text: str, at_most: int) -> str:
    """
    One line without control characters, surrogates and invisible marks, which
    could make a reader see another sender; runs of white space become one.

    The opening of an encoded word (RFC 2047 section 2) is broken up: the text
    is meant literally, but C{email} would decode it, line ends and all.
    """
    one_line = " ".join(text.split())
    seen = "".join(c for c in one_line if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    shown = " ".join(seen.replace("=?", "= ?").split())
    return shown if len(shown) <= at_most else shown[: at_most - 1].rstrip() + "…"


def message_id(message: Message, domain: str) -> str:
    """
    The same for each repetition of an SMS, so that a receiver can tell.

    @return: C{<ID.MILLISECONDS@domain>}
    """
    known = message.id
    if not _PLAIN_ID.fullmatch(known):
        known = hashlib.sha256(known.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"<{known}.{round(message.at * 1000)}@{domain}>"


def subject(message: Message, template: str) -> str:
    """Fill the template, once: what is filled in is not looked at again."""
    filled = _PLACEHOLDER.sub(lambda found: str(getattr(message, found[1])), template)
    return header_text(filled, SUBJECT_AT_MOST)


def render(message: Message, settings: MailSettings) -> bytes:
    """
    Write the mail.

    @return: RFC 5322 with CRLF line ends and seven-bit content, dots not yet
        doubled.
    """
    sender = header_text(message.sender, SENDER_AT_MOST)
    line = header_text(message.line, SENDER_AT_MOST)
    shown_name = f"{sender or 'unknown'} ({line})" if line else sender or "unknown"
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(display_name=shown_name, addr_spec=settings.sender)
    mail["To"] = tuple(Address(addr_spec=address) for address in settings.to)
    mail["Subject"] = subject(message, settings.subject)
    mail["Date"] = datetime.fromtimestamp(message.at, UTC)
    mail["Message-ID"] = message_id(message, settings.domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5
    mail["X-Auto-Response-Suppress"] = "All"  # the same, as Exchange reads it
    mail["X-GoIP-Line"] = line
    mail["X-GoIP-From"] = sender
    mail["X-GoIP-Id"] = header_text(message.id, SENDER_AT_MOST)
    mail.set_content(body_text(message.text))
    return mail.as_bytes()
