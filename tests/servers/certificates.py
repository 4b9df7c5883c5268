"""Certificates for servers of the loopback, of an authority that nobody trusts but the tests."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.ports import LOOPBACK

DAY = timedelta(days=1)


class Certificates(NamedTuple):
    """Files in PEM: the authority, and a certificate with its key that is good for both sides."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Certificates for 127.0.0.1 and localhost that are good until tomorrow, in `folder`."""
    made = Certificates(*(folder / name for name in ("ca.pem", "server.pem", "server.key")))
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = _name("the tests' own authority")
    authority = _unsigned(name, name, ca_key.public_key(), ca=True)
    made.authority.write_bytes(_pem(authority.sign(ca_key, hashes.SHA256())))
    server = _unsigned(_name("localhost"), name, key.public_key(), ca=False)
    made.certificate.write_bytes(_pem(server.sign(ca_key, hashes.SHA256())))
    made.key.write_bytes(_key_pem(key))
    return made


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool
) -> x509.CertificateBuilder:
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address(LOOPBACK))]
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    builder = builder.not_valid_before(datetime.now(UTC) - DAY)
    builder = builder.not_valid_after(datetime.now(UTC) + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    return builder if ca else builder.add_extension(x509.SubjectAlternativeName(names), False)


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
