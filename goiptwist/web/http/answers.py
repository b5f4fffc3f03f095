"""How an answer is written: JSON, with the headers that every answer has."""

from __future__ import annotations

import json
from http import HTTPStatus

from twisted.web.iweb import IRequest

JSON = b"application/json"

#: On every answer. What we say is about now and about one user, so nobody may
#: keep it (RFC 9111 section 5.2.2.5); and it is never a page, whatever it holds.
HEADERS = ((b"Cache-Control", [b"no-store"]), (b"X-Content-Type-Options", [b"nosniff"]))

#: Twisted's own table ends before RFC 6585, and so does not know 429.
_PHRASES = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}


def prepare(request: IRequest, status: int, kind: bytes) -> None:
    """Set status and headers."""
    request.setResponseCode(status, _PHRASES[status])
    headers = request.responseHeaders
    for name, values in HEADERS:
        headers.setRawHeaders(name, values)
    headers.setRawHeaders(b"Content-Type", [kind])


def answer(request: IRequest, status: int, document: object, kind: bytes = JSON) -> bytes:
    """
    Set status and headers.

    @param document: what C{json} can write; the text comes out in ASCII, so
        that no control character, half surrogate or direction mark is in it.
    @return: the body, for the request to write.
    @raise ValueError: it holds a number that JSON has no word for.
    """
    body = json.dumps(document, allow_nan=False, separators=(",", ":")).encode("ascii")
    return whole(request, status, body, kind)


def whole(request: IRequest, status: int, body: bytes, kind: bytes) -> bytes:
    """
    Set status and headers.

    @return: the body, for the request to write.
    """
    prepare(request, status, kind)
    request.responseHeaders.setRawHeaders(b"Content-Length", [b"%d" % len(body)])
    return body
