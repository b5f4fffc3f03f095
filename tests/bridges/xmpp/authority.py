"""Certificates for the servers of the tests."""

from datetime import UTC, datetime, timedelta

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@define
class Authority:
    """
    Signs certificates.

    @ivar folder: where it keeps them.
    @ivar path: its own certificate, as a file to trust.
    """

    folder: object
    _key: object = field(init=False)
    _name: x509.Name = field(init=False)

    def __attrs_post_init__(self):
        """Make its key and its own certificate."""
        self.folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        common = x509.NameAttribute(NameOID.COMMON_NAME, f"Authority {self.folder.name}")
        self._name = x509.Name([common])
        own = self._begun(self._name, self._key, datetime.now(UTC) + timedelta(days=1))
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        own = own.add_extension(_signs_certificates(), critical=True)
        self.path.write_bytes(self._pem(own.sign(self._key, hashes.SHA256())))

    @property
    def path(self):
        return self.folder / "authority.pem"

    def server(self, file, *names, expired=False):
        """
        @param names: of hosts, as DNS names.
        @return: the path of a PEM file with a certificate and its key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        until = datetime.now(UTC) + timedelta(days=-1 if expired else 1)
        dns = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        signed = self._begun(subject, key, until).add_extension(dns, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        signed = signed.add_extension(issuer, critical=False)
        path = self.folder / f"{file}.pem"
        written = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(self._pem(signed.sign(self._key, hashes.SHA256())) + written)
        return path

    def _begun(self, subject, key, until):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=2))
            .not_valid_after(until)
            # What a strict reader of RFC 5280 wants to see.
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )

    def _pem(self, certificate):
        return certificate.public_bytes(serialization.Encoding.PEM)


def _signs_certificates():
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
