"""
What our own mail server has found out about a sender: the field
C{Authentication-Results} (RFC 8601). Pure.

Only the fields of the server that we trust count, known by its id; anybody can
write the others. That server must take away fields with its id that come from
outside (RFC 8601 section 5); for the case that it does not, only the topmost of
them counts that is about the methods asked for.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import field, frozen

from goiptwist.bridges.mail.reading.headers import Headers

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_BALANCED = re.compile(rf'(?:{_QUOTED}|[^"])*', re.DOTALL)
#: What stands between semicolons (RFC 8601 section 2.2).
_STATEMENT = re.compile(rf'(?:{_QUOTED}|[^;"])+', re.DOTALL)
#: C{name=value}, or else a word. Quoted texts are a part of the value that they
#: stand in: what C{"a@example.org"@example.net} is about is example.net.
_PAIR = re.compile(
    rf'([A-Za-z0-9_./-]+)\s*=\s*((?:{_QUOTED}|[^\s"])+)|(?:{_QUOTED}|[^\s"])+', re.DOTALL
)
_MAILBOX = re.compile(r"[^\s<>@,;:\"()]+@[A-Za-z0-9.-]+")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_AUTHSERV = re.compile(r"[A-Za-z0-9._-]{1,255}")
#: The methods that can prove an author.
_PROVING = ("dmarc", "dkim", "spf")
#: Characters of one field; real ones have under a thousand.
FIELD_AT_MOST = 8192
#: Characters of From: what one line holds (RFC 5322 section 2.1.1). With one address
#: there are not more, and a quoted text that never ends costs their square.
FROM_AT_MOST = 998


def check_authserv(_: Any, __: Any, name: str) -> None:
    """For settings: an id as it may stand in the field, or empty."""
    if name and not _AUTHSERV.fullmatch(name):
        raise ValueError(
            "authserv must be the name at the beginning of Authentication-Results, such as "
            "mx.example.org, or empty"
        )


@frozen
class MethodResult:
    """
    One method's result.

    @ivar method: such as C{dkim}.
    @ivar result: such as C{pass}.
    @ivar about: what it is about, such as C{header.d}, in lower case.
    """

    method: str
    result: str
    about: dict[str, str] = field(factory=dict)


@frozen
class AuthenticatedAuthor:
    """
    What is proven of the address in From.

    @ivar address: it, in lower case; empty where there is not exactly one.
        Compare no other reading of From with those who are allowed.
    @ivar by: the methods that passed for that domain: of C{dmarc}, C{dkim} and
        C{spf}. Empty where nothing is proven.
    """

    address: str
    by: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    def __bool__(self) -> bool:
        return bool(self.by)


def authenticated_author(headers: Headers, authserv_id: str) -> AuthenticatedAuthor:
    """
    @param authserv_id: how the trusted server calls itself; empty trusts none.
    """
    author = AuthenticatedAuthor(author_of(headers))
    if not author.address or not authserv_id:
        return author
    found = results(headers, authserv_id)
    passed = [each for each in found if each.result == "pass" and _aligned(each, author.domain)]
    # SPF and DMARC know one result; several contradict one another.
    failed = {each.method for each in found if each.method in ("spf", "dmarc")} & {
        each.method for each in found if each.result != "pass"
    }
    if any((each.method, each.result) == ("dmarc", "fail") for each in found):
        return author  # the domain wants it stricter than we can see
    by = dict.fromkeys(each.method for each in passed if each.method not in failed)
    return AuthenticatedAuthor(author.address, tuple(by))


def results(headers: Headers, authserv_id: str) -> list[MethodResult]:
    """
    What the trusted server says in the topmost of its fields; one that is about
    other methods only, such as C{iprev}, is passed over.
    """
    for value in headers.plain("Authentication-Results"):
        read = _read(value, authserv_id.lower())
        if read is not None and (not read or any(each.method in _PROVING for each in read)):
            return read
    return []


def author_of(headers: Headers) -> str:
    """@return: the address in From, in lower case; empty where there is not exactly one."""
    fields = headers.plain("From")
    if len(fields) != 1 or len(fields[0]) > FROM_AT_MOST:
        return ""
    value = _without_comments(re.sub(_QUOTED, "", fields[0]))
    if value is None:
        return ""
    angle = re.findall(r"<([^<>]*)>", value)
    addresses = _MAILBOX.findall(angle[0] if len(angle) == 1 else value)
    if len(addresses) != 1 or len(angle) > 1:
        return ""
    address = str(addresses[0]).lower().rstrip(".")
    return address if _domain(address) else ""


def _aligned(each: MethodResult, domain: str) -> bool:
    """
    Whether the result speaks for the domain: it is the same, or lies below the
    one that was proven. (Above it, as C{mail.example.org} for C{example.org},
    only a list of public suffixes could tell; the server has one and says so
    with C{dmarc=pass}.)
    """
    if each.method == "dmarc":
        proven = _domain(each.about.get("header.from", ""))
        return proven == domain
    if each.method == "dkim":
        proven = _domain(each.about.get("header.d") or each.about.get("header.i", ""))
    elif each.method == "spf":
        proven = _domain(each.about.get("smtp.mailfrom", ""))
    else:
        return False
    return bool(proven) and (domain == proven or domain.endswith(f".{proven}"))


def _domain(value: str) -> str:
    domain = value.rpartition("@")[2].strip("<>.").lower()
    return domain if _DOMAIN.fullmatch(domain) else ""


def _read(value: str, authserv_id: str) -> list[MethodResult] | None:
    """
    The results of one field. There are none where the trusted server may have
    written it, but it is broken: somebody tries to hide a result from us.

    @return: C{None} where another server wrote it.
    """
    plain = _without_comments(value) if len(value) <= FIELD_AT_MOST else None
    if plain is None or not _BALANCED.fullmatch(plain):
        return [] if authserv_id in value.lower() else None
    head, *statements = _STATEMENT.findall(plain) or [""]
    name, *version = head.replace('"', "").split() or [""]
    if name.lower() != authserv_id:
        return None
    if version not in ([], ["1"]):
        return []
    found = (_result(statement) for statement in statements)
    return [each for each in found if each is not None]


def _result(statement: str) -> MethodResult | None:
    pairs = [(pair[1].lower(), pair[2]) for pair in _PAIR.finditer(statement) if pair[1]]
    if not pairs:
        return None
    (method, result), *properties = pairs
    about: dict[str, str] = {}
    for name, value in properties:
        about.setdefault(name, value)
    return MethodResult(method.partition("/")[0], result.lower(), about)


def _without_comments(value: str) -> str | None:
    """
    RFC 5322 section 3.2.2: comments may lie in one another, and hold anything.

    @return: C{None} where one has no end.
    """
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in value:
        inside, was_quoted = depth, quoted
        if escaped:
            escaped = False
        elif character == "\\" and (depth or quoted):
            escaped = True
        elif character == '"' and not depth:
            quoted = not quoted
        elif character == "(" and not quoted:
            depth += 1
        elif character == ")" and not quoted and depth:
            depth -= 1
        if not (inside or depth) or was_quoted:
            kept.append(character)
    return None if depth else "".join(kept)
