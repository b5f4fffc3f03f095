"""
Where a request comes from: the address at the other end or, behind a proxy of
our own, the one that it tells in C{Forwarded} (RFC 7239) or in
C{X-Forwarded-For}.

Anybody may write such a header, and a proxy puts its word behind it. So the
right-most address counts that is not itself a proxy of ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from goiptwist.config.values import Network

#: Characters of a header, and hops in it, that are looked at.
MAX_HEADER, MAX_HOPS = 8192, 100

#: Characters of a name that a proxy gives a client in place of an address
#: (RFC 7239 section 6.3) that are kept.
MAX_NAME = 64

#: What a proxy says of a client that it hides; ours where it says nothing.
UNKNOWN = "unknown"

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PAIR = re.compile(rf"[ \t]*({_WORD})=({_WORD}|{_QUOTED})[ \t]*([;,]|$)")
_EMPTY = re.compile(r"[ \t]*([;,])")

#: An address with a port: of IPv6 in brackets, of IPv4 as some proxies write it.
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[\w.-]+)?")
_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):[\w.-]+")


def forwarded_hops(header: str) -> list[str]:
    """
    Read C{Forwarded}.

    @return: the C{for} of each element, from the client on; empty where an
        element has none.
    @raise ValueError: it is not of the form of RFC 7239 section 4.
    """
    hops, hop, place = [], "", 0
    while place < len(header):
        pair = _PAIR.match(header, place)
        empty = None if pair else _EMPTY.match(header, place)
        if pair is not None and pair[1].lower() == "for":
            hop = re.sub(r"\\(.)", r"\1", pair[2][1:-1]) if pair[2][0] == '"' else pair[2]
        found = pair or empty
        if found is None:
            if header[place:].strip(" \t"):
                raise ValueError("the header Forwarded is not of the form of RFC 7239")
            break
        if found[found.lastindex or 0] == ",":
            hops.append(hop)
            hop = ""
        place = found.end()
    return [*hops, hop]


def listed_hops(header: str) -> list[str]:
    """Read C{X-Forwarded-For}: addresses with commas between, from the client on."""
    return [hop.strip() for hop in header.split(",")]


def bare_address(hop: str) -> str:
    """@return: an address without brackets and port; what is none, as it is."""
    found = _BRACKETED.fullmatch(hop) or _WITH_PORT.fullmatch(hop)
    return found[1] if found else hop[:MAX_NAME]


@frozen
class TrustedProxies:
    """The reverse proxies of our own."""

    networks: Sequence[Network] = ()

    def __contains__(self, host: str) -> bool:
        try:
            return any(network.holds(host) for network in self.networks)
        except ValueError:
            return False  # a local socket, or a name that a proxy gives a client

    def source_of(self, request: Any) -> str:
        """
        @param request: an L{twisted.web.iweb.IRequest}.
        @return: the address that it comes from; empty is a local socket.
        @raise ValueError: the headers of the proxy cannot be read, or say two
            things, of which one may be a lie of the client.
        """
        peer: str = getattr(request.getClientAddress(), "host", None) or ""
        if not self.networks or peer not in self:
            return peer
        sources = {
            self._last_outside(peer, read(header))
            for name, read in ((b"Forwarded", forwarded_hops), (b"X-Forwarded-For", listed_hops))
            if (header := _whole_header(request, name))
        }
        if len(sources) > 1:
            raise ValueError("the headers Forwarded and X-Forwarded-For tell two addresses")
        return sources.pop() if sources else peer

    def _last_outside(self, peer: str, hops: Sequence[str]) -> str:
        nearest = peer
        for hop in reversed(hops[-MAX_HOPS:]):
            nearest = bare_address(hop) or UNKNOWN
            if nearest not in self:
                break
        return nearest


#: Every request comes from the address at the other end.
NO_PROXIES = TrustedProxies()


def _whole_header(request: Any, name: bytes) -> str:
    """@raise ValueError: it is far too long."""
    values = request.requestHeaders.getRawHeaders(name, [])
    header: str = b", ".join(values).decode("latin-1")
    if len(header) > MAX_HEADER:
        raise ValueError(f"the header {name.decode('ascii')} is too long")
    return header
