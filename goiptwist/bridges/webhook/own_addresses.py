"""Which addresses are those of this machine, public ones among them."""

from __future__ import annotations

import socket


def is_own(host: str) -> bool:
    """
    @param host: an address, not a name.
    @return: whether a socket can be bound to it, which the system allows for its own.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True
