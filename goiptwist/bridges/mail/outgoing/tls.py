"""
What stands behind C{tls}: connections that verify, and connections that do not.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from attrs import frozen
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    CertificateOptions,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from goiptwist.bridges.mail.reading.printable import readable
from goiptwist.net.trust import trusted_certificates


@implementer(IOpenSSLClientConnectionCreator)
@frozen
class UnverifiedTls:
    """
    TLS with any server that answers: it keeps out those who only listen.

    @ivar host: the name to ask for (SNI, RFC 6066 section 3), which is left
        out for an address, as the RFC demands.
    """

    host: str

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Called by Twisted when the handshake is about to begin."""
        connection = SSL.Connection(CertificateOptions(verify=False).getContext(), None)
        try:
            ip_address(self.host)
        except ValueError:
            connection.set_tlsext_host_name(self.host.encode("idna"))
        return connection


def verified_tls(host: str, ca: str) -> IOpenSSLClientConnectionCreator:
    """
    TLS with nobody but C{host}.

    @param host: the name that must stand in the certificate; an address must
        stand there as an address (RFC 6125).
    @param ca: the path of a PEM file, or empty for the system's certificates.
    """
    trust = trustRootFromCertificates(trusted_certificates(ca)) if ca else None
    return optionsForClientTLS(host, trustRoot=trust)


def describe_tls(connection: SSL.Connection, certificate: Any) -> str:
    """
    What protects a connection, for an operator who looks whether it is what
    was meant, and when the certificate must be renewed.

    @param certificate: of the far side; C{None} if it has shown none.
    """
    version = connection.get_protocol_version_name()
    if certificate is None:
        return f"{version} without a certificate"
    shown = certificate.to_cryptography()
    subject = readable(shown.subject.rfc4514_string()) or "nobody in particular"
    issuer = readable(shown.issuer.rfc4514_string()) or "nobody in particular"
    until = shown.not_valid_after_utc.strftime("%Y-%m-%d %H:%M UTC")
    return f"{version} with the certificate of {subject} (from {issuer}, valid until {until})"
