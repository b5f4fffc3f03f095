"""
What a setting may hold, beyond text and numbers.

A class with a C{from_setting} reads itself out of the configuration; the
C{ValueError} it raises says what was meant. Bridges may add classes of their
own in the same way.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any, Protocol, Self, runtime_checkable

from attrs import field, frozen


@runtime_checkable
class ReadsSetting(Protocol):
    """What a value's class must offer to be used in a settings class."""

    @classmethod
    def from_setting(cls, value: object) -> Self:
        """@raise ValueError: with a sentence that says what was meant."""


def setting(doc: str, *, formerly: str = "", **options: Any) -> Any:
    """
    One key of a section: an attrs C{field} that explains itself.

    @param doc: what it does, its unit and its values; it becomes the comment
        in C{etc/goip.toml}, and a test holds the two together.
    @param formerly: what the key was called before; a file that still says so
        is told the new name.
    @param options: what L{attrs.field} takes, such as C{default}.
    """
    return field(metadata={"doc": doc, "formerly": formerly}, **options)


@frozen
class HostPort:
    """C{host:port}; an IPv6 address stands in brackets."""

    host: str
    port: int

    @classmethod
    def from_setting(cls, value: object) -> Self:
        meant = "must be host:port, such as 127.0.0.1:8080"
        if not isinstance(value, str):
            raise ValueError(meant)  # noqa: TRY004
        host, colon, port = value.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if not colon or not host or (":" in host and not bracketed):
            raise ValueError(meant)
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError(meant)
        return cls(host[1:-1] if bracketed else host, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine is reached by it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen
class HostPorts:
    """None, one, or a list of L{HostPort}."""

    places: tuple[HostPort, ...] = ()

    @classmethod
    def from_setting(cls, value: object) -> Self:
        if value == "":
            return cls()
        if not isinstance(value, list):
            return cls((HostPort.from_setting(value),))
        return cls(tuple(HostPort.from_setting(part) for part in value))

    def __iter__(self) -> Iterator[HostPort]:
        return iter(self.places)

    def __bool__(self) -> bool:
        return bool(self.places)

    def __str__(self) -> str:
        return ", ".join(str(place) for place in self.places)


@frozen
class Network:
    """An address or a network, such as C{192.0.2.7} or C{192.0.2.0/24}."""

    network: Any

    @classmethod
    def from_setting(cls, value: object) -> Self:
        if not isinstance(value, str):
            raise ValueError("must be an address or a network")  # noqa: TRY004
        try:
            return cls(ip_network(value, strict=False))
        except ValueError:
            raise ValueError(
                "must be an address or a network, such as 192.0.2.7 or 192.0.2.0/24"
            ) from None

    def holds(self, host: str) -> bool:
        """
        Whether an address, as text, lies in it. A socket for both families
        shows C{192.0.2.7} as C{::ffff:192.0.2.7}.
        """
        address = ip_address(host)
        plain = getattr(address, "ipv4_mapped", None)
        return address in self.network or (plain is not None and plain in self.network)

    def __str__(self) -> str:
        return str(self.network)


#: Texts that stand for a secret in examples; nobody may start with one.
PLACEHOLDERS = frozenset(
    {"", "changeme", "change-me", "change me", "change_me", "replace-me", "xxx", "todo", "..."}
)


@frozen(repr=False)
class Password:
    """
    A secret that we must say to a far side, so it is kept in clear; it shows
    itself to nobody else.
    """

    clear: str

    @classmethod
    def from_setting(cls, value: object) -> Self:
        if not isinstance(value, str):
            raise ValueError("must be a text")  # noqa: TRY004
        if value.strip().lower() in PLACEHOLDERS:
            raise ValueError("is empty or still the placeholder: put the real secret here")
        return cls(value)

    def matches(self, candidate: str) -> bool:
        """Compare in constant time, as bytes: non-ASCII text is allowed."""
        return hmac.compare_digest(self.clear.encode(), candidate.encode())

    def __repr__(self) -> str:
        return "<a password>"
