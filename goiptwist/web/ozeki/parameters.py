"""
Requests of the classic language, read: bytes to a typed order. Pure.

Parameters stand in the query, in the body, or in both, and their names in any
case. What stands in the body counts before the query, and of two in one place
the later; but C{recipient} given twice in one place is two recipients.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import count, islice
from urllib.parse import unquote_to_bytes, urlsplit

from attrs import evolve, field, frozen

from goiptwist.web.ozeki.message import MAX_MESSAGES, OzekiMessage
from goiptwist.web.ozeki.refusals import LOGIN_NEEDED, Refusal, wrong
from goiptwist.web.ozeki.templates import checked_url

#: Parameters of one request: six for each message of the largest batch.
MAX_PARAMETERS = 6 * MAX_MESSAGES + 100

#: Bytes of one parameter as it is sent: a list of the most recipients that a batch
#: may have, each with blanks and percent-encoded, needs less.
MAX_VALUE = 2**20

#: What says who is asking.
_LOGIN = (b"username", b"password")
_LOGIN_NAME_AT_MOST = len("username=")

#: Messages that C{receivemessage} gives back at the most; Ozeki's page says
#: to stay below that.
MAX_LIMIT = 1000

#: Characters of one recipient as typed, with blanks and brackets.
MAX_RECIPIENT = 64

#: What every sender of text means.
TEXT = "SMS:TEXT"

#: Charsets that C{_charset_} may name. Not all that Python knows: some of
#: those are no charsets, or make much out of little.
_CHARSET = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?\d{1,2}|(windows-|cp)125\d|koi8-[ru]",
    re.IGNORECASE,
)

#: A plus sign that nobody encoded arrives as a blank. No country code begins
#: with 0, and no number with one has less than seven digits; other blanks are
#: there for the eye.
_LOST_PLUS = re.compile(r" [1-9](?:[ ().\-/]*[0-9]){6,}[ ().\-/]*")


#: A request line whose query nobody encoded: blanks, letters of all countries.
_SLOPPY = re.compile(rb"((?:GET|POST) /api/?\?)(.*)( HTTP/1\.[01])")
_UNREADABLE = re.compile(rb"[^\x21-\x7e]")


class AnswerFormat(StrEnum):
    """C{responseformat}"""

    XML = "xml"
    HTML = "html"
    URLENCODED = "urlencoded"


class AfterDownload(StrEnum):
    """C{afterdownload}: what becomes of messages that were given back."""

    DELETE = "delete"
    MARK = "mark"
    LEAVE = "leave"


#: What programs write for them.
_AFTER = {
    "": AfterDownload.LEAVE,
    "leave": AfterDownload.LEAVE,
    "untouch": AfterDownload.LEAVE,
    "untouched": AfterDownload.LEAVE,
    "none": AfterDownload.LEAVE,
    "delete": AfterDownload.DELETE,
    "mark": AfterDownload.MARK,
    "markasdownloaded": AfterDownload.MARK,
    "downloaded": AfterDownload.MARK,
}


@frozen
class OzekiLogin:
    """Who somebody says to be, and what is to prove it."""

    name: str
    password: str = field(repr=False)


@frozen(kw_only=True)
class SendRequest:
    """
    C{sendmessage}

    @ivar report_url: a template that is called with what becomes of each
        message; or empty.
    @ivar redirect_url: a template that the client is sent to; or empty.
    @ivar continue_url: a link in the HTML answer; or empty.
    @ivar most_reports: how many messages are answered for.
    """

    messages: tuple[OzekiMessage, ...]
    report_url: str = ""
    redirect_url: str = ""
    continue_url: str = ""
    most_reports: int = MAX_MESSAGES


@frozen(kw_only=True)
class ReceiveRequest:
    """C{receivemessage}"""

    folder: str = "inbox"
    limit: int = MAX_LIMIT
    after: AfterDownload = AfterDownload.LEAVE


def mended(line: bytes) -> bytes:
    """
    A request line as it should have been written. Programs that put their
    query together by hand send blanks and accents as they are; a strict server
    would refuse what Ozeki takes.
    """
    match = _SLOPPY.fullmatch(line)
    if match is None:
        return line
    return match[1] + _UNREADABLE.sub(lambda m: b"%%%02X" % m[0][0], match[2]) + match[3]


def parameters(query: bytes, body: bytes = b"") -> dict[str, str]:
    """
    @return: each parameter under its name in small letters.
    @raise Refusal: they are too many, or not in the charset that they claim.
    """
    if query.count(b"&") + body.count(b"&") > MAX_PARAMETERS:
        raise wrong(f"there are more than {MAX_PARAMETERS} parameters")
    places = [list(_pairs(query)), list(_pairs(body))]
    charset = dict(pair for place in places for pair in place).get("_charset_", b"utf-8")
    found: dict[str, str] = {}
    for place in places:
        found.update(_decoded(place, charset.decode("ascii", "replace") or "utf-8"))
    return found


def _decoded(pairs: Iterable[tuple[str, bytes]], charset: str) -> dict[str, str]:
    if not _CHARSET.fullmatch(charset):
        raise wrong("_charset_ is not known; write UTF-8")
    found: dict[str, str] = {}
    recipients: list[str] = []
    for name, raw in pairs:
        try:
            found[name] = raw.decode(charset)
        except (UnicodeDecodeError, LookupError):
            raise wrong(f"{name[:40]} is not {charset}; name its charset in _charset_") from None
        if name == "recipient":
            recipients.append(found[name])
    if recipients:
        found["recipient"] = ",".join(recipients)
    return found


def claimed_login(query: bytes, body: bytes) -> OzekiLogin:
    """
    Who somebody says to be, found without reading the rest of a large request.

    @raise Refusal: nobody says who is asking, or not in UTF-8.
    """
    found: dict[str, bytes] = {}
    for part in (*query.split(b"&"), *body.strip(b"\r\n").split(b"&")):
        name = part[:_LOGIN_NAME_AT_MOST].partition(b"=")[0].lower()
        if name in _LOGIN and len(part) <= MAX_VALUE:
            found.update((key, value) for key, value in _pairs(part))
    try:
        return login({name: raw.decode() for name, raw in found.items()})
    except UnicodeDecodeError:
        raise wrong("username or password is not UTF-8") from None


def _pairs(raw: bytes) -> Iterator[tuple[str, bytes]]:
    for part in raw.strip(b"\r\n").split(b"&"):
        if len(part) > MAX_VALUE:
            raise wrong(f"a parameter is longer than {MAX_VALUE} bytes")
        name, _, value = part.replace(b"+", b" ").partition(b"=")
        if name:
            yield unquote_to_bytes(name).decode("utf-8", "replace").lower(), unquote_to_bytes(value)


def answer_format(given: Mapping[str, str]) -> AnswerFormat:
    """@raise Refusal: there is no such format."""
    word = given.get("responseformat", "").strip().lower() or AnswerFormat.XML
    if word not in list(AnswerFormat):
        raise wrong("responseformat must be xml, html or urlencoded")
    return AnswerFormat(word)


def login(given: Mapping[str, str]) -> OzekiLogin:
    """@raise Refusal: nobody says who is asking."""
    if not given.get("username"):
        raise Refusal(LOGIN_NEEDED, "username and password are needed")
    return OzekiLogin(given["username"], given.get("password", ""))


def sending(given: Mapping[str, str]) -> SendRequest:
    """@raise Refusal: naming the parameter that is wrong or missing."""
    is_batch = (
        "recipient0" in given
        or "messagedata0" in given
        or ("messagecount" in given and "recipient" not in given)
    )
    found = _batch(given) if is_batch else _one_text(given)
    messages = tuple(islice(found, MAX_MESSAGES + 1))
    if len(messages) > MAX_MESSAGES:
        raise wrong(f"there are more than {MAX_MESSAGES} messages")
    return SendRequest(
        messages=messages,
        report_url=checked_url("reporturl", given.get("reporturl", "").strip()),
        redirect_url=checked_url("redirecturl", given.get("redirecturl", "").strip()),
        continue_url=_link(given.get("continueurl", "").strip()),
        most_reports=_number(given, "maxresponse", 0, MAX_MESSAGES, MAX_MESSAGES),
    )


def receiving(given: Mapping[str, str]) -> ReceiveRequest:
    """@raise Refusal: naming the parameter that is wrong."""
    after = _AFTER.get(given.get("afterdownload", "").strip().lower())
    if after is None:
        raise wrong("afterdownload must be delete, mark or leave")
    folder = given.get("folder", "").strip().lower() or "inbox"
    limit = _number(given, "limit", 1, 10**9, MAX_LIMIT)
    return ReceiveRequest(folder=folder, limit=min(limit, MAX_LIMIT), after=after)


def _number(given: Mapping[str, str], name: str, least: int, most: int, default: int) -> int:
    typed = given.get(name, "").strip()
    if not typed:
        return default
    if not re.fullmatch("[0-9]{1,9}", typed) or not least <= int(typed) <= most:
        raise wrong(f"{name} must be a number from {least} to {most}")
    return int(typed)


def _link(url: str) -> str:
    """A link must lead to a page: there are schemes that run programs."""
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError:
        scheme = "none"
    if scheme not in ("", "http", "https") or re.search(r"[\x00-\x20\x7f]", url):
        raise wrong("continueurl must be a URL of http or https, or a path")
    return url


def _one_text(given: Mapping[str, str]) -> Iterator[OzekiMessage]:
    """One text to one recipient, or to several."""
    if "messagedata" not in given:
        raise wrong("messagedata is missing")
    yield from _for_each(given, given.get("recipient"), "", given.get("messageid", ""))


def _batch(given: Mapping[str, str]) -> Iterator[OzekiMessage]:
    """C{recipient0}, C{messagedata0} and so on; what all share needs no number."""
    many = _number(given, "messagecount", 1, MAX_MESSAGES, 0)
    if not many:
        each = (not {f"recipient{n}", f"messagedata{n}"} & given.keys() for n in count())
        many = min(next(n for n, ends in enumerate(each) if ends), MAX_MESSAGES + 1)
    common = given.get("messageid", "")
    for n in range(many):
        recipients = given.get(f"recipient{n}", given.get("recipient"))
        name = given.get(f"messageid{n}", f"{common}/{n}" if common else "")
        yield from _for_each(given, recipients, str(n), name)


def _for_each(
    given: Mapping[str, str], typed: str | None, number: str, name: str
) -> Iterator[OzekiMessage]:
    """
    One text, once for each of its recipients.

    @param typed: the recipients; C{None} where none are given.
    @param number: what stands behind the names of its own parameters.
    @param name: the client's own name for it; or empty.
    """
    recipients = split(typed or "")
    if not recipients:
        lack = "is missing" if typed is None else "is empty"
        yield evolve(_message(given, "", number, name), no_recipient=f"recipient{number} {lack}")
    for place, recipient in enumerate(recipients, 1):
        own = f"{name}/{place}" if name and len(recipients) > 1 else name
        yield evolve(_message(given, recipient, number, own), is_copy=place > 1)


def _message(given: Mapping[str, str], recipient: str, number: str, client_id: str) -> OzekiMessage:
    def own(name: str, default: str = "") -> str:
        return given.get(name + number, given.get(name, default))

    kind = own("messagetype").strip() or TEXT
    fault = ""
    if len(recipient) > MAX_RECIPIENT:
        fault = f"a recipient is longer than {MAX_RECIPIENT} characters"
    elif kind.upper() != TEXT:
        fault = f"messagetype must be {TEXT}; no other can be sent"
    elif not own("messagedata"):
        fault = f"messagedata{number} is missing"
    return OzekiMessage(
        recipient=recipient[:MAX_RECIPIENT],
        text=own("messagedata"),
        kind=kind[:MAX_RECIPIENT],
        provider=own("serviceprovider").strip(),
        client_id=client_id,
        fault=fault,
    )


def split(recipients: str) -> list[str]:
    """
    A list of recipients, as typed but for plus signs that were lost.

    @raise Refusal: they are too many.
    """
    if recipients.count(",") + recipients.count(";") > MAX_MESSAGES:
        raise wrong(f"there are more than {MAX_MESSAGES} messages")
    found = (_with_plus(part) for part in re.split("[,;]", recipients))
    return [recipient for recipient in found if recipient]


def _with_plus(typed: str) -> str:
    return "+" + typed.strip() if _LOST_PLUS.fullmatch(typed) else typed.strip()
