"""
Which addresses are private: on this machine, in networks like its own, or
nowhere at all. A user who may name a URL must not reach those through the gateway.

From the special-purpose registries of the IANA (RFC 6890) as of 2026, and the one
public address at which a cloud (Azure) tells its machines their secrets. Ranges in
which one address hides another (IPv4-mapped, 6to4, NAT64) are private as a
whole: nobody needs them to reach a public server.
"""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

_PRIVATE = tuple(
    (ip_network(network), word)
    for network, word in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "of the cloud"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "reserved"),
        ("192.88.99.0/24", "6to4"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "reserved"),
        ("198.51.100.0/24", "reserved"),
        ("203.0.113.0/24", "reserved"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "reserved"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "reserved"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
#: The only part of IPv6 that is given out (RFC 4291 section 2.4).
_GLOBAL = ip_network("2000::/3")


def private_kind(host: str) -> str:
    """
    @param host: an address, not a name.
    @return: what kind of private address it is, in a word; empty for a public address.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return "unreadable"
    for network, word in _PRIVATE:
        if address in network:
            return word
    if isinstance(address, IPv4Address) or address in _GLOBAL:
        return ""
    return "reserved"
