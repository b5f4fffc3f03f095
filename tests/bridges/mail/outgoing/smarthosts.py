"""
Far ends for the mail bridge: a real SMTP server in a thread, and one that says
whatever it was told to say, whatever it hears.
"""

import socket
import socketserver
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from goiptwist.bridges.mail.outgoing.bridge import MailBridge
from goiptwist.bridges.mail.outgoing.settings import MailSettings
from goiptwist.bridges.mail.submission.tokens import AddressTokens
from goiptwist.config.values import HostPort
from goiptwist.errors import Refused, TryLater
from goiptwist.testing.stubs import StandInGateway


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@define
class Mailbox:
    """
    An aiosmtpd handler that keeps what it took.

    @ivar rcpt: what to say to a recipient instead of yes.
    @ivar data: what to say to a mail instead of yes.
    """

    rcpt: dict = field(factory=dict)
    mail: str = ""
    data: str = ""
    taken: list = field(factory=list)
    logins: list = field(factory=list)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.mail:
            return self.mail
        envelope.mail_from = address
        return "250 sender ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.rcpt.get(address, "250 recipient ok")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        if self.data:
            return self.data
        self.taken.append(envelope)
        return f"250 2.0.0 queued as {len(self.taken)}"

    def authenticate(self, server, session, envelope, mechanism, credentials):
        protected = server.transport.get_extra_info("ssl_object") is not None
        self.logins.append((mechanism, protected))
        right = (credentials.login, credentials.password) == (b"goip", b"right horse")
        return AuthResult(success=right, handled=False)


@contextmanager
def smtp_server(mailbox, *, port=None, implicit=None, **options):
    """A real SMTP server on loopback; yields its port."""
    port = port or free_port()
    server = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        ssl_context=implicit,
        auth_require_tls=False,
        authenticator=mailbox.authenticate,
        **options,
    )
    server.start()
    try:
        yield port
    finally:
        server.stop()


@contextmanager
def scripted_server(conversation):
    """
    A server that runs C{conversation(file, socket)} with each caller; yields
    its port.
    """

    class Connected(socketserver.StreamRequestHandler):
        timeout = 5

        def handle(self):
            with suppress(OSError):
                conversation(self.rfile, self.connection)

    class ScriptedServer(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = True

    with ScriptedServer(("127.0.0.1", 0), Connected) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def saying(*answers):
    """A conversation: greet with the first answer, and say one more for each line heard."""

    def conversation(heard, connection):
        for answer in answers:
            connection.sendall(answer)
            if not heard.readline():
                return

    return conversation


def mail_bridge(reactor, port, **changes):
    """A bridge to a smarthost on this machine."""
    settings = {
        "to": ("ops@example.org",),
        "sender": "sms@gateway.example.org",
        "smarthost": HostPort("127.0.0.1", port),
        "timeout": 5.0,
        **changes,
    }
    return MailBridge(
        "mail",
        MailSettings(**settings),
        reactor,
        b"gateway.example.org",
        AddressTokens(bytes(32)),
        StandInGateway(reactor, reactor),
    )


async def outcome_of(delivery):
    """What the delivery came to."""
    try:
        return await delivery
    except (TryLater, Refused) as error:
        return error


async def each_recipient(bridge, message):
    """What the delivery to each came to, in the order of the settings."""
    return [
        await outcome_of(bridge.deliver_to(message, recipient))
        for recipient in bridge.settings.recipients
    ]


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    """An authority signs certificates, a server its handshakes (RFC 5280 section 4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@define
class Authority:
    """A certification authority of one afternoon."""

    folder: object
    name: str = "Test CA"
    key: object = field(factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def pem(self) -> str:
        """The path of its certificate."""
        path = self.folder / f"{self.name}.pem"
        path.write_bytes(self._sign(self.name, self.key, None))
        return str(path)

    def server(self, host: str) -> ssl.SSLContext:
        """What a server for that name or address needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name = x509.IPAddress(ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        path = self.kept(host)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(private + self._sign(host, key, name))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def kept(self, host: str):
        """Where L{server} leaves the key and the certificate, in one PEM file."""
        return self.folder / f"{self.name} {host}.key"

    def _sign(self, subject: str, key, host) -> bytes:
        """
        All that a strict reader of RFC 5280 wants to see.

        @param host: the name in the certificate; C{None} for the authority's own.
        """
        now, ours = datetime.now(UTC), host is None
        made = x509.CertificateBuilder(
            issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]),
            subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + timedelta(hours=1),
        )
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        for extension, critical in (
            (x509.BasicConstraints(ca=ours, path_length=None), True),
            (_key_usage(authority=ours), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            *(() if ours else ((issuer, False), (x509.SubjectAlternativeName([host]), False))),
        ):
            made = made.add_extension(extension, critical=critical)
        return made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
