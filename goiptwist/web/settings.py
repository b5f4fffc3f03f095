"""The keys of the HTTP interface."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, frozen

from goiptwist.config.values import HostPort, HostPorts, Network, setting
from goiptwist.net.certificate import check_certificate, check_listen_tls, check_private_key


def _check_listen(settings: Any, _: Attribute[Any], listen: HostPorts) -> None:
    if settings.clear:
        return
    for place in listen:
        if not place.is_loopback:
            raise ValueError(
                f"listen: passwords would come to {place} in clear text; say listen_tls instead, "
                "or clear = true if nobody can read along"
            )


def _check_proxies(_: Any, __: Attribute[Any], proxies: tuple[Network, ...]) -> None:
    if any(proxy.network.prefixlen == 0 for proxy in proxies):
        raise ValueError("proxies: everybody could then claim any address; name your own proxies")


@frozen(kw_only=True)
class HttpSettings:
    """C{[http]}"""

    listen: HostPorts = setting(
        "Where HTTP is spoken in clear text, host:port or a list of them; empty is nowhere.",
        default=HostPorts((HostPort("127.0.0.1", 8080),)),
        validator=_check_listen,
    )
    listen_tls: HostPorts = setting(
        "Where HTTPS is spoken, host:port or a list of them; needs a certificate.",
        default=HostPorts(),
        validator=check_listen_tls,
    )
    certificate: str = setting(
        "A PEM file with the certificate for TLS, and those that vouch for it. It is read "
        "again when it changes.",
        default="",
        validator=check_certificate,
    )
    private_key: str = setting(
        "The PEM file with the key of the certificate; it may be the same file.",
        default="",
        validator=check_private_key,
    )
    clear: bool = setting(
        "Whether listen may be reached from other machines: passwords and tokens then pass in "
        "clear text. Behind a proxy with TLS, on a machine of its own, that may be right.",
        default=False,
    )
    proxies: tuple[Network, ...] = setting(
        "Addresses and networks of your own reverse proxies: from these alone, Forwarded and "
        "X-Forwarded-For are believed, and the address that they tell counts for the networks of "
        "users, for those who guess, and in the log.",
        default=(),
        validator=_check_proxies,
    )
    strict: bool = setting(
        "Whether errors of the Ozeki dialect have a status of their own, such as 401 or 400. "
        "Ozeki says 200 to everything, and old programs may count on it.",
        default=False,
    )
