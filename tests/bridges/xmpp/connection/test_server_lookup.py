"""Where a domain's server is, as the DNS says."""

import random

import pytest
from attrs import define
from twisted.internet.defer import fail, succeed
from twisted.names import dns
from twisted.names.error import DNSNameError

from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure
from goiptwist.bridges.xmpp.connection.server_lookup import (
    ServerAddress,
    SrvRecord,
    in_order,
    name_servers,
    servers_of,
)


@define
class KnownNames:
    """
    A resolver.

    @ivar known: what it answers, by name.
    """

    known: dict

    def lookupService(self, name):
        if name not in self.known:
            return fail(DNSNameError())
        records = [
            dns.RRHeader(name, dns.SRV, payload=dns.Record_SRV(*record))
            for record in self.known[name]
        ]
        return succeed((records, [], []))


async def test_both_services():
    """Direct TLS and STARTTLS are in one order (XEP-0368 section 4)."""
    names = KnownNames(
        {
            "_xmpp-client._tcp.example.org": [(10, 0, 5222, "b.example.org")],
            "_xmpps-client._tcp.example.org": [(5, 0, 443, "a.example.org")],
        }
    )
    assert await servers_of("example.org", names) == [
        ServerAddress("a.example.org", 443, direct=True),
        ServerAddress("b.example.org", 5222),
    ]


async def test_no_records():
    """The domain itself is the server (RFC 6120 section 3.2.2)."""
    assert await servers_of("example.org", KnownNames({})) == [ServerAddress("example.org", 5222)]


async def test_names_in_other_letters():
    """The DNS knows letters of ASCII only."""
    assert await servers_of("bücher.example", KnownNames({})) == [
        ServerAddress("xn--bcher-kva.example", 5222)
    ]


async def test_no_service():
    """A target of C{.} means that there is none (RFC 2782)."""
    names = KnownNames({"_xmpp-client._tcp.example.org": [(0, 0, 0, "")]})
    with pytest.raises(ConnectionFailure, match="offers no XMPP") as trouble:
        await servers_of("example.org", names)
    assert trouble.value.slow


def test_order():
    """Priorities first; a weight makes a place likelier, and none leaves it a chance."""
    records = [
        SrvRecord(2, 100, ServerAddress("last", 1)),
        SrvRecord(1, 90, ServerAddress("often", 1)),
        SrvRecord(1, 10, ServerAddress("seldom", 1)),
        SrvRecord(1, 0, ServerAddress("hardly", 1)),
    ]
    firsts = []
    for seed in range(200):
        ordered = [place.host for place in in_order(records, random.Random(seed))]
        assert sorted(ordered) == ["hardly", "last", "often", "seldom"]
        assert ordered[-1] == "last"
        firsts.append(ordered[0])
    assert firsts.count("often") > firsts.count("seldom") > 0


def test_name_servers():
    """See resolv.conf(5)."""
    text = "# nameserver 192.0.2.9\nsearch example.org\nnameserver 192.0.2.1\nnameserver  ::1\n"
    assert name_servers(text) == [("192.0.2.1", 53), ("::1", 53)]
    assert name_servers("") == [("127.0.0.1", 53)]
