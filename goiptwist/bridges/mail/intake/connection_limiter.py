"""
How many connections there are, in all and from one source. Pure.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv6Address, ip_address, ip_network

from attrs import define, field

#: A household or a rented machine gets at least so many bits of an IPv6
#: address for itself (RFC 6177); counting single addresses would count nothing.
ONE_SOURCE = 64


def unmapped(host: str) -> str:
    """An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) as the IPv4 address."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(inner or address)


def source_of(peer: str) -> str:
    """What counts as one source: an IPv4 address, or an IPv6 network."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer
    if address.version == 4:
        return peer
    return str(ip_network((int(address), ONE_SOURCE), strict=False))


@define
class ConnectionLimiter:
    """
    @ivar most: how many there may be.
    @ivar most_of_one: how many of one source.
    """

    most: int
    most_of_one: int
    _open: Counter[str] = field(factory=Counter, init=False)
    total: int = field(default=0, init=False)

    def acquire(self, source: str) -> bool:
        """@return: whether there was room; if so, L{release} must follow."""
        if self.total >= self.most or self._open[source] >= self.most_of_one:
            return False
        self.total += 1
        self._open[source] += 1
        return True

    def release(self, source: str) -> None:
        self.total -= 1
        self._open[source] -= 1
        if not self._open[source]:
            del self._open[source]
