"""
Our certificate, as those see it who connect.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import define, field
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from goiptwist.bridges.mail.tls import trusted_certificates


def read_key(path: str) -> crypto.PKey:
    """
    @raise OSError: it cannot be read.
    @raise ValueError: it is no key that we can use.
    """
    pem = Path(path).read_bytes()
    if b"ENCRYPTED" in pem:  # the library would ask for the passphrase on the terminal
        raise ValueError(f"{path} is protected by a passphrase; store the key without one")
    try:
        return crypto.load_privatekey(crypto.FILETYPE_PEM, pem)
    except (crypto.Error, ValueError, TypeError):
        raise ValueError(f"{path} holds no private key in PEM form") from None


def read_chain(path: str) -> list[crypto.X509]:
    """
    @raise OSError: it cannot be read.
    @raise ValueError: it holds no certificate, or a broken one.
    """
    try:
        return [certificate.original for certificate in trusted_certificates(path)]
    except ValueError as trouble:
        raise ValueError(f"{path} {trouble}") from None


def read_context(certificate: str, key: str) -> SSL.Context:
    """
    @param certificate: a PEM file, ours first and then those that vouch for it.
    @raise OSError: one of the files cannot be read.
    @raise ValueError: they do not hold what they should, or not of the same pair.
    """
    own, *others = read_chain(certificate)
    options = CertificateOptions(privateKey=read_key(key), certificate=own, extraCertChain=others)
    try:
        context = options.getContext()
        context.check_privatekey()
    except SSL.Error:
        raise ValueError(f"{key} is not the key of {certificate}, or too weak") from None
    return context


@implementer(IOpenSSLServerConnectionCreator)
@define(eq=False)
class OurCertificate:
    """
    Reads the files again when they have changed: certificates are renewed
    every few weeks, and the gateway runs for years.
    """

    certificate: str
    key: str
    _context: Any = field(init=False, repr=False)
    _seen: tuple[float, ...] = field(init=False, repr=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        """
        @raise OSError: one of the files cannot be read.
        @raise ValueError: they do not hold what they should.
        """
        self._seen = self._stamps()
        self._context = read_context(self.certificate, self.key)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Called by Twisted when a handshake is about to begin."""
        try:
            stamps = self._stamps()
            if stamps != self._seen:
                self._seen = stamps
                self._context = read_context(self.certificate, self.key)
                self.log.info("Mail: the certificate {path} is a new one", path=self.certificate)
        except (OSError, ValueError) as trouble:
            self.log.warn(
                "Mail: the certificate {path} has changed and cannot be read, so the old one "
                "stays in use: {reason}",
                path=self.certificate,
                reason=str(trouble),
            )
        return SSL.Connection(self._context, None)

    def _stamps(self) -> tuple[float, ...]:
        return tuple(Path(path).stat().st_mtime for path in (self.certificate, self.key))
