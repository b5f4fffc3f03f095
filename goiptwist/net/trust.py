"""Whose word counts when a far side shows its certificate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twisted.internet.ssl import Certificate

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def trusted_certificates(path: str) -> list[Certificate]:
    """
    Read a PEM file.

    @raise OSError: it cannot be read.
    @raise ValueError: it holds no certificate, or a broken one.
    """
    # Settings are read where nothing of the network is loaded.
    from OpenSSL import SSL
    from twisted.internet.ssl import Certificate

    found = _CERTIFICATE.findall(Path(path).read_bytes())
    if not found:
        raise ValueError("holds no certificate in PEM form")
    try:
        return [Certificate.loadPEM(pem) for pem in found]
    except SSL.Error:
        raise ValueError("holds a broken certificate") from None


def check_ca(_: Any, __: Any, ca: str) -> None:
    """
    Validate the key C{ca} of a section: a file of L{trusted_certificates}, or empty.

    @raise ValueError: it is neither; what is wrong with it.
    """
    if not ca:
        return
    try:
        trusted_certificates(ca)
    except OSError as error:
        raise ValueError(f"ca: cannot read {ca}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"ca: {ca} {error}") from None
