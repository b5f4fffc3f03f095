"""A login ends, and what binds it to its TLS connection."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import ensureDeferred
from twisted.internet.ssl import Certificate
from twisted.internet.task import Clock

from goiptwist.bridges.xmpp.connection.attempt import LOGIN_TIMEOUT, ConnectionAttempt
from goiptwist.bridges.xmpp.connection.credentials import XmppCredentials
from goiptwist.bridges.xmpp.connection.failures import ConnectionFailure
from goiptwist.bridges.xmpp.connection.server_lookup import ServerAddress
from goiptwist.bridges.xmpp.connection.tls import binding_of
from goiptwist.config.values import HostPort
from tests.bridges.xmpp.authority import Authority
from tests.bridges.xmpp.connection.wires import Standing

ACCESS = XmppCredentials(
    jid="sms.example.org", password="x", component=True, server=HostPort("127.0.0.1", 1)
)


def trying(monkeypatch):
    """A try whose server is reached."""
    clock = Clock()
    there = Standing(clock=clock, component=True)
    connecting = ConnectionAttempt(clock, ACCESS)

    async def connected(self):
        self.stream = there.stream
        return ServerAddress("127.0.0.1", 1)

    monkeypatch.setattr(ConnectionAttempt, "_connected", connected)
    done = []
    waiting = ensureDeferred(connecting.connect(None))
    waiting.addBoth(done.append)
    return there, done, waiting


def test_a_silent_server(monkeypatch):
    """It may be another service, or a machine that hangs."""
    there, done, _ = trying(monkeypatch)
    there.clock.advance(LOGIN_TIMEOUT)
    assert done[0].check(ConnectionFailure)
    assert "did not answer in time: the login takes too long" in str(done[0].value)
    assert there.trouble
    assert there.clock.getDelayedCalls() == []


def test_called_off(monkeypatch):
    """The service may stop in the midst of a login; then the connection is closed."""
    there, done, waiting = trying(monkeypatch)
    waiting.cancel()
    assert done
    assert there.lost
    assert there.clock.getDelayedCalls() == []


def test_a_bug_of_ours_is_a_trouble_too(monkeypatch, logged_failures):
    """Whatever breaks, the link goes on trying, and the log has the reason."""
    monkeypatch.setattr("goiptwist.bridges.xmpp.connection.login.hashPassword", lambda *_: 1 / 0)
    there, done, _ = trying(monkeypatch)
    there.says(there.header)
    assert "ZeroDivisionError, see the log" in str(done[0].value)
    assert len(logged_failures.flush()) == 1


class Shaken:
    """A TLS connection of which the handshake is done."""

    def __init__(self, version, pem):
        self.version, self.pem = version, pem

    def getHandle(self):
        return self

    def get_protocol_version_name(self):
        return self.version

    def get_finished(self):
        return b"finished"

    def getPeerCertificate(self):
        return Certificate.loadPEM(self.pem).original


@pytest.mark.parametrize(
    ("version", "kinds", "kind"),
    [
        ("TLSv1.2", [], "tls-unique"),
        ("TLSv1.2", ["tls-unique", "tls-server-end-point"], "tls-unique"),
        ("TLSv1.2", ["tls-server-end-point"], "tls-server-end-point"),
        ("TLSv1.3", ["tls-exporter", "tls-server-end-point"], "tls-server-end-point"),
        ("TLSv1.3", ["tls-exporter"], None),
        ("TLSv1.3", [], None),
    ],
)
def test_binding(tmp_path, version, kinds, kind):
    """
    Nobody can sit between two TLS connections where a login holds only in one
    (RFC 5929). tls-unique is broken in TLS 1.3, so it is not used there.
    """
    pem = Authority(tmp_path / "ca").server("one", "example.org").read_bytes()
    binding = binding_of(Shaken(version, pem), kinds)
    assert (binding and binding.kind) == kind
    if kind == "tls-unique":
        assert binding.value == b"finished"
    if kind == "tls-server-end-point":
        der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
        assert binding.value == hashlib.sha256(der).digest()
