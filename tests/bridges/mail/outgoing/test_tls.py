"""How the way to a real SMTP server is protected, and how we log in there."""

import re
import ssl
from contextlib import suppress

import pytest
from twisted.internet import reactor

from goiptwist.config.values import HostPort, Password
from goiptwist.errors import TryLater
from goiptwist.model.delivery import Delivered
from goiptwist.testing.contract import outcome
from goiptwist.testing.stubs import sms
from tests.bridges.mail.outgoing.smarthosts import (
    Authority,
    Mailbox,
    mail_bridge,
    saying,
    scripted_server,
    smtp_server,
)

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]

LOGIN = {"username": "goip", "password": Password("right horse")}


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


# Logging in


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_login(mailbox, mechanism):
    """With a name and a password there is no mail before they were accepted."""
    others = {"PLAIN", "LOGIN"} - {mechanism}
    with smtp_server(mailbox, auth_required=True, auth_exclude_mechanism=others) as port:
        answer = await outcome(mail_bridge(reactor, port, **LOGIN), sms())
    assert isinstance(answer, Delivered)
    assert mailbox.logins == [(mechanism, False)]


async def test_wrong_password(mailbox):
    """An operator mends that: the mail waits, and the password is tried once."""
    wrong = {**LOGIN, "password": Password("wrong horse")}
    with smtp_server(mailbox) as port:
        error = await outcome(mail_bridge(reactor, port, **wrong), sms())
    assert isinstance(error, TryLater)
    assert not error.attempted
    assert "did not accept the user name and password: 535" in str(error)
    assert len(mailbox.logins) == 1


async def test_no_login_is_offered():
    """A smarthost without AUTH gets no mail from who should log in."""
    server = saying(b"220 hi\r\n", b"250 no extensions\r\n", b"221 bye\r\n")
    with scripted_server(server) as port:
        error = await outcome(mail_bridge(reactor, port, **LOGIN), sms())
    assert "offers no way to log in" in str(error)


# TLS


async def test_verified(mailbox, authority):
    """A certificate of the right authority for the right address is good."""
    with smtp_server(mailbox, tls_context=authority.server("127.0.0.1")) as port:
        bridge = mail_bridge(reactor, port, tls="verified", ca=authority.pem, **LOGIN)
        answer = await outcome(bridge, sms())
        found = await bridge.check()
    assert isinstance(answer, Delivered)
    assert mailbox.logins == [("PLAIN", True)] * 2
    assert re.fullmatch(
        rf"127\.0\.0\.1:{port} answers, TLSv1\.3 with the certificate of CN=127\.0\.0\.1 "
        r"\(from CN=Test CA, valid until 2\d{3}-\d\d-\d\d \d\d:\d\d UTC\), "
        r"verified, logged in with PLAIN; mail goes to ops@example\.org",
        found,
    )


def test_our_authority_is_strict(authority):
    """Python asks for each extension of RFC 5280 since 3.13; here whatever the Python."""
    strict = ssl.create_default_context(cafile=authority.pem)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = authority.server("127.0.0.1").wrap_bio(to_server, to_client, server_side=True)
    client = strict.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    for side in (client, server, client):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert dict(client.getpeercert()["subject"][0]) == {"commonName": "127.0.0.1"}


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    ("trusted", "name", "words"),
    [
        ("Other CA", "127.0.0.1", "certificate verify failed"),
        ("", "127.0.0.1", "certificate verify failed"),
        ("Test CA", "mail.example.org", "another name"),
    ],
)
async def test_not_verified(mailbox, authority, tmp_path, implicit, trusted, name, words):
    """Neither another authority nor another name gets a mail, or the password."""
    context = authority.server(name)
    ca = {"Test CA": authority.pem, "Other CA": Authority(tmp_path, "Other CA").pem, "": ""}
    starttls = smtp_server(mailbox, tls_context=context)
    with scripted_server(tls_only(context)) if implicit else starttls as port:
        bridge = mail_bridge(
            reactor, port, tls="verified", implicit_tls=implicit, ca=ca[trusted], **LOGIN
        )
        error = await outcome(bridge, sms())
    assert isinstance(error, TryLater)
    assert not error.attempted
    assert words in str(error)
    assert (mailbox.taken, mailbox.logins) == ([], [])


def tls_only(context):
    """aiosmtpd logs a failed handshake as an error of its own; this one keeps quiet."""

    def conversation(heard, connection):
        context.wrap_socket(connection, server_side=True)

    return conversation


@pytest.mark.parametrize("mode", ["verified", "required"])
async def test_tls_is_not_offered(mailbox, mode):
    """Without STARTTLS there is no mail."""
    with smtp_server(mailbox) as port:
        error = await outcome(mail_bridge(reactor, port, tls=mode), sms())
    assert isinstance(error, TryLater)
    assert "does not offer STARTTLS" in str(error)
    assert mailbox.taken == []


@pytest.mark.parametrize("mode", ["required", "opportunistic"])
async def test_any_certificate(mailbox, authority, mode):
    """Against those who only listen, any certificate will do."""
    with smtp_server(mailbox, tls_context=authority.server("nobody")) as port:
        bridge = mail_bridge(reactor, port, tls=mode, **LOGIN)
        assert isinstance(await outcome(bridge, sms()), Delivered)
        assert "UTC), not verified, logged in with PLAIN" in await bridge.check()
    assert mailbox.logins == [("PLAIN", True)] * 2


async def test_opportunistic_without_tls(mailbox):
    """It goes on in clear where nothing is offered."""
    with smtp_server(mailbox) as port:
        bridge = mail_bridge(reactor, port, tls="opportunistic")
        assert isinstance(await outcome(bridge, sms()), Delivered)
        assert "without TLS, not logged in" in await bridge.check()


async def test_none_ignores_the_offer(mailbox, authority):
    """None means none."""
    with smtp_server(mailbox, tls_context=authority.server("nobody")) as port:
        bridge = mail_bridge(reactor, port, tls="none", **LOGIN)
        assert isinstance(await outcome(bridge, sms()), Delivered)
    assert mailbox.logins == [("PLAIN", False)]


async def test_implicit_tls(mailbox, authority):
    """TLS from the first byte on, as on port 465."""
    with smtp_server(mailbox, implicit=authority.server("localhost")) as port:
        bridge = mail_bridge(
            reactor,
            port,
            smarthost=HostPort("localhost", port),
            implicit_tls=True,
            ca=authority.pem,
            **LOGIN,
        )
        assert isinstance(await outcome(bridge, sms()), Delivered)
    assert mailbox.logins == [("PLAIN", True)]


async def test_words_behind_starttls(authority):
    """Who speaks in clear behind the yes to STARTTLS is not the smarthost."""
    answers = [b"220 hi\r\n", b"250-hi\r\n250 starttls\r\n", b"220 go\r\n250 AUTH PLAIN\r\n"]
    with scripted_server(saying(*answers)) as port:
        error = await outcome(mail_bridge(reactor, port, tls="required", **LOGIN), sms())
    assert isinstance(error, TryLater)
    assert "in clear behind" in str(error)
