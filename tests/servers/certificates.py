"""Certificates for servers of the loopback, of an authority that nobody trusts but the tests."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.ports import LOOPBACK

DAY: Final = timedelta(days=1)
USES: Final = 9
SIGNING: Final = (5, 6)
"""Which uses of a key are those of an authority: to sign certificates, and lists of lost ones."""


class Certificates(NamedTuple):
    """Files in PEM: the authority, and a certificate with its key that is good for both sides."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Certificates for 127.0.0.1 and localhost that are good until tomorrow, in `folder`."""
    made = Certificates(*(folder / name for name in ("ca.pem", "server.pem", "server.key")))
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    certificate = _authority(authority.public_key()).sign(authority, hashes.SHA256())
    made.authority.write_bytes(_pem(certificate))
    builder = _server(own.public_key(), certificate)
    made.certificate.write_bytes(_pem(builder.sign(authority, hashes.SHA256())))
    made.key.write_bytes(_key_pem(own))
    return made


def _authority(key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    name = _name("the tests' own authority")
    signs = x509.KeyUsage(*(number in SIGNING for number in range(USES)))
    return (
        _until_tomorrow(x509.CertificateBuilder(name, name, key))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(signs, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _server(key: ec.EllipticCurvePublicKey, authority: x509.Certificate) -> x509.CertificateBuilder:
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address(LOOPBACK))]
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    signer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer)
    builder = x509.CertificateBuilder(authority.subject, _name("localhost"), key)
    return (
        _until_tomorrow(builder)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(signer, critical=False)
    )


def _until_tomorrow(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - DAY).not_valid_after(now + DAY)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
