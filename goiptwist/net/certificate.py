"""
Our certificate, as those see it who connect: the keys of a section that name
its files, and what Twisted asks it for. Nothing below TLS 1.2 is spoken.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import Attribute, define, field
from OpenSSL import SSL
from twisted.internet.interfaces import (
    IAddress,
    IOpenSSLServerConnectionCreator,
    IProtocolFactory,
)
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer


def check_listen_tls(settings: Any, attribute: Attribute[Any], listen: Any) -> None:
    """Validates the key C{listen_tls} of a section."""
    if listen and not settings.certificate:
        raise ValueError("listen_tls needs a certificate; set certificate and private_key")


def check_certificate(settings: Any, attribute: Attribute[Any], certificate: str) -> None:
    """Validates the key C{certificate} of a section: it is read, with its key."""
    if certificate and not settings.private_key:
        raise ValueError("certificate needs its private_key")
    if not certificate:
        return
    try:
        read_context(certificate, settings.private_key)
    except OSError as error:
        why = f"cannot read {error.filename}: {error.strerror}"
        raise ValueError(f"certificate: {why}") from None
    except ValueError as error:
        raise ValueError(f"certificate: {error}") from None


def check_private_key(settings: Any, attribute: Attribute[Any], key: str) -> None:
    """Validates the key C{private_key} of a section."""
    if key and not settings.certificate:
        raise ValueError("private_key needs its certificate")


def read_context(certificate: str, key: str) -> SSL.Context:
    """
    @param certificate: a PEM file, ours first and then those that vouch for it.
    @raise OSError: one of the files cannot be read.
    @raise ValueError: they do not hold what they should, or not of the same pair.
    """
    Path(certificate).read_bytes()  # OpenSSL would not say what is wrong
    if b"ENCRYPTED" in Path(key).read_bytes():  # it would ask for the passphrase on the terminal
        raise ValueError(f"{key} is protected by a passphrase; store the key without one")
    context = CertificateOptions().getContext()
    try:
        context.use_privatekey_file(key)
    except SSL.Error:
        raise ValueError(f"{key} holds no private key in PEM form") from None
    try:
        context.use_certificate_chain_file(certificate)
    except SSL.Error:
        raise ValueError(f"{certificate} holds no good certificate in PEM form") from None
    try:
        context.check_privatekey()
    except SSL.Error:
        raise ValueError(f"{key} is not the key of {certificate}") from None
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
                self.log.info("The certificate {path} is a new one", path=self.certificate)
        except (OSError, ValueError) as error:
            self.log.warn(
                "The certificate {path} has changed and cannot be read, so the old one stays in "
                "use: {reason}",
                path=self.certificate,
                reason=str(error),
            )
        return SSL.Connection(self._context, None)

    def _stamps(self) -> tuple[float, ...]:
        return tuple(Path(path).stat().st_mtime for path in (self.certificate, self.key))


class WithinTls(TLSMemoryBIOFactory):
    """
    TLS from the first byte on, around a factory that may turn callers away by
    building nothing: Twisted's own would put TLS around that nothing.
    """

    noisy = False  # services say where they listen

    def __init__(self, certificate: OurCertificate, inside: IProtocolFactory, clock: Any) -> None:
        super().__init__(certificate, False, inside, clock=clock)

    def buildProtocol(  # type: ignore[override]
        self, addr: IAddress | None
    ) -> TLSMemoryBIOProtocol | None:
        """Called by Twisted for each connection."""
        inside = self.wrappedFactory.buildProtocol(addr)
        return None if inside is None else self.protocol(self, inside)
