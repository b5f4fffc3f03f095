"""
The mail itself. Pure: the same SMS always becomes the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime

from attrs import frozen

from goiptwist.bridges.mail.outgoing.settings import MailSettings
from goiptwist.bridges.mail.submission.context import EARLIER_AT_MOST
from goiptwist.model.messages import Message

#: Seven bits pass every server, with or without 8BITMIME. The header
#: is folded here: C{email} may put a blank into an encoded name when it folds.
POLICY = policy.SMTP.clone(cte_type="7bit", refold_source="none")

#: Characters of a line that need no folding (RFC 5322 section 2.1.1).
LINE_AT_MOST = 78
#: Characters of an SMS's sender that are shown in a header. A number has at
#: most 20 digits and a name 11 characters (GSM 03.40 section 9.1.2.5).
SENDER_AT_MOST = 64
#: The note in a mail that nobody can answer.
NO_REPLY_NOTE = "The sender of this SMS is a name: it cannot be answered."
#: Characters of a subject, and of the text that is quoted there.
SUBJECT_AT_MOST, QUOTED_AT_MOST = 200, 40
#: The subject of an alarm where no template is set, plainly and in private.
ALARM_SUBJECT = {False: "{sender}: {text}", True: "Alarm"}

#: Everything that a reader cannot see in a text but newline and tab, and
#: surrogates, which are no characters.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PLACEHOLDER = re.compile(r"\{(sender|name|line|id|text)\}")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: RFC 5322 section 3.6.4, msg-id, without the obsolete forms and literals; not
#: so long that a line of it could not be sent.
_ATOMS = r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*"
_MESSAGE_ID = re.compile(rf"(?=.{{1,250}}\Z)<{_ATOMS}@{_ATOMS}>", re.ASCII)


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
    """
    one_line = " ".join(text.split())
    seen = "".join(c for c in one_line if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    shown = " ".join(seen.split())
    return shown if len(shown) <= at_most else shown[: at_most - 1].rstrip() + "…"


def unstructured(name: str, text: str) -> str:
    """
    Write a text as the value of a header (RFC 2047): as it stands, or as
    encoded words if it is not ASCII or could itself be taken for one.
    """
    if text.isascii() and "=?" not in text and len(f"{name}: {text}") <= LINE_AT_MOST:
        return text
    return Header(text, "utf-8", header_name=name).encode(linesep="\r\n")


def mailbox(name: str, shown: str, address: str) -> str:
    """Write an address with a display name (RFC 5322 section 3.4) as the value of a header."""
    if shown.isascii() and "=?" not in shown:
        shown = '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        shown = unstructured(name, shown)
    return _folded(name, [shown, f"<{address}>"], " ")


def _folded(name: str, parts: Sequence[str], between: str) -> str:
    """On one line if it fits, otherwise a line for each part."""
    value = between.join(parts)
    if len(f"{name}: {value}") <= LINE_AT_MOST:
        return value
    return f"{between.rstrip()}\r\n ".join(parts)


def message_id(message: Message, domain: str) -> str:
    """
    The same for each repetition of an SMS, so that a receiver can tell.

    @return: C{<ID.MILLISECONDS@domain>}
    """
    known = message.id
    if not _PLAIN_ID.fullmatch(known):
        known = hashlib.sha256(known.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"<{known}.{round(message.at * 1000)}@{domain}>"


def subject(message: Message, template: str, name: str = "") -> str:
    """
    Fill the template, once: what is filled in is not looked at again.

    @param name: what the correspondent is called, if that is known.
    """
    # Of an alarm the rest is for machines.
    first_line = message.text.partition("\n")[0] if message.alarm else message.text
    known = {
        "sender": message.sender,
        "name": header_text(name, SENDER_AT_MOST) or message.sender,
        "line": message.line,
        "id": message.id,
        "text": header_text(first_line, SUBJECT_AT_MOST if message.alarm else QUOTED_AT_MOST),
    }
    filled = _PLACEHOLDER.sub(lambda found: known[found[1]], template)
    return header_text(filled, SUBJECT_AT_MOST)


def thread_root(message: Message, domain: str) -> str:
    """
    The id that all mails of one correspondent and line refer to. No mail has
    it; it only holds them together in every mail program.
    """
    named = "\x1f".join((message.line, message.sender)).encode("utf-8", "surrogatepass")
    return f"<conversation.{hashlib.sha256(named).hexdigest()[:32]}@{domain}>"


def references(root: str, earlier: Sequence[str], own: str) -> list[str]:
    """
    What a mail refers to, oldest first (RFC 5322 section 3.6.4).

    @param earlier: ids of earlier mails; what is no id is left out.
    @param own: the id of the mail itself, which it does not refer to.
    """
    sound = [known for known in earlier if _MESSAGE_ID.fullmatch(known) and "=?" not in known]
    others = [known for known in dict.fromkeys(sound) if known not in (root, own)]
    return [root, *others[-EARLIER_AT_MOST:]]


@frozen
class ReplyAddresses:
    """
    The addresses of a correspondent who can be answered.

    @ivar address: who the mail is from: his in the domain that is ours, or the
        one that all mails are from.
    @ivar reply_to: his with a token, so that an answer is taken.
    """

    address: str
    reply_to: str


def _list_id(line: str, domain: str) -> str:
    """RFC 2919: one list for each line, to be filtered by."""
    label = re.sub(r"[^A-Za-z0-9-]+", "-", line).strip("-") or "line"
    return f"<{label}.{domain}>"


def compose(
    message: Message,
    settings: MailSettings,
    answer: ReplyAddresses | None = None,
    name: str = "",
    earlier: Sequence[str] = (),
) -> bytes:
    """
    Write the mail.

    @param answer: C{None} where nobody can answer.
    @param name: what the correspondent is called, if that is known.
    @param earlier: the Message-IDs of the last mails of this conversation,
        oldest first.
    @return: RFC 5322 with CRLF line ends and seven-bit content, dots not yet
        doubled.
    """
    mail = EmailMessage(policy=POLICY)
    for header in (
        _addresses(message, settings, answer, name),
        _thread(message, settings, earlier),
        _machine_fields(message, settings),
    ):
        for key, value in header:
            mail.set_raw(key, value)
    unanswerable = settings.answers_to and answer is None and not message.alarm
    note = f"\n\n-- \n{NO_REPLY_NOTE}" if unanswerable else ""
    mail.set_content(body_text(message.text) + note)
    return mail.as_bytes()


def _addresses(
    message: Message, settings: MailSettings, answer: ReplyAddresses | None, name: str
) -> Iterator[tuple[str, str]]:
    """Who writes to whom about what."""
    shown = _display_name(message, settings, name)
    address = answer.address if answer and not settings.private else settings.sender
    yield "From", mailbox("From", shown, address)
    if answer:
        yield "Reply-To", mailbox("Reply-To", shown, answer.reply_to)
    yield "To", _folded("To", settings.to, ", ")
    if settings.cc:
        yield "Cc", _folded("Cc", settings.cc, ", ")
    yield "Subject", unstructured("Subject", _subject(message, settings, name))


def _subject(message: Message, settings: MailSettings, name: str) -> str:
    if not message.alarm or settings.subject:
        return subject(message, settings.subject_template, name)
    account = message.alarm.partition(",")[0]
    filled = subject(message, ALARM_SUBJECT[settings.private])
    return filled.replace(f": Account {account}: ", ": ", 1)  # once is enough


def _display_name(message: Message, settings: MailSettings, name: str) -> str:
    """The display name: the correspondent, or in private only the line."""
    line = header_text(message.line, SENDER_AT_MOST)
    if settings.private and message.alarm:
        return "Alarm"
    if settings.private:
        return f"SMS on {line}" if line else "SMS"
    sender = header_text(message.sender, SENDER_AT_MOST) or "unknown"
    called = header_text(name, SENDER_AT_MOST)
    if called:
        return f"{called} ({sender})"
    return f"{sender} ({line})" if line else sender


def _thread(
    message: Message, settings: MailSettings, earlier: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """When, and in which conversation."""
    own = message_id(message, settings.own_domain)
    known = references(thread_root(message, settings.own_domain), earlier, own)
    yield "Date", format_datetime(datetime.fromtimestamp(message.at, UTC))
    yield "Message-ID", own
    if len(known) > 1:
        yield "In-Reply-To", known[-1]
    yield "References", _folded("References", known, " ")


def _machine_fields(message: Message, settings: MailSettings) -> Iterator[tuple[str, str]]:
    """What programs go by."""
    line = header_text(message.line, SENDER_AT_MOST)
    sender = header_text(message.sender, SENDER_AT_MOST)
    if line and not message.alarm:
        yield "List-Id", _list_id(line, settings.own_domain)
    if message.alarm:
        yield "X-GoIP-Alarm", unstructured("X-GoIP-Alarm", message.alarm)
        yield "Importance", "high"  # RFC 4021 section 2.1.54
    yield "Auto-Submitted", "auto-generated"  # RFC 3834 section 5
    yield "X-Auto-Response-Suppress", "All"  # the same, as Exchange reads it
    yield "X-GoIP-Line", unstructured("X-GoIP-Line", line)
    yield "X-GoIP-From", unstructured("X-GoIP-From", sender)
    yield "X-GoIP-Id", unstructured("X-GoIP-Id", header_text(message.id, SENDER_AT_MOST))
