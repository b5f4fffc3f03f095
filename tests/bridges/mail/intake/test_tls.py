"""TLS itself, in memory: both ways into it, and a certificate that is renewed."""

import os

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import optionsForClientTLS, trustRootFromCertificates
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.test.iosim import FakeTransport, connect

from goiptwist.bridges.mail.intake.factory import SmtpFactory
from goiptwist.bridges.mail.intake.session import SmtpSession
from goiptwist.bridges.mail.outgoing.tls import UnverifiedTls, trusted_certificates
from goiptwist.net.certificate import OurCertificate, WithinTls
from tests.bridges.mail.intake.rig import server_context
from tests.bridges.mail.outgoing.smarthosts import Authority

PEER = IPv4Address("TCP", "198.51.100.7", 1)


class Client(Protocol):
    """Hears."""

    def __init__(self):
        self.heard = b""
        self.lost = None

    def dataReceived(self, data):
        self.heard += data

    def connectionLost(self, reason):
        self.lost = reason


class Tls:
    """A client and the intake, with real TLS from the first byte on and no socket."""

    def __init__(self, certificate, context):
        self.clock = Clock()
        self.context = server_context(certificate=certificate, clock=self.clock)
        self.client = Client()
        self.factory = SmtpFactory(self.context, SmtpSession, implicit=True)
        serving = TLSMemoryBIOFactory(certificate, False, self.factory, clock=self.clock)
        calling = TLSMemoryBIOFactory(
            context, True, Factory.forProtocol(lambda: self.client), clock=self.clock
        )
        server, client = serving.buildProtocol(PEER), calling.buildProtocol(None)
        self.pump = connect(
            server,
            FakeTransport(server, isServer=True, peerAddress=PEER),
            client,
            FakeTransport(client, isServer=False),
            clock=self.clock,
        )

    def says(self, *lines):
        self.client.transport.write(b"".join(line + b"\r\n" for line in lines))
        self.pump.flush()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def certificate(authority, tmp_path):
    authority.server("sms.example.org")
    pem = str(tmp_path / "Test CA sms.example.org.key")
    return OurCertificate(pem, pem)


def test_implicit_tls(certificate, authority):
    """A client that verifies is content, and the submission knows that nobody reads along."""
    trust = trustRootFromCertificates(trusted_certificates(authority.pem))
    tls = Tls(certificate, optionsForClientTLS("sms.example.org", trustRoot=trust))
    tls.pump.flush()
    assert tls.client.heard == b"220 sms.example.org ESMTP\r\n"
    tls.says(
        b"EHLO me", b"AUTH PLAIN AG9wcwByaWdodCBob3JzZSDDhMOW", b"MAIL FROM:<>", b"RCPT TO:<1>"
    )
    assert tls.client.heard.endswith(b"235 2.7.0 Welcome\r\n250 2.1.0 OK\r\n250 2.1.5 OK\r\n")
    [(client, sender, recipient)] = tls.context.submission.asked
    assert (client.tls, client.user.name, sender, recipient) == (True, "ops", "", "1")
    tls.says(b"QUIT")
    assert tls.client.lost is not None
    assert not tls.factory.open
    assert tls.clock.getDelayedCalls() == []


def test_who_never_shakes_hands(certificate):
    """A connection that stays silent before TLS is closed like any other."""
    tls = Tls(certificate, UnverifiedTls("sms.example.org"))
    tls.clock.advance(300)
    tls.clock.advance(5)
    tls.pump.flush()
    assert not tls.factory.open
    assert tls.clock.getDelayedCalls() == []


def test_who_does_not_speak_tls(certificate):
    """Clear text on the port for TLS ends the connection, and is no error of ours."""
    factory = SmtpFactory(server_context(certificate=certificate), SmtpSession, implicit=True)
    clock = factory.context.clock
    server = TLSMemoryBIOFactory(certificate, False, factory, clock=clock).buildProtocol(PEER)
    transport = FakeTransport(server, isServer=True, peerAddress=PEER)
    server.makeConnection(transport)
    server.dataReceived(b"EHLO me\r\n")
    assert transport.disconnecting
    transport.reportDisconnect()
    assert not factory.open
    assert clock.getDelayedCalls() == []


def test_renewed(certificate, authority, tmp_path):
    """A new certificate is used from the next connection on; a broken one is not."""
    pem = tmp_path / "Test CA sms.example.org.key"
    before = certificate.serverConnectionForTLS(None).get_context()
    assert certificate.serverConnectionForTLS(None).get_context() is before
    authority.server("sms.example.org")
    os.utime(pem, (1, 1))
    renewed = certificate.serverConnectionForTLS(None).get_context()
    assert renewed is not before
    with capturedLogs() as logs:
        for damage in (lambda: pem.write_text("half"), pem.unlink):
            damage()
            assert certificate.serverConnectionForTLS(None).get_context() is renewed
    assert [event["log_level"] for event in logs] == [LogLevel.warn, LogLevel.warn]


def test_a_crowd_before_tls(certificate):
    """Who is one too many is not even shaken hands with, and nothing breaks of it."""
    factory = SmtpFactory(
        server_context(certificate=certificate, connections=1, trusted=()),
        SmtpSession,
        implicit=True,
    )
    serving = WithinTls(certificate, factory, factory.context.clock)
    first = serving.buildProtocol(PEER)
    assert first is not None
    assert serving.buildProtocol(PEER) is None
