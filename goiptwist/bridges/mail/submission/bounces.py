"""
Why a mail of ours has come back (RFC 3464, and what older servers write). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message as Part

from goiptwist.bridges.mail.reading.headers import Headers
from goiptwist.bridges.mail.reading.parsing import attempt, parse_mime
from goiptwist.bridges.mail.reading.printable import readable
from goiptwist.bridges.mail.submission.loops import PROGRAMS
from goiptwist.errors import Unacceptable

#: Characters of a reason.
REASON_AT_MOST = 300

_STATUS = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
#: The part of a report for programs, and its form beyond ASCII (RFC 6533).
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
#: Fields of which a group about a recipient has at least one.
_OF_RECIPIENTS = frozenset(("action", "final-recipient", "status"))
#: Actions that say that the mail is still on its way, or has arrived.
_NO_FAILURES = ("delayed", "delivered", "relayed", "expanded")
_COMMENT = re.compile(r"\([^()]*\)")
_ADDRESS = re.compile(r"<([^<>]*)>")


def failure(octets: bytes) -> str:
    """
    @param octets: a mail to the envelope sender of a mail of ours.
    @return: why that did not arrive, in one line; empty where the mail says
        nothing of the kind, such as that it takes longer.
    """
    try:
        top = parse_mime(octets)
    except Unacceptable:
        return "it came back, and why cannot be read"
    headers = _headers(top)
    groups = list(_recipients(top))
    if groups:
        failed = [group for group in groups if _has_failed(group)]
        return _reason(failed[0]) or _subject(headers) if failed else ""
    if _kind(top) == "disposition-notification" or _answers_by_itself(headers):
        return ""
    return _subject(headers)


def _recipients(top: Part) -> Iterator[Headers]:
    """The groups of fields about one recipient each (RFC 3464 section 2.1)."""
    for child in _parts(top):
        if attempt(child.get_content_type, "") in _REPORTS:
            groups = map(_headers, _parts(child))
            yield from (group for group in groups if _OF_RECIPIENTS & set(group.names()))


def _parts(part: Part) -> list[Part]:
    found: object = attempt(part.get_payload, None)
    return [each for each in found if isinstance(each, Part)] if isinstance(found, list) else []


def _has_failed(group: Headers) -> bool:
    action = _word(group, "Action")
    if not action:
        return not group.first("Status").strip().startswith("2")
    return action not in _NO_FAILURES


def _reason(group: Headers) -> str:
    """Status and diagnostic; the number does not stand there twice."""
    status = _STATUS.match(group.first("Status").strip())
    kind, semicolon, text = group.first("Diagnostic-Code").partition(";")
    diagnostic = readable(text if semicolon else kind)
    number = status[1] if status else ""
    both = (
        diagnostic
        if number and number in diagnostic
        else ": ".join(filter(None, (number, diagnostic)))
    )
    return both[:REASON_AT_MOST].strip()


def _subject(headers: Headers) -> str:
    subject = readable(headers.first("Subject"))[:REASON_AT_MOST].strip()
    return subject or "it came back, and does not say why"


def _answers_by_itself(headers: Headers) -> bool:
    """
    Somebody is on holiday: that comes to the envelope sender too (RFC 3834
    section 4). Some servers call their bounces answers as well.
    """
    author = headers.first("From")
    found = _ADDRESS.search(author)
    address = (found[1] if found else author).strip()
    if not address or PROGRAMS.match(address) or "x-failed-recipients" in headers.names():
        return False
    return _word(headers, "Auto-Submitted") not in ("", "no")


def _word(headers: Headers, name: str) -> str:
    return _COMMENT.sub("", headers.first(name)).split(";")[0].strip().lower()


def _kind(top: Part) -> str:
    return str(attempt(lambda: top.get_param("report-type", ""), "") or "").lower()


def _headers(part: Part) -> Headers:
    return Headers(attempt(lambda: tuple(part.raw_items()), ()))
