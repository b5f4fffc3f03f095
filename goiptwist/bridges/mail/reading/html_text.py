"""
HTML to the text that a person sees, with quotes marked by C{> } as in plain
text, so that the same rules find them. Pure; reads any HTML.
"""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

from attrs import field, frozen


def _names(written: str) -> frozenset[str]:
    return frozenset(written.split())


#: Elements that begin a new line, and those that stand apart from what is around.
_BLOCKS = _names(
    "address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 "
    "h3 h4 h5 h6 header hr li main nav ol p pre section table tbody tfoot thead tr ul"
)
_APART = _names("blockquote dl h1 h2 h3 h4 h5 h6 ol p pre table ul")
#: Elements whose content nobody sees.
_UNSEEN = _names(
    "applet audio canvas datalist embed iframe map object script select style svg template title "
    "video xml"
)
#: Elements that have no end (HTML Living Standard section 13.1.2).
_VOID = _names("area base br col embed hr img input link meta param source track wbr")

#: How mail programs mark a quote, by class or id: Yahoo, Proton, Zoho, Outlook
#: for phones. What Gmail marks so may hold an answer below the quote.
_QUOTE_MARKS = re.compile(
    r"yahoo_quoted|protonmail_quote|zmail_extra|mail-editor-reference-message-container"
    r"|ms-outlook-mobile-reference-message",
    re.I,
)
#: How a C{blockquote} shows that it is one, and not an indented paragraph.
_CITED = re.compile(r"cite|quote|border-left", re.I)
#: From such an element on, everything is a quote: Outlook on the web.
_QUOTE_BEGINS = re.compile(r"appendonsend|divRplyFwdMsg|stopSpelling", re.I)
#: How they mark a signature.
_SIGNATURE_MARKS = re.compile(
    r"gmail_signature(?!_prefix)|moz-signature|applemailsignature|ms-outlook-mobile-signature"
    r"|protonmail_signature_block-(user|proton)|^(x_)?signature$",
    re.I,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.I)
#: A paragraph with nothing around it: Outlook writes each line as one.
_CLOSE = re.compile(r"mso|margin(-top|-bottom)?\s*:\s*0", re.I)
_DECLARATION = re.compile(r"<[!?][^<>]{0,1000}>")
_TAG = re.compile(r"<[^<>]*>")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_SCHEME = re.compile(r"^(https?://)?(www\.)?", re.I)

#: What stands before the text of an item of a list.
_ITEM = "- "
#: Characters of a picture's substitute that are taken for an emoji.
_EMOJI_AT_MOST = 8
#: Elements that may lie open at a time; more is no mail.
_OPEN_AT_MOST = 10_000


@frozen
class _OpenElement:
    """
    An element that has begun.

    @ivar link: where a link leads, and where its text begins.
    """

    tag: str
    unseen: bool
    quote: bool
    apart: bool
    link: tuple[str, int] | None = field(default=None)


def text_from_html(html: str) -> str:
    """
    @return: lines; a quoted one begins with C{>}, a signature with a line C{-- }.
    """
    html = _elements(html)
    reader = _TextExtractor()
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:  # what the parser has instead of an error
        return _TAG.sub(" ", html)
    return reader.finished()


class _TextExtractor(HTMLParser):
    """Writes lines while it reads elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.line: list[str] = []
        self.stack: list[_OpenElement] = []
        self.open: Counter[str] = Counter()
        self.unseen = self.quotes = 0
        self.all_quoted = False

    def finished(self) -> str:
        """What was seen."""
        self._new_line()
        return "\n".join(self.lines)

    # -- what the parser calls --

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        mark = f"{has.get('id', '')} {has.get('class', '')}"
        if tag in _BLOCKS and not self.unseen and self.line != [_ITEM]:
            self._new_line()
        self._mark(mark)
        if tag in _VOID:
            self._void(tag, has)
        elif len(self.stack) < _OPEN_AT_MOST:
            self._push(tag, has, mark)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # <p/> begins a paragraph: HTML knows no such end but for void elements.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        while self.open[tag]:
            element = self.stack.pop()
            self._end(element)
            if element.tag == tag:
                break

    def handle_data(self, data: str) -> None:
        if self.unseen:
            return
        if self.open["pre"]:
            first, *others = data.replace("\r\n", "\n").split("\n")
            self.line.append(first)
            for other in others:
                self._new_line(even_empty=True)
                self.line.append(other)
            return
        text = _BLANKS.sub(" ", data)
        if not self.line or self.line[-1].endswith(" "):
            text = text.lstrip(" ")
        if text:
            self.line.append(text)

    # -- elements --

    def _mark(self, mark: str) -> None:
        if self.unseen:
            return
        if _QUOTE_BEGINS.search(mark):
            self._new_line()
            self.all_quoted = True
        if any(_SIGNATURE_MARKS.search(part) for part in mark.split()):
            self._new_line()
            self._write("-- ")

    def _void(self, tag: str, has: dict[str, str]) -> None:
        if self.unseen:
            return
        if tag == "br":
            self._new_line(even_empty=True)
        elif tag == "hr":
            self._write("_" * 32)
        elif tag == "img":
            seen = has.get("alt", "").strip()
            if seen and not seen.isascii() and len(seen) <= _EMOJI_AT_MOST:
                self.line.append(seen)

    def _push(self, tag: str, has: dict[str, str], mark: str) -> None:
        style = has.get("style", "")
        element = _OpenElement(
            tag=tag,
            unseen=tag in _UNSEEN or _HIDDEN.search(style) is not None,
            quote=_QUOTE_MARKS.search(mark) is not None
            or (tag == "blockquote" and _is_cited(has, mark)),
            apart=tag in _APART and not (tag == "p" and _CLOSE.search(f"{mark} {style}")),
            link=(has["href"].strip(), len(self.line)) if tag == "a" and "href" in has else None,
        )
        if element.quote:
            self._new_line()
        if element.apart and not self.unseen and self.line != [_ITEM]:
            self._blank_line()
        self.stack.append(element)
        self.open[tag] += 1
        self.unseen += element.unseen
        self.quotes += element.quote
        if tag == "li" and not self.unseen:
            self.line.append(_ITEM)
        elif tag in ("td", "th") and self.line and not self.unseen:
            self.line.append(" ")

    def _end(self, element: _OpenElement) -> None:
        self.open[element.tag] -= 1
        if not self.unseen:
            if element.link is not None:
                self._linked(*element.link)
            if element.quote or element.tag in _BLOCKS:
                self._new_line()
        self.unseen -= element.unseen
        self.quotes -= element.quote
        if element.apart and not self.unseen:
            self._blank_line()

    def _linked(self, target: str, begin: int) -> None:
        """Say where a link leads, if its text does not."""
        shown = "".join(self.line[begin:]).strip()
        if not re.match(r"https?://", target, re.I) or not shown:
            return
        if (
            _SCHEME.sub("", target).rstrip("/").lower()
            != _SCHEME.sub("", shown).rstrip("/").lower()
        ):
            self.line.append(f" ({target})")

    # -- lines --

    def _new_line(self, *, even_empty: bool = False) -> None:
        text = "".join(self.line)
        self.line = []
        if even_empty or text.strip() or "\u00a0" in text:
            self._write(text)

    def _blank_line(self) -> None:
        if self.lines and self.lines[-1].strip("> "):
            self._write("")

    def _write(self, text: str) -> None:
        quoted = self.quotes or self.all_quoted
        self.lines.append(f"> {text}" if quoted else text)


def _elements(html: str) -> str:
    """
    Without comments and declarations, over which the parser trips or takes too
    long when they are broken with care; each C{<} has its C{>}.
    """
    seen: list[str] = []
    at = 0
    while at >= 0:
        begin = html.find("<!--", at)
        seen.append(html[at:begin] if begin >= 0 else html[at:])
        end = html.find("-->", begin + 2) if begin >= 0 else -1
        at = end + 3 if end >= 0 else -1
    html = _DECLARATION.sub("", "".join(seen).replace("\0", ""))
    html = re.sub("<(?=[!?])", "&lt;", html)
    last = html.rfind(">") + 1
    return html[:last] + html[last:].replace("<", "&lt;")


def _is_cited(has: dict[str, str], mark: str) -> bool:
    return _CITED.search(f"{has.get('type', '')} {mark} {has.get('style', '')}") is not None
