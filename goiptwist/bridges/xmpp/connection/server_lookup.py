# mypy: disallow-untyped-calls=False
# (twisted.names is not annotated)
"""
Where the server of a domain is: SRV records (RFC 6120 section 3.2.1, XEP-0368).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet.defer import gatherResults
from twisted.names import dns, error
from twisted.names.client import Resolver

from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure

#: RFC 6120 section 14.7.
PORT = 5222
#: Seconds for each try to get an answer out of the DNS.
TIMEOUT = (1, 3, 6)

_RESOLV = Path("/etc/resolv.conf")


@frozen
class ServerAddress:
    """
    @ivar direct: TLS begins with the first byte, rather than by STARTTLS.
    """

    host: str
    port: int
    direct: bool = False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen
class SrvRecord:
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    server: ServerAddress


def in_order(records: Sequence[SrvRecord], chance: random.Random) -> list[ServerAddress]:
    """
    @return: where to try first, second, ...: by priority; among equals by
        chance, and a weight makes it likelier (RFC 2782).
    """
    left, ordered = sorted(records, key=lambda record: record.priority), []
    while left:
        equals = [record for record in left if record.priority == left[0].priority]
        # A weight of none gets a small chance.
        (chosen,) = chance.choices(equals, [record.weight + 0.01 for record in equals])
        left.remove(chosen)
        ordered.append(chosen.server)
    return ordered


def name_servers(text: str) -> list[tuple[str, int]]:
    """@param text: of resolv.conf(5)."""
    lines = [line.split() for line in text.splitlines()]
    found = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    return [(host, dns.PORT) for host in found] or [("127.0.0.1", dns.PORT)]


def make_resolver(reactor: Any) -> Resolver:
    """
    Ask the machine's name servers. The stock one that reads C{resolv.conf} by
    itself would go on reading it for ever.
    """
    text = _RESOLV.read_text(errors="replace") if _RESOLV.exists() else ""
    return Resolver(servers=name_servers(text), timeout=TIMEOUT, reactor=reactor)


async def servers_of(domain: str, resolver: Any) -> list[ServerAddress]:
    """
    @param resolver: of the reactor.
    @raise ConnectionFailure: there is none, or nobody knows.
    """
    name = domain.encode("idna").decode()
    both = [_records(name, service, resolver) for service in ("_xmpps-client", "_xmpp-client")]
    lookups = await gatherResults(both, consumeErrors=True)
    records = [record for found in lookups for record in found if record.server.host]
    if any(lookups) and not records:
        # A single record with the target "." (RFC 2782).
        raise ConnectionFailure(f"{domain} says in the DNS that it offers no XMPP", slow=True)
    return in_order(records, random.SystemRandom()) or [ServerAddress(name, PORT)]


def _records(domain: str, service: str, resolver: Any) -> Any:
    direct = service == "_xmpps-client"

    def found(answer: Any) -> list[SrvRecord]:
        records = [one.payload for one in answer[0] if one.type == dns.SRV]
        return [
            SrvRecord(
                one.priority,
                one.weight,
                ServerAddress(str(one.target).rstrip("."), one.port, direct),
            )
            for one in records
        ]

    def failed(failure: Any) -> list[SrvRecord]:
        if failure.check(error.DNSNameError, error.AuthoritativeDomainError):
            return []
        # Who cannot be asked may still know the address of the domain itself.
        failure.trap(error.ResolverError, error.DomainError, error.DNSQueryTimeoutError)
        return []

    return resolver.lookupService(f"{service}._tcp.{domain}").addCallbacks(found, failed)
