"""
The values of C{twistd goip-sim}'s options, read from text. Each reader raises
C{ValueError} with what was meant; the option's name is put before it.
"""

from __future__ import annotations

import re
import socket
from enum import Enum
from importlib.util import find_spec
from typing import IO, TypeVar

from attrs import frozen

from goiptwist.config.values import HostPort
from goiptwist.simulator.settings import REAL_PACE, NumberRule

Choice = TypeVar("Choice", bound=Enum)

#: The words of L{goiptwist.simulator.station.StationMood}, which is not imported here:
#: it needs more than options should.
MOODS = ("takes", "silent", "mute", "rings", "busy", "rejects", "hangs-up")

_RULE = re.compile(r"(?P<pattern>.+)=(?P<code>[0-9]{1,9})(?:\*(?P<times>[0-9]{1,9}))?")


@frozen
class LineArgument:
    """C{id:password} or C{id:password:number}."""

    name: str
    password: str
    number: str = ""


def line(text: str) -> LineArgument:
    """One line."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not parts[0]:
        raise ValueError("must be id:password or id:password:number, such as goip1:geheim:+4915550")
    return LineArgument(*parts)


def numbered_lines(pattern: str, password: str, count: int) -> list[LineArgument]:
    """Lines of one pattern, from 1 on."""
    if count > 1 and "%d" not in pattern:
        raise ValueError("must hold %d for the number of the line, such as sim%d")
    return [LineArgument(pattern.replace("%d", str(n)), password) for n in range(1, count + 1)]


def whole(text: str, least: int, most: int) -> int:
    """A whole number in bounds."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return int(text)


def number(text: str, meaning: str, most: float = 1e6) -> float:
    """
    A number that is not negative.

    @param meaning: its unit, for the sentence.
    """
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", text) or float(text) > most:
        raise ValueError(f"must be a number of {meaning}, 0 to {most:g}, such as 2.5")
    return float(text)


def share(text: str) -> float:
    """C{30%} or C{0.3}."""
    meant = "must be a share, such as 30% or 0.3"
    percent = text.endswith("%")
    try:
        value = number(text.removesuffix("%"), "")
    except ValueError:
        raise ValueError(meant) from None
    value = value / 100 if percent else value
    if value > 1:
        raise ValueError(meant)
    return value


def choice(text: str, kind: type[Choice]) -> Choice:
    """One of the values of an enumeration."""
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"must be {', '.join(str(each.value) for each in kind)}") from None


def pace(text: str) -> tuple[float, float] | None:
    """C{at-once} or C{real}."""
    if text not in ("at-once", "real"):
        raise ValueError("must be at-once or real")
    return REAL_PACE if text == "real" else None


def rule(text: str) -> NumberRule:
    """C{PATTERN=CODE}, or C{PATTERN=CODE*TIMES}."""
    found = _RULE.fullmatch(text)
    if found is None:
        raise ValueError(
            "must be PATTERN=CODE, such as '999$=38', or PATTERN=CODE*TIMES for the first so many"
        )
    try:
        pattern = re.compile(found["pattern"])
    except re.error as problem:
        raise ValueError(f"holds no regular expression: {problem}") from None
    return NumberRule(pattern, int(found["code"]), int(found["times"]) if found["times"] else None)


def server(text: str) -> tuple[str, int]:
    """C{host:port}, looked up: lines speak to an address."""
    address = HostPort.from_setting(text)
    if address.port == 0:
        raise ValueError("must name the server's port, such as 127.0.0.1:44444")
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        raise ValueError(
            f"no address is known for {address.host!r}: write its IP address"
        ) from None
    host, port = found[0][4][:2]
    return str(host), int(port)


def control(text: str) -> HostPort:
    """C{host:port} on this machine only; a client that reaches it controls the device."""
    address = HostPort.from_setting(text)
    if not address.is_loopback:
        raise ValueError("must be on this machine, such as 127.0.0.1:8390: it asks no password")
    return address


def station(text: str) -> HostPort:
    """C{host:port} of a station that is called."""
    missing = [name for name in ("numpy", "sipmessage") if find_spec(name) is None]
    if missing:
        raise ValueError(f"needs {' and '.join(missing)}: pip install 'goiptwist[calls]'")
    return HostPort.from_setting(text)


def mood(text: str) -> str:
    """How that station behaves."""
    if text not in MOODS:
        raise ValueError(f"must be {', '.join(MOODS)}")
    return text.replace("-", " ")


def book(path: str) -> IO[str]:
    """A file to write at the end of."""
    try:
        return open(path, "a", encoding="utf-8")
    except OSError as problem:
        raise ValueError(f"cannot be written: {problem}") from None
