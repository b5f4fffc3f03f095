"""Where somebody comes from, as it is counted. Pure."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

#: Bits of an address of IPv6 that tell one customer from another: each gets at
#: least that network (RFC 6177 section 2).
CUSTOMER_BITS = 64


def network_of(source: str) -> str:
    """
    @param source: an address as text.
    @return: an address of IPv4 as it is, on whichever socket it came; of IPv6
        the network of 64 bits, of whose addresses one machine has all.
    """
    if ":" not in source:
        return source
    try:
        address = IPv6Address(source)
    except ValueError:
        return source
    plain = address.ipv4_mapped
    return str(plain or IPv6Network((int(address), CUSTOMER_BITS), strict=False))
