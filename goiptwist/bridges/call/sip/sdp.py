"""
What two sides agree about audio (SDP, RFC 4566, offer and answer, RFC 3264). Pure.

Only G.711 in packets of 20 ms is offered, and no C{telephone-event}: a gateway that
takes digits out of the sound would leave the receiver without them.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from goiptwist.bridges.call.audio.g711 import LAWS, G711Law
from goiptwist.bridges.call.audio.rtp import RtpTarget


def offer(host: str, port: int, laws: Iterable[G711Law], session: int, version: int = 0) -> bytes:
    """
    What we say of ourselves.

    @param session: a number for this session.
    @param version: goes up with every change of it.
    """
    family = "IP6" if ":" in host else "IP4"
    offered = tuple(laws)
    lines = [
        "v=0",
        f"o=- {session} {session + version} IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(str(law.payload) for law in offered)}",
        *(f"a=rtpmap:{law.payload} {law.name}/8000" for law in offered),
        "a=ptime:20",
        "a=sendrecv",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def read(body: bytes) -> RtpTarget:
    """
    What the other side says.

    @raise ValueError: it is no SDP, or offers no place for audio.
    """
    host = port = None
    laws: tuple[G711Law, ...] = ()
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
    return RtpTarget(host, port, laws)


def _address(value: str) -> str:
    parts = value.split()
    if len(parts) != 3:
        raise ValueError("has an address that cannot be read")
    address = ip_address(parts[2].partition("/")[0])
    if address.is_unspecified or address.is_multicast:
        raise ValueError("names no place for audio")
    return str(address)
