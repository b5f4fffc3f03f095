"""Logging in at real servers, and what is said where that does not work."""

import pytest
from attrs import evolve
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from goiptwist.bridges.xmpp.connection.client import check
from goiptwist.config.values import HostPort
from goiptwist.errors import Away, Refused
from tests.bridges.xmpp.connections import Ear, account, component, linked, message, until
from tests.bridges.xmpp.ejabberd import NEEDS_EJABBERD
from tests.bridges.xmpp.prosody import NEEDS_PROSODY, free_port

pytestmark = pytest.mark.real


@NEEDS_PROSODY
@pytest.mark.parametrize(
    ("host", "mechanism", "version"),
    [
        ("all.test", "SCRAM-SHA-256", "TLSv1.3"),
        ("scram.test", "SCRAM-SHA-256", "TLSv1.3"),
        ("sha256.test", "SCRAM-SHA-256", "TLSv1.3"),
        ("sha1.test", "SCRAM-SHA-1", "TLSv1.3"),
        ("plain.test", "PLAIN", "TLSv1.3"),
        ("unsaid.test", "SCRAM-SHA-256", "TLSv1.3"),
        # The only version in which C{scramp} and Prosody both can bind to the channel.
        ("tls12.test", "SCRAM-SHA-256-PLUS", "TLSv1.2"),
    ],
)
async def test_the_best_login_that_both_know(prosody, host, mechanism, version):
    """
    C{--check-config} says how we log in, in which TLS, and when the certificate
    must be renewed.
    """
    found = await check(reactor, account(prosody, f"bot@{host}"))
    assert f"logged in at {host}" in found
    assert f"with {mechanism}, {version} with the certificate of CN=example.org" in found
    assert "from CN=Authority ca, valid until 20" in found


@NEEDS_PROSODY
async def test_tls_from_the_first_byte(prosody):
    """XEP-0368: some networks let nothing else through."""
    server = HostPort("127.0.0.1", prosody.direct_port)
    access = account(prosody, "bot@example.org", server=server, direct=True)
    assert "SCRAM-SHA-256, TLSv1.3" in await check(reactor, access)


@NEEDS_PROSODY
@pytest.mark.parametrize(
    ("jid", "sentence"),
    [
        ("bot@elsewhere.test", "it is for another name than elsewhere.test"),
        ("bot@stranger.test", "its authority is not trusted; put that into ca"),
        ("bot@expired.test", "it has expired"),
        ("nobody@all.test", "the name or the password is wrong"),
        ("bot@nowhere.test", "does not serve that domain"),
    ],
)
async def test_what_is_wrong_is_said(prosody, jid, sentence):
    """Each failure is a sentence that names the server; nobody has to read a stack trace."""
    with pytest.raises(Refused, match=sentence) as refused:
        await check(reactor, account(prosody, jid))
    assert jid.partition("@")[2] in str(refused.value)


@NEEDS_PROSODY
@pytest.mark.parametrize("host", ["all.test", "plain.test"])
async def test_wrong_password(prosody, host):
    """It is said, and the password itself is not."""
    with pytest.raises(Refused, match="the name or the password is wrong") as refused:
        await check(reactor, account(prosody, f"bot@{host}", password="opensesame"))
    assert "opensesame" not in str(refused.value)


@NEEDS_PROSODY
async def test_component(prosody):
    """XEP-0114: the secret is taken, or it is said that it is wrong."""
    assert "has taken the secret of sms.example.org" in await check(reactor, component(prosody))
    with pytest.raises(Refused, match="the password or secret is wrong"):
        await check(reactor, component(prosody, password="opensesame"))


@NEEDS_EJABBERD
async def test_component_of_ejabberd(ejabberd):
    """The same with a server that says it in other words."""
    assert "has taken the secret of sms.example.org" in await check(reactor, component(ejabberd))
    with pytest.raises(Refused, match="the password or secret is wrong"):
        await check(reactor, component(ejabberd, password="opensesame"))


@NEEDS_EJABBERD
async def test_account_of_ejabberd(ejabberd):
    """Another server than the one with which all this was tried first, and its acknowledgements."""
    await deferToThread(ejabberd.register, "bot")
    access = account(ejabberd, "bot@example.org")
    assert "SCRAM-SHA" in await check(reactor, access)
    ear = Ear(available=True)
    async with linked(access, ear) as link:
        await link.send_confirmed(message(link.jid, "hello", "one"))
        await until(lambda: ear.bodies() == ["hello"], "heard")


async def test_nobody_there():
    """Whether the settings are right cannot be told then."""
    nowhere = HostPort("127.0.0.1", free_port())
    access = evolve(component_without_server(), server=nowhere)
    with pytest.raises(Away, match=f"{nowhere} is not reached: nothing listens there"):
        await check(reactor, access)


async def test_a_component_does_not_talk_in_clear_to_another_machine():
    """The secret is a hash that can be tried out, and the texts are as they are."""
    access = evolve(component_without_server(), server=HostPort("192.0.2.1", 5347))
    with pytest.raises(Refused, match="a component talks in clear"):
        await check(reactor, access)


def component_without_server():
    class Nowhere:
        domain, secret, component_port = "sms.example.org", "secret", 1

    return component(Nowhere)


@NEEDS_PROSODY
@pytest.mark.parametrize(
    ("jid", "sentence"),
    [
        ("bot@stranger.test", "its authority is not trusted"),
        ("nobody@all.test", "the name or the password is wrong"),
    ],
)
async def test_trouble_of_a_link(prosody, jid, sentence):
    """A link that cannot connect says why, for /healthz, and hands nothing over."""
    async with linked(account(prosody, jid), wait=False) as link:
        await until(lambda: sentence in link.outage, lambda: link.outage)
        with pytest.raises(Away, match=sentence):
            await link.send_confirmed(None)
