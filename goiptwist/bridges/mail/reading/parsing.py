"""
Parsing a mail: octets to its header, its text, its HTML and its attachments.

The standard library reads MIME; if it fails, only our own error
leaves. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message as Part
from typing import Any, TypeVar

from attrs import define, field, frozen

from goiptwist.bridges.mail.reading.charsets import decoded
from goiptwist.bridges.mail.reading.flowed import unflowed
from goiptwist.bridges.mail.reading.headers import Headers, text_of
from goiptwist.errors import Unacceptable

T = TypeVar("T")

#: Octets of the topmost header: ten times what long chains of servers write.
HEADER_AT_MOST = 65_536
#: How deep parts may lie in one another. A signed answer with a picture in its
#: signature, passed on by a mailing list, has six.
DEPTH_AT_MOST = 20
#: Parts of one mail.
PARTS_AT_MOST = 100
#: Times that a mail may announce parts in parts; more is made to wear us down.
NESTINGS_AT_MOST = 40
#: Characters of text or HTML that are looked at. What a person writes comes
#: first, or after a quote of some SMS.
TEXT_AT_MOST = 131_072
#: Characters of a file's name that are shown.
NAME_AT_MOST = 80

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_NESTING = re.compile(rb"boundary|message/", re.I)
_CID = re.compile(r"cid:([^\"'\s>)]+)", re.I)

#: Signatures over the mail are no attachments (RFC 3156, RFC 8551).
_SIGNATURES = (
    "application/pgp-signature",
    "application/pgp-keys",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
)
_SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted")


@frozen
class MailAttachment:
    """
    @ivar name: of the file, or empty.
    @ivar type: such as C{image/jpeg}.
    @ivar size: in octets.
    """

    name: str
    type: str
    size: int

    def __str__(self) -> str:
        return repr(self.name) if self.name else f"a part of type {self.type}"


@frozen(kw_only=True)
class ParsedMail:
    """
    What is in a mail.

    @ivar plain: the text as the writer's program made it, or empty.
    @ivar html: the same as HTML, or empty.
    """

    headers: Headers
    plain: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    attachments: tuple[MailAttachment, ...] = ()

    @property
    def answers(self) -> tuple[str, ...]:
        """The ids of the mails that this one answers, the nearest first."""
        near = self.headers.ids("In-Reply-To")
        return tuple(dict.fromkeys([*near, *reversed(self.headers.ids("References"))]))


def parse_mail(octets: bytes) -> ParsedMail:
    """
    @raise Unacceptable: it is no mail that a person's program makes; the
        field is C{mail}.
    """
    top = parse_mime(octets)
    gathered = _PartCollector()
    gathered.take(top, 0)
    return gathered.mail(Headers(attempt(lambda: tuple(top.raw_items()), ())))


def parse_mime(octets: bytes) -> Part:
    """
    What the standard library makes of a mail.

    @raise Unacceptable: it is made to wear us down.
    """
    blank = _BLANK_LINE.search(octets)
    if (blank.start() if blank else len(octets)) > HEADER_AT_MOST:
        raise _unacceptable(f"its header is longer than {HEADER_AT_MOST} octets")
    if len(_NESTING.findall(octets)) > NESTINGS_AT_MOST:
        raise _unacceptable("it has too many parts in one another")
    top: Part | None = attempt(lambda: message_from_bytes(octets), None)
    if top is None:
        raise _unacceptable("its parts cannot be told apart")
    return top


@define
class _PartCollector:
    """What a walk through the parts has found."""

    parts: int = 0
    plain: list[str] = field(factory=list)
    html: list[str] = field(factory=list)
    #: Content id, whether it lies beside HTML that may show it, and what it is.
    others: list[tuple[str, bool, MailAttachment]] = field(factory=list)

    def mail(self, headers: Headers) -> ParsedMail:
        """What came out of it."""
        html = "\n".join(self.html)[:TEXT_AT_MOST]
        shown = {cid.lower() for cid in _CID.findall(html)}
        attachments = tuple(
            what for cid, beside, what in self.others if not (cid and (beside or cid in shown))
        )
        plain = "\n".join(text for text in self.plain if text.strip())[:TEXT_AT_MOST]
        return ParsedMail(headers=headers, plain=plain, html=html, attachments=attachments)

    def take(self, part: Part, depth: int, *, beside: bool = False) -> None:
        """
        @param beside: whether it lies in a C{multipart/related}.
        """
        self.parts += 1
        if depth > DEPTH_AT_MOST or self.parts > PARTS_AT_MOST:
            raise _unacceptable("it has too many parts, or they lie too deep in one another")
        kind = attempt(part.get_content_type, "application/octet-stream")
        if kind in _SEALED or kind == "multipart/encrypted":
            raise _unacceptable("it is encrypted; send it in clear, or signed only")
        if kind.startswith("message/"):
            self.others.append(("", False, _attachment(part, kind)))
            return
        children = part.get_payload() if part.is_multipart() else None
        if isinstance(children, list):
            parts = [child for child in children if isinstance(child, Part)]
            self._take_all(kind, parts, depth, beside)
        else:
            self._leaf(part, kind, beside)

    def _take_all(self, kind: str, children: list[Part], depth: int, beside: bool) -> None:
        if kind == "multipart/alternative":
            self._take_alternatives(children, depth, beside)
            return
        for place, child in enumerate(children):
            aside = kind == "multipart/related" and place > 0
            self.take(child, depth + 1, beside=beside or aside)

    def _take_alternatives(self, children: list[Part], depth: int, beside: bool) -> None:
        """The same text several times: one of each kind is enough."""
        plain, html = list(self.plain), list(self.html)
        for child in children:
            found = _PartCollector(parts=self.parts)
            found.take(child, depth + 1, beside=beside)
            self.parts = found.parts
            self.others += found.others
            if any(text.strip() for text in found.plain) and self.plain == plain:
                self.plain = plain + found.plain
            if found.html:
                self.html = html + found.html

    def _leaf(self, part: Part, kind: str, beside: bool) -> None:
        named = _name_of(part) or attempt(part.get_content_disposition, None) == "attachment"
        if (kind == "text/plain" and not named) or kind.startswith("multipart/"):
            # The latter says so and is none: its text is still a text.
            self.plain.append(_text(part))
        elif kind == "text/html" and not named:
            self.html.append(_text(part))
        elif kind not in _SIGNATURES:
            cid = attempt(lambda: str(part.get("Content-ID", "")), "").strip(" \t<>").lower()
            self.others.append((cid, beside, _attachment(part, kind)))


def _unacceptable(reason: str) -> Unacceptable:
    return Unacceptable("mail", f"the mail cannot be read: {reason}")


def attempt(ask: Callable[[], Any], otherwise: T) -> T:
    """
    Ask the standard library, which raises almost anything on mails that are
    broken with care: here is where that ends.
    """
    try:
        found: T = ask()
    except Exception:
        return otherwise
    return found


def _octets(part: Part) -> bytes:
    found: object = attempt(lambda: part.get_payload(decode=True), b"")
    return found if isinstance(found, bytes) else b""


def _text(part: Part) -> str:
    text = decoded(_octets(part), _parameter(part, "charset"))
    if _parameter(part, "format").lower() == "flowed":
        text = unflowed(text, delsp=_parameter(part, "delsp").lower() == "yes")
    return text


def _parameter(part: Part, name: str) -> str:
    """Of the content type; RFC 2231 gives it as three texts."""
    found: object = attempt(lambda: part.get_param(name, ""), "")
    return str(found[2] if isinstance(found, tuple) else found or "").strip()


def _name_of(part: Part) -> str:
    name = text_of(str(attempt(part.get_filename, None) or ""))
    return "".join(_printable(name))[:NAME_AT_MOST]


def _printable(text: str) -> Iterator[str]:
    return (character for character in text if character.isprintable())


def _attachment(part: Part, kind: str) -> MailAttachment:
    return MailAttachment(_name_of(part), kind, len(_octets(part)))
