"""Where a domain's server is, as the DNS says."""

import random

import pytest
from attrs import define
from twisted.internet.defer import fail, succeed
from twisted.names import dns
from twisted.names.error import DNSNameError

from goiptwist.bridges.xmpp.link.places import Place, Record, in_order, name_servers, places_of
from goiptwist.bridges.xmpp.link.troubles import Trouble


@define
class Names:
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
    names = Names(
        {
            "_xmpp-client._tcp.example.org": [(10, 0, 5222, "b.example.org")],
            "_xmpps-client._tcp.example.org": [(5, 0, 443, "a.example.org")],
        }
    )
    assert await places_of("example.org", names) == [
        Place("a.example.org", 443, direct=True),
        Place("b.example.org", 5222),
    ]


async def test_no_records():
    """The domain itself is the server (RFC 6120 section 3.2.2)."""
    assert await places_of("example.org", Names({})) == [Place("example.org", 5222)]


async def test_names_in_other_letters():
    """The DNS knows letters of ASCII only."""
    assert await places_of("bücher.example", Names({})) == [Place("xn--bcher-kva.example", 5222)]


async def test_no_service():
    """A target of C{.} means that there is none (RFC 2782)."""
    names = Names({"_xmpp-client._tcp.example.org": [(0, 0, 0, "")]})
    with pytest.raises(Trouble, match="offers no XMPP") as trouble:
        await places_of("example.org", names)
    assert trouble.value.slow


def test_order():
    """Priorities first; a weight makes a place likelier, and none leaves it a chance."""
    records = [
        Record(2, 100, Place("last", 1)),
        Record(1, 90, Place("often", 1)),
        Record(1, 10, Place("seldom", 1)),
        Record(1, 0, Place("hardly", 1)),
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
