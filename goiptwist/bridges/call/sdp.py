"""
What two sides say about audio (SDP, RFC 4566, offer and answer, RFC 3264). Pure.

Only G.711 in packets of 20 ms is offered, and no C{telephone-event}: whoever
takes digits out of the sound would leave the receiver without them.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from attrs import frozen

from goiptwist.bridges.call.g711 import LAWS, Law


@frozen
class Audio:
    """
    Where audio goes to, and in what.

    @ivar laws: in the order in which they are wanted; empty where nothing of
        what we speak is.
    """

    host: str
    port: int
    laws: tuple[Law, ...]


def offer(host: str, port: int, laws: Iterable[Law], session: int, version: int = 0) -> bytes:
    """
    What we say of ourselves.

    @param session: a number for this session.
    @param version: goes up with every change of it.
    """
    family = "IP6" if ":" in host else "IP4"
    wanted = tuple(laws)
    lines = [
        "v=0",
        f"o=- {session} {session + version} IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(str(law.payload) for law in wanted)}",
        *(f"a=rtpmap:{law.payload} {law.name}/8000" for law in wanted),
        "a=ptime:20",
        "a=sendrecv",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def read(body: bytes) -> Audio:
    """
    What the other side says.

    @raise ValueError: it is no SDP, or offers no place for audio.
    """
    host = port = None
    laws: tuple[Law, ...] = ()
    for line in body.decode("utf-8", "replace").splitlines():
        kind, _, value = line.strip().partition("=")
        if kind == "c" and (port is not None or host is None):
            host = _address(value)
        elif kind == "m":
            if port is not None:
                break  # the next stream; the first audio is ours
            media, place, profile, *payloads = value.split()
            if media == "audio" and profile in ("RTP/AVP", "RTP/AVPF"):
                port = int(place.partition("/")[0])
                laws = tuple(LAWS[int(p)] for p in payloads if p.isdigit() and int(p) in LAWS)
    if host is None or not port or port > 65535:
        raise ValueError("names no place for audio")
    return Audio(host, port, laws)


def _address(value: str) -> str:
    parts = value.split()
    if len(parts) != 3:
        raise ValueError("has an address that cannot be read")
    address = ip_address(parts[2].partition("/")[0])
    if address.is_unspecified or address.is_multicast:
        raise ValueError("names no place for audio")
    return str(address)
