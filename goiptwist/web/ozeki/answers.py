"""
Answers of the classic language: XML, HTML or urlencoded. Pure.

The XML is that of version 10.3.103, blanks and all. No page of Ozeki's shows
how it nests several reports; here they stand behind one another in the same
C{<data>}, and in the urlencoded form their keys come again, in order.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote_plus

from attrs import field, frozen

from goiptwist.web.ozeki.parameters import AnswerFormat
from goiptwist.web.ozeki.refusals import Refusal

#: Said of every message that is on disk. Clients look for this very text.
ACCEPTED = "Message accepted for delivery"

#: Reports of one answer that repeat type and text, as version 10 does. A
#: longer answer has what that of NG had; a text that 20,000 recipients share
#: would otherwise come back 20,000 times.
MOST_REPEATED = 1000

#: Characters of a text that was refused that are repeated.
MOST_SHOWN = 3000

#: Media types; the first two as Ozeki has them.
KINDS = {
    AnswerFormat.XML: b"application/xml",
    AnswerFormat.HTML: b"text/html; charset=utf-8",
    AnswerFormat.URLENCODED: b"application/x-www-form-urlencoded; charset=utf-8",
}

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {} "http://www.ozekisms.com/DTD/{}">'
_SMSAPI = _HEAD.format('smsapi PUBLIC "-//OZEKI//DTD XML 1.0//EN"', "smsapi.xml")
_RESPONSE = _HEAD.format('response PUBLIC "-//OZEKI//DTD XML 1.0//EN"', "response.xml")

#: What XML 1.0 cannot hold (section 2.2), and half surrogates, which no
#: encoding can.
_NO_CHARACTER = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@frozen(kw_only=True)
class AcceptReport:
    """
    What became of one message of a request.

    @ivar code: 0 is accepted.
    @ivar id: the message's id here; empty where it was not accepted.
    @ivar recipient: as typed.
    """

    code: int
    words: str
    id: str
    recipient: str = field(repr=False)
    kind: str
    text: str = field(repr=False)

    def fields(self, whole: bool) -> list[tuple[str, str]]:
        """@param whole: with type and text."""
        found = [
            ("statuscode", str(self.code)),
            ("statusmessage", self.words),
            ("messageid", self.id),
            ("recipient", self.recipient),
        ]
        if whole:
            found += [("messagetype", self.kind), ("messagedata", self.text[:MOST_SHOWN])]
        return found


@frozen(kw_only=True)
class FolderMessage:
    """One message of a folder; times as the dialect writes them."""

    messageid: str
    originator: str = field(repr=False)
    recipient: str = field(repr=False)
    messagetype: str
    messagedata: str = field(repr=False)
    senttime: str
    receivedtime: str

    def fields(self) -> list[tuple[str, str]]:
        """In the order of Ozeki's page."""
        return [(key.name, getattr(self, key.name)) for key in self.__attrs_attrs__]


def sent(style: AnswerFormat, reports: Sequence[AcceptReport], continue_url: str = "") -> bytes:
    """What became of each message of a C{sendmessage}."""
    whole = len(reports) <= MOST_REPEATED
    fields = [report.fields(whole) for report in reports]
    if style is AnswerFormat.XML:
        return _xml(_SMSAPI, "sendmessage", _elements("acceptreport", fields))
    if style is AnswerFormat.URLENCODED:
        return _urlencoded("sendmessage", "acceptreport.", fields)
    words = ("Status code", "Status message", "Message ID", "Recipient")
    blocks = [list(zip(words, (value for _, value in each), strict=False)) for each in fields]
    return _html("Message report", blocks, continue_url)


def received(style: AnswerFormat, messages: Sequence[FolderMessage]) -> bytes:
    """The messages of a folder."""
    fields = [message.fields() for message in messages]
    if style is AnswerFormat.XML:
        return _xml(_RESPONSE, "receivemessage", _elements("message", fields))
    if style is AnswerFormat.URLENCODED:
        return _urlencoded("receivemessage", "message.", fields)
    return _html("Messages", fields)


def refused(style: AnswerFormat, refusal: Refusal) -> bytes:
    """No to the whole request."""
    fields = [("errorcode", str(refusal.number)), ("errormessage", refusal.sentence)]
    if style is AnswerFormat.XML:
        rows = (f"      <{name}>{_escaped(value)}</{name}>" for name, value in fields)
        return _xml(_RESPONSE, "error", rows)
    if style is AnswerFormat.URLENCODED:
        return _urlencoded("error", "", [fields])
    words = ("Error code", "Error message")
    block = list(zip(words, (value for _, value in fields), strict=True))
    return _html("Error", [block])


def _xml(head: str, action: str, rows: Iterable[str]) -> bytes:
    opening = [head, "<response>", f"   <action>{action}</action>", "   <data>"]
    return "\n".join([*opening, *rows, "   </data>", "</response>", ""]).encode()


def _elements(name: str, elements: Iterable[Iterable[tuple[str, str]]]) -> Iterator[str]:
    for fields in elements:
        yield f"\t\t<{name}>"
        for key, value in fields:
            yield f"\t\t\t<{key}>{_escaped(value)}</{key}>"
        yield f"\t\t</{name}>"


def _urlencoded(action: str, prefix: str, elements: Iterable[Iterable[tuple[str, str]]]) -> bytes:
    parts = [f"action={action}"]
    parts += [
        f"{prefix}{key}={quote_plus(value, errors='replace')}"
        for fields in elements
        for key, value in fields
    ]
    return "&".join(parts).encode("ascii")


def _html(title: str, blocks: Iterable[Iterable[tuple[str, str]]], continue_url: str = "") -> bytes:
    rows = ["<!DOCTYPE html>", f"<html><head><title>{title}</title></head><body>"]
    for block in blocks:
        lines = (f"{name}: {_escaped(value)}<br>" for name, value in block)
        rows += ["<p>", *lines, "</p>"]
    if continue_url:
        rows.append(f'<p><a href="{_escaped(continue_url)}">Continue</a></p>')
    return "\n".join([*rows, "</body></html>", ""]).encode()


def _escaped(text: str) -> str:
    # A bare carriage return would be read as a line feed (XML 1.0 section 2.11).
    return html.escape(_NO_CHARACTER.sub("\ufffd", text)).replace("\r", "&#13;")
