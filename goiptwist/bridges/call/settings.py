"""The keys of a C{[bridge.NAME]} section with C{kind = "contact-id-call"}."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any, Self

from attrs import frozen

from goiptwist.config.values import HostPort, Password, setting

#: What the calls need besides the gateway.
NEEDED = ("numpy", "sipmessage")
#: The port of SIP (RFC 3261 section 19.1.2).
SIP_PORT = 5060

_URI = re.compile(
    r"sip:(?P<user>[A-Za-z0-9_.!~*'()&=+$,;?/%#-]+)@(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)"
    r"(:(?P<port>\d{1,5}))?(?P<parameters>(;[^;?\s]+)*)"
)


@frozen
class SipUri:
    """Whom to call: C{sip:9999@pbx.example.org:5060;transport=tcp}."""

    user: str
    host: str
    port: int
    transport: str
    text: str

    @classmethod
    def from_setting(cls, value: object) -> Self:
        meant = "must be whom to call, such as sip:9999@127.0.0.1:5080;transport=tcp"
        if isinstance(value, str) and value.startswith("sips:"):
            raise ValueError("must begin with sip: calls over TLS are not made")
        match = _URI.fullmatch(value) if isinstance(value, str) else None
        if match is None or not isinstance(value, str):
            raise ValueError(meant)
        parameters = match["parameters"].lower().split(";")
        chosen = [p.partition("=")[2] for p in parameters if p.startswith("transport=")] or ["udp"]
        if chosen[0] not in ("udp", "tcp"):
            raise ValueError(f"{meant}: the transport is udp or tcp")
        port = int(match["port"] or SIP_PORT)
        if not 0 < port < 65536:
            raise ValueError(meant)
        return cls(match["user"], match["host"], port, chosen[0].upper(), value)

    def __str__(self) -> str:
        return self.text


def _check_uri(_: Any, __: Any, ___: SipUri) -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"kind: contact-id-call needs {' and '.join(missing)}: pip install 'goiptwist[calls]'"
        )


def _check_wait(_: Any, attribute: Any, wait: float) -> None:
    if not 1 <= wait <= 180:
        raise ValueError(f"{attribute.name}: must be 1 to 180 seconds")


def _check_number(_: Any, attribute: Any, number: int) -> None:
    if not 1 <= number <= 100:
        raise ValueError(f"{attribute.name}: must be 1 to 100")


def _check_codecs(_: Any, __: Any, codecs: tuple[str, ...]) -> None:
    if not codecs or set(codecs) - {"PCMU", "PCMA"} or len(set(codecs)) < len(codecs):
        raise ValueError('codecs: must be "PCMU", "PCMA", or both, the better first')


def _check_register(settings: Any, __: Any, register: bool) -> None:
    if register and not settings.username:
        raise ValueError("register: needs a username")


def _check_password(settings: Any, __: Any, password: Password | None) -> None:
    if password is not None and not settings.username:
        raise ValueError("password: needs a username")


@frozen(kw_only=True)
class CallSettings:
    """Which station is called, and how."""

    uri: SipUri = setting(
        "Whom to call by SIP: the monitoring station at your provider or exchange. "
        '";transport=tcp" behind it makes it TCP.',
        validator=_check_uri,
    )
    local: HostPort = setting(
        "The address and the port from which SIP is spoken; audio uses the same address. 0.0.0.0 "
        "and port 0 leave the choice to the system.",
        default=HostPort("0.0.0.0", 0),  # noqa: S104
    )
    username: str = setting("Who we say we are; or empty.", default="")
    password: Password | None = setting(
        "What proves it, where the other side asks.", validator=_check_password, default=None
    )
    register: bool = setting(
        "Whether to register at the host of uri, for exchanges that want that.",
        validator=_check_register,
        default=False,
    )
    proxy: HostPort | None = setting(
        "Where calls are sent to, if not to the host of uri itself.", default=None
    )
    wait: float = setting(
        "Seconds in which the station has to pick up, and then to send its handshake.",
        validator=_check_wait,
        default=30.0,
    )
    codecs: tuple[str, ...] = setting(
        "How audio is coded, the better first. Tones pass nothing but G.711.",
        validator=_check_codecs,
        default=("PCMA", "PCMU"),
    )
    calls: int = setting(
        "How many calls there may be at a time: no more than the station has lines.",
        validator=_check_number,
        default=10,
    )
    events_per_call: int = setting(
        "How many events one call takes when more come in than there may be calls.",
        validator=_check_number,
        default=4,
    )

    @property
    def sms(self) -> bool:
        """See L{goiptwist.messaging.router.RoutingRule}: it has no use for an SMS."""
        return False
