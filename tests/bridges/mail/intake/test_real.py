"""The intake before real clients, over sockets of this machine and with real TLS."""

import base64
import shutil
import smtplib
import socket
import ssl
import subprocess
from contextlib import suppress

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.mail import smtp

from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply
from goiptwist.config.values import HostPort
from goiptwist.net.certificate import OurCertificate
from tests.bridges.mail.intake.rig import PASSWORD, StockDelivery
from tests.bridges.mail.intake.test_service import ANY, intake
from tests.bridges.mail.outgoing.smarthosts import Authority

pytestmark = pytest.mark.real

SENDER, ONE, TWO = "a@example.org", "+36301111111@localhost", "+36302222222@localhost"
LETTER = b"Subject: x\r\n\r\nPump 3 stopped\r\n.\r\n.. and 4\r\n"
#: smtplib and swaks know ASCII only in passwords; the intake knows more.
ASCII = ("ascii", "right horse")
USER = ("--auth-user", ASCII[0], "--auth-password", ASCII[1])
GUESS = ("--auth-user", ASCII[0], "--auth-password", "wrong")


def swaks_knows_tls():
    if shutil.which("swaks") is None:
        return False
    support = subprocess.run(["swaks", "--support"], capture_output=True, text=True).stdout
    return "=== TLS supported" in support


NEEDS_SWAKS = pytest.mark.skipif(
    not swaks_knows_tls(), reason="swaks or its libnet-ssleay-perl is not installed"
)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def pem(authority, tmp_path):
    authority.server("localhost")
    return str(tmp_path / "Test CA localhost.key")


@pytest.fixture
def trusting(authority):
    """A client's view: it verifies."""
    return ssl.create_default_context(cafile=authority.pem)


@pytest_twisted.async_yield_fixture
async def service(pem):
    """Trusts nobody, so that every client must log in."""
    running = intake(
        reactor,
        listen=(ANY, HostPort("::1", 0)),
        listen_tls=(ANY,),
        lmtp=(ANY,),
        certificate=pem,
        private_key=pem,
        trusted=(),
        max_size=100_000,
    )
    running.startService()
    yield running
    await running.stopService()
    assert (running.context.other_connections.total, running.context.trusted_connections.total) == (
        0,
        0,
    )


def ports(service):
    return [port.getHost().port for port in service.ports]


def mails(service):
    """(user, TLS, sender, recipients, content without our header) of each mail."""
    return [
        (client.user.name, client.tls, sender, recipients, content.split(b"+0000\r\n", 1)[1])
        for client, sender, recipients, content in service.context.submission.taken
    ]


async def test_starttls_and_login(service, trusting):
    """As mail programs do it on port 587."""
    port = ports(service)[0]

    def client():
        with smtplib.SMTP("localhost", port, source_address=("127.0.0.1", 0)) as server:
            with pytest.raises(smtplib.SMTPNotSupportedError):
                server.login("ops", "x")  # nothing to log in with is offered in clear
            server.starttls(context=trusting)
            server.ehlo()
            assert server.has_extn("smtputf8")
            assert server.esmtp_features["size"] == "100000"
            with pytest.raises(smtplib.SMTPAuthenticationError):
                server.login("ops", "wrong")
            server.login(*ASCII)
            return server.sendmail(SENDER, [ONE, TWO], LETTER)

    assert await deferToThread(client) == {}
    assert mails(service) == [("ascii", True, SENDER, (ONE, TWO), LETTER)]


async def test_implicit_tls(service, trusting):
    """As on port 465; with a refused recipient and a refused mail in between."""
    port = ports(service)[2]
    service.context.submission.refused[TWO] = SmtpReply(550, "5.1.1", "No such line")

    def client():
        with smtplib.SMTP_SSL("localhost", port, context=trusting) as server:
            server.login(*ASCII)
            with pytest.raises(smtplib.SMTPSenderRefused) as too_large:
                server.sendmail(SENDER, ONE, b"x" * 100_001)
            assert too_large.value.smtp_code == 552
            return server.sendmail(SENDER, [ONE, TWO], LETTER)

    assert await deferToThread(client) == {TWO: (550, b"5.1.1 No such line")}
    assert mails(service) == [("ascii", True, SENDER, (ONE,), LETTER)]


async def test_utf8(service, trusting):
    """RFC 6531: a name beyond ASCII in the envelope, eight bits in the text."""
    port = ports(service)[2]
    text = "Subject: Ärger\r\n\r\nPumpe 3 ☔\r\n".encode()

    def client():
        with smtplib.SMTP_SSL("localhost", port, context=trusting) as server:
            server.login(*ASCII)
            options = ["SMTPUTF8", "BODY=8BITMIME"]
            server.sendmail("ärger@exämple.org", ONE, text, mail_options=options)

    await deferToThread(client)
    assert mails(service) == [("ascii", True, "ärger@exämple.org", (ONE,), text)]


async def test_strangers_are_refused(service):
    """No open relay, over IPv6 either."""
    for host, port in (("127.0.0.1", ports(service)[0]), ("::1", ports(service)[1])):

        def client(host=host, port=port):
            with (
                smtplib.SMTP(host, port) as server,
                pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
            ):
                server.sendmail(SENDER, ONE, LETTER)
            return refused.value.recipients

        assert await deferToThread(client) == {ONE: (550, b"5.7.1 Only for users")}
    assert service.context.submission.taken == []


async def test_lmtp(pem):
    """Python's LMTP reads one answer for the first recipient, so that one is sent to."""
    running = intake(reactor, lmtp=(ANY,))
    running.startService()

    def client():
        with smtplib.LMTP("127.0.0.1", ports(running)[0]) as server:
            assert server.sendmail(SENDER, ONE, LETTER) == {}
            return server.noop()[0]

    assert await deferToThread(client) == 250
    await running.stopService()
    [(client, _, recipients, _)] = running.context.submission.taken
    assert (client.protocol, client.trusted, recipients) == ("lmtp", True, (ONE,))


async def swaks(port, *options):
    """@return: the exit code and what it printed."""
    command = ["swaks", "--server", "127.0.0.1", "--port", str(port), "--from", SENDER]
    done = await deferToThread(
        subprocess.run, [*command, *options], capture_output=True, text=True, timeout=30
    )
    return done.returncode, done.stdout


@NEEDS_SWAKS
@pytest.mark.parametrize(
    ("place", "options", "code"),
    [
        (0, ("--tls", "--auth", "PLAIN", *USER), 0),
        (0, ("--tls", "--auth", "LOGIN", *USER), 0),
        (2, ("--tlsc", "--auth", "LOGIN", *USER), 0),
        (0, ("--auth", "PLAIN", *USER), 28),
        (0, ("--tls", "--auth", "PLAIN", *GUESS), 28),
        (0, ("--tls",), 24),
        (3, ("--protocol", "LMTP"), 24),
        (0, ("--tls", "--pipeline"), 24),
    ],
)
async def test_swaks(service, place, options, code):
    """Its exit codes: 0 sent, 24 no recipient was accepted, 28 no login."""
    # A recipient that starts with + would be an option to swaks.
    to = ("--to", "0036301111111@localhost")
    assert (await swaks(ports(service)[place], *to, *options))[0] == code
    assert len(service.context.submission.taken) == (1 if code == 0 else 0)


@NEEDS_SWAKS
async def test_swaks_speaks_lmtp(pem):
    """With several recipients, of whom one is refused at the end."""
    running = intake(reactor, lmtp=(ANY,))
    running.startService()
    running.context.submission.replies["2@localhost"] = SmtpReply(452, "4.2.2", "Quota is used up")
    code, output = await swaks(
        ports(running)[0], "--protocol", "LMTP", "--pipeline", "--to", "1@localhost,2@localhost"
    )
    await running.stopService()
    assert "250 2.0.0 Queued" in output
    assert "452 4.2.2 Quota is used up" in output
    assert code in (0, 26)
    [(_, _, recipients, _)] = running.context.submission.taken
    assert recipients == ("1@localhost", "2@localhost")


# The hole, with real sockets and real TLS


def injected(port):
    """
    What a victim hears within TLS if somebody on the way has put an EHLO
    behind his STARTTLS, and C{None} if there is no TLS.
    """
    with socket.create_connection(("127.0.0.1", port)) as victim:
        victim.settimeout(1)
        victim.recv(1000)
        victim.sendall(b"EHLO victim\r\n")
        victim.recv(1000)
        victim.sendall(b"STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@example.org>\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            if not victim.recv(10, socket.MSG_PEEK):
                return None
            while victim.recv(1) != b"\n":
                pass
            with context.wrap_socket(victim) as protected:
                with suppress(TimeoutError):
                    heard = protected.recv(1000)
                    while True:
                        heard += protected.recv(1000)
                return heard
        except OSError:
            return None


async def test_stock_is_injected(pem):
    """The victim has said nothing yet within TLS, and a mail has begun."""

    class Stock(smtp.ESMTP):
        noisy = False

        def __init__(self):
            super().__init__({}, OurCertificate(pem, pem))
            self.host = b"localhost"
            self.delivery = StockDelivery()

    port = reactor.listenTCP(0, Factory.forProtocol(Stock), interface="127.0.0.1")
    heard = await deferToThread(injected, port.getHost().port)
    await port.stopListening()
    assert heard == (
        b"250 localhost Hello 127.0.0.1, nice to meet you\r\n250 Sender address accepted\r\n"
    )


async def test_ours_is_not_injected(service):
    """There is no TLS at all."""
    assert await deferToThread(injected, ports(service)[0]) is None
    assert service.context.rejections.counts["mail_injected"] == 1


# Callers who vanish, with a real socket


@pytest.mark.parametrize("said", [b"", b"EHLO me\r\n", b"EHLO me\r\nMAIL FROM:<a@b>\r\n"])
async def test_reset(service, said):
    """A connection that is torn down leaves nothing behind."""

    def client():
        client = socket.create_connection(("127.0.0.1", ports(service)[0]))
        client.sendall(said)
        client.recv(10)
        option = b"\x01\0\0\0\0\0\0\0"
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
        client.close()

    await deferToThread(client)
    while service.context.other_connections.total:
        await deferLater(reactor, 0.01)


async def test_a_login_beyond_ascii(service):
    """The password is UTF-8 (RFC 4616 section 2)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def client():
        with smtplib.SMTP_SSL("127.0.0.1", ports(service)[2], context=context) as server:
            server.ehlo()
            response = base64.b64encode(b"\0ops\0" + PASSWORD.encode()).decode()
            return server.docmd("AUTH", f"PLAIN {response}")[0]

    assert await deferToThread(client) == 235
