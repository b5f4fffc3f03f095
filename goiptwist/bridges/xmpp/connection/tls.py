"""
TLS with nobody but the server of a domain, and what both ends know of it.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import optionsForClientTLS, trustRootFromCertificates
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from goiptwist.bridges.xmpp.connection.characters import sayable
from goiptwist.bridges.xmpp.connection.scram import ChannelBinding
from goiptwist.net.trust import trusted_certificates

#: Of X509_verify_cert_error(3): what an operator can do something about.
_FAULTS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it has signed itself, and is not in ca",
    19: "its authority is not trusted; put that into ca",
    20: "its authority is not trusted; put that into ca",
    21: "its authority is not trusted; put that into ca",
    23: "it was revoked",
}


@implementer(IOpenSSLClientConnectionCreator)
@define
class VerifyingTlsOptions:
    """
    Makes TLS connections that end unless the certificate is good.

    @ivar domain: the name in the certificate: the domain of the JID, no matter
        where the DNS says that its server is (RFC 6120 section 13.7.2.1).
    @ivar fault: what was wrong with the last certificate, in words, or empty.
    """

    domain: str
    _inner: Any
    fault: str = field(default="", init=False)

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Called by Twisted when the handshake is about to begin."""
        connection: SSL.Connection = self._inner.clientConnectionForTLS(tlsProtocol)
        self.fault = ""
        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._seen)
        return connection

    def _wanted(self) -> DNS_ID | IPAddress_ID:
        try:
            return IPAddress_ID(str(ip_address(self.domain)))
        except ValueError:
            return DNS_ID(self.domain.encode("idna").decode())

    def _seen(self, _: Any, certificate: Any, error: int, depth: int, good: int) -> bool:
        # OpenSSL tells what was wrong to nobody but this callback. It takes the
        # place of Twisted's, so the name is looked at here.
        if good and depth == 0:
            try:
                verify_service_identity(extract_patterns(certificate), [self._wanted()], [])
            except (VerificationError, CertificateError):
                self.fault = f"it is for another name than {self.domain}"
                return False
        if not good:
            self.fault = _FAULTS.get(error, f"OpenSSL has found fault number {error}")
            if depth:
                self.fault += f" (certificate of {_shown(certificate.to_cryptography().subject)})"
        return bool(good)


def verifying_options(domain: str, ca: str, *, direct: bool) -> VerifyingTlsOptions:
    """
    @param ca: a PEM file to trust instead of the system's certificates, or empty.
    @param direct: TLS begins at once, so it says for what (XEP-0368 section 3).
    @raise OSError: C{ca} cannot be read.
    @raise ValueError: C{ca} holds no certificate.
    """
    trust = trustRootFromCertificates(trusted_certificates(ca)) if ca else None
    protocols = [b"xmpp-client"] if direct else None
    options = optionsForClientTLS(domain, trustRoot=trust, acceptableProtocols=protocols)
    return VerifyingTlsOptions(domain, options)


def protection_text(transport: Any) -> str:
    """What protects a connection, and when the certificate must be renewed."""
    version = transport.getHandle().get_protocol_version_name()
    certificate = transport.getPeerCertificate().to_cryptography()
    until = certificate.not_valid_after_utc.strftime("%Y-%m-%d")
    return (
        f"{version} with the certificate of {_shown(certificate.subject)} "
        f"(from {_shown(certificate.issuer)}, valid until {until})"
    )


def _shown(name: x509.Name) -> str:
    return sayable(name.rfc4514_string()) or "nobody in particular"


def binding_of(transport: Any, kinds: list[str]) -> ChannelBinding | None:
    """
    What proves to the server that nobody sits between us.

    @param kinds: what the server says it knows (XEP-0440); empty if it says
        nothing, which means the usual one.
    @return: C{None} if there is none that both know. C{scramp} knows no
        tls-exporter, the usual one of TLS 1.3 (RFC 9266).
    """
    connection = transport.getHandle()
    older = connection.get_protocol_version_name() != "TLSv1.3"
    if older and ("tls-unique" in kinds or not kinds):
        return ChannelBinding("tls-unique", connection.get_finished())
    if "tls-server-end-point" in kinds:
        return _end_point(transport.getPeerCertificate().to_cryptography())
    return None


def _end_point(certificate: x509.Certificate) -> ChannelBinding | None:
    used = certificate.signature_hash_algorithm
    if used is None:
        return None  # RFC 5929 section 4.1 does not say what then
    weak = isinstance(used, hashes.MD5 | hashes.SHA1)
    return ChannelBinding(
        "tls-server-end-point", certificate.fingerprint(hashes.SHA256() if weak else used)
    )
