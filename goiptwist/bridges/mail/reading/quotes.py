"""
Telling what a person wrote from what the mail program quoted below, above or
in between. Pure.

The surest mark is our own text: we know what we sent, so where it stands in
the answer a quote begins, in whatever language the line above it is. All other
marks come from the tables of L{languages}.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from itertools import accumulate

from attrs import frozen

from goiptwist.bridges.mail.reading.languages import LANGUAGES, ClientPhrases

#: Lines over which a program may spread an attribution.
ATTRIBUTION_LINES = 3
#: Characters of one; longer is a person's paragraph.
ATTRIBUTION_AT_MOST = 400
#: Letters of our text that prove a quote without a mark before them; a short
#: one may well be the answer itself ("ok").
PROOF = 12
#: Places at which our text is looked for.
TRIES = 1000
#: Lines that are searched for the header which a program repeats.
HEADER_LINES = 8

_QUOTED = re.compile(r"\s*[>|]")
_DATE = re.compile(
    r"\b(19|20)\d\d\b|\b\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}\b|\b\d{1,2}\.? [^\W\d]{3,12}\.? \d\d\b"
)
_TIME = re.compile(r"\b\d{1,2}[:.h]\d\d\b")
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+")
_RULE = re.compile(r"\s*[-_=*\u2013\u2014\u2500]{3,}\s*")
_TITLE = re.compile(r"[\s*>]*-{2,}\s*([^-].*?)\s*-{2,}[\s*:]*|[\s*]*(\S.*?):?[\s*]*")
_FIELD = re.compile(r"[\s*_]*([^\W\d_][\w. ]{0,24}?)[\s*_]*:[*_]*(\s.*|)")


class QuoteMark(Enum):
    """What a quote begins with."""

    OWN = auto()  # our own text
    ATTRIBUTION = auto()  # a sentence that says who wrote
    HEADER = auto()  # a header that the program repeats
    FORWARD = auto()  # likewise, of a mail that is passed on


@frozen
class FoundQuote:
    """
    Where a quote begins.

    @ivar begin: its first line, attribution included.
    @ivar end: the first line behind the attribution, the header, or our text.
    """

    mark: QuoteMark
    begin: int
    end: int


@frozen
class SplitText:
    """
    @ivar kept: what the person wrote.
    @ivar cut: the rest.
    @ivar below: whether the rest holds lines that are not marked as quoted,
        between or below lines that are: the person may have written them.
    """

    kept: str
    cut: str
    below: bool = False


def split_quote(text: str, ours: Iterable[str] = ()) -> SplitText:
    """
    @param text: with line ends of one kind.
    @param ours: the texts that we sent in the mail that is answered.
    """
    lines = text.split("\n")
    quote = _first_quote(lines, ours)
    end = len(lines) if quote is None else quote.begin
    kept = _unquoted(lines, 0, end)
    if quote is None or _has_text(lines, kept):
        below = quote is not None and _is_marked(lines, quote.end) and _follows(lines, quote.end)
        return _result(lines, kept, below=below)
    if (
        quote.mark is QuoteMark.OWN
        or quote.mark is QuoteMark.FORWARD
        or _is_marked(lines, quote.end)
    ):
        rest = lines[quote.end :]
        again = _first_quote(rest, ()) if quote.mark is not QuoteMark.ATTRIBUTION else None
        end = len(lines) if again is None else quote.end + again.begin
        kept = _unquoted(lines, quote.end, end)
    return _result(lines, kept)


def _first_quote(lines: Sequence[str], ours: Iterable[str]) -> FoundQuote | None:
    found = [quote for text in ours if (quote := _own(lines, text)) is not None]
    for place, line in enumerate(lines):
        if _is_quoted(line) or not line.strip() or len(line) > ATTRIBUTION_AT_MOST:
            continue
        quote = _header(lines, place) or _title(lines, place) or _attribution(lines, place)
        if quote is not None:
            found.append(quote)
            break
    return min(found, key=lambda quote: quote.begin, default=None)


# -- our own text --


def _own(lines: Sequence[str], text: str) -> FoundQuote | None:
    sought = _letters(text)
    if not sought:
        return None
    pieces = [_letters(line) for line in lines]
    ends = list(accumulate(map(len, pieces)))
    begins = {ends[place] - len(piece): place for place, piece in enumerate(pieces) if piece}
    whole, at = "".join(pieces), -1
    for _ in range(TRIES):
        at = whole.find(sought, at + 1)
        if at < 0:
            break
        place, end = begins.get(at), bisect_left(ends, at + len(sought))
        if place is None or ends[end] != at + len(sought):
            continue  # in the middle of other words
        marked = all(_is_quoted(line) for line in lines[place : end + 1] if line.strip())
        if marked or len(sought) >= PROOF:
            return FoundQuote(QuoteMark.OWN, _above(lines, place), end + 1)
    return None


def _letters(text: str) -> str:
    return "".join(text.lstrip("> |\t").split()).casefold()


def _above(lines: Sequence[str], place: int) -> int:
    """
    The first of the lines above our text that introduce it, in whatever
    language: a sentence that ends with a colon and holds a date or an address,
    or something like a header.
    """
    below = place
    while below and (not lines[below - 1].strip() or _is_quoted(lines[below - 1])):
        below -= 1
    fields = below
    while fields and below - fields < HEADER_LINES and _field(lines[fields - 1]):
        fields -= 1
    if below - fields >= ATTRIBUTION_LINES:
        return _with_rule(lines, fields)
    for first in range(below - 1, max(below - 1 - ATTRIBUTION_LINES, -1), -1):
        heading = _joined(lines, first, below - 1)
        if not lines[first].strip() or len(heading) > ATTRIBUTION_AT_MOST:
            break
        if heading.endswith(":") and _evidence(heading) > 1:
            return _with_rule(lines, first)
    return place


# -- a sentence that says who wrote --


def _attribution(lines: Sequence[str], place: int) -> FoundQuote | None:
    """@param place: its last line."""
    if not lines[place].rstrip(" *").endswith(":"):
        return None
    marked = _is_marked(lines, place + 1)
    for first in range(place, max(place - ATTRIBUTION_LINES, -1), -1):
        if not lines[first].strip() or _is_quoted(lines[first]):
            return None
        heading = _joined(lines, first, place)
        if len(heading) > ATTRIBUTION_AT_MOST:
            return None
        wrote = _wrote(heading)
        evidence = _evidence(heading)
        if (wrote and (evidence > 1 or marked)) or (marked and evidence > 1):
            return FoundQuote(QuoteMark.ATTRIBUTION, _whole(lines, first, place), place + 1)
    return None


def _whole(lines: Sequence[str], first: int, last: int) -> int:
    """The first line of an attribution whose end alone had been enough."""
    for above in range(first - 1, max(last - ATTRIBUTION_LINES, -1), -1):
        heading = _joined(lines, first, last)
        if not lines[above].strip() or _is_quoted(lines[above]) or _opens(heading):
            break
        if _opens(lines[above]) or _evidence(_joined(lines, above, last)) > _evidence(heading):
            first = above
    return first


def _joined(lines: Sequence[str], first: int, last: int) -> str:
    return " ".join(line.strip() for line in lines[first : last + 1])


def _evidence(heading: str) -> int:
    """How many of a date, a time and an address it holds."""
    return sum(1 for sign in (_DATE, _TIME, _ADDRESS) if sign.search(heading))


def _opens(heading: str) -> bool:
    return _OPENS.match(heading.strip().casefold()) is not None


def _wrote(heading: str) -> bool:
    return _WROTE.search(heading.casefold()) is not None


def _phrases(phrases: Iterable[str]) -> str:
    longest_first = sorted(set(phrases), key=len, reverse=True)
    return "|".join(re.escape(phrase) for phrase in longest_first)


_WROTE = re.compile(
    rf"(?<!\w)({_phrases(phrase for language in LANGUAGES for phrase in language.wrote)})(?!\w)"
)
_OPENS = re.compile(
    rf"({_phrases(phrase for language in LANGUAGES for phrase in language.opens)})\s.*\d"
)


# -- a header that the program repeats --


def _header(lines: Sequence[str], place: int) -> FoundQuote | None:
    """@param place: its first line."""
    field = _field(lines[place])
    if field is None:
        return None
    for language in LANGUAGES:
        if field[1].casefold() in language.author:
            end = _header_end(lines, place, language)
            if end:
                return FoundQuote(QuoteMark.HEADER, _with_rule(lines, place), end)
    return None


def _header_end(lines: Sequence[str], place: int, language: ClientPhrases) -> int:
    """The first line behind the header, or 0 where there is none."""
    kinds = (language.sent, language.to, language.subject)
    seen: set[int] = set()
    end = 0
    for at in range(place + 1, min(place + HEADER_LINES, len(lines))):
        field = _field(lines[at])
        named = field[1].casefold() if field else ""
        for kind, names in enumerate(kinds):
            if named in names:
                seen.add(kind)
                end = at + 1
    return end if len(seen) > 1 else 0


def _title(lines: Sequence[str], place: int) -> FoundQuote | None:
    """C{-----Original Message-----}, and whatever header follows."""
    title = _TITLE.fullmatch(lines[place])
    if title is None:
        return None
    dashed, heading = title[1] is not None, (title[1] or title[2]).casefold()
    header = next((at for at in range(place + 1, len(lines)) if lines[at].strip()), None)
    quote = _header(lines, header) if header is not None else None
    end = quote.end if quote else _fields_end(lines, place + 1)
    for language in LANGUAGES:
        if heading in language.forwarded and (dashed or quote):
            return FoundQuote(QuoteMark.FORWARD, place, end)
        if heading in language.original and dashed:
            return FoundQuote(QuoteMark.HEADER, place, end)
    # In a language that we do not know: a title above something like a header.
    if dashed and end - place > ATTRIBUTION_LINES:
        return FoundQuote(QuoteMark.HEADER, place, end)
    return None


def _fields_end(lines: Sequence[str], place: int) -> int:
    end = min(place + HEADER_LINES, len(lines))
    return next((at for at in range(place, end) if not _field(lines[at])), end)


# -- lines --


def _field(line: str) -> re.Match[str] | None:
    """Something like a field of a header: its name, and what it says."""
    return _FIELD.fullmatch(line) if len(line) <= ATTRIBUTION_AT_MOST else None


def _is_quoted(line: str) -> bool:
    return _QUOTED.match(line) is not None


def _is_marked(lines: Sequence[str], place: int) -> bool:
    """Whether the next line with anything in it is quoted."""
    following = (lines[at] for at in range(place, len(lines)))
    return _is_quoted(next((line for line in following if line.strip()), ""))


def _follows(lines: Sequence[str], place: int) -> bool:
    return any(line.strip() and not _is_quoted(line) for line in lines[place:])


def _with_rule(lines: Sequence[str], place: int) -> int:
    """Where a line is drawn above, it belongs to what is below."""
    above = place
    while above and (not lines[above - 1].strip() or _RULE.fullmatch(lines[above - 1])):
        above -= 1
        if lines[above].strip():
            place = above
    return place


def _unquoted(lines: Sequence[str], begin: int, end: int) -> list[int]:
    return [place for place in range(begin, end) if not _is_quoted(lines[place])]


def _has_text(lines: Sequence[str], places: Iterable[int]) -> bool:
    return any(lines[at].strip() and not _RULE.fullmatch(lines[at]) for at in places)


def _result(lines: Sequence[str], kept: Sequence[int], *, below: bool = False) -> SplitText:
    left = set(range(len(lines))) - set(kept)
    cut = [lines[place] for place in sorted(left)]
    return SplitText(
        "\n".join(lines[place] for place in kept), "\n".join(cut).strip("\n"), below=below
    )
