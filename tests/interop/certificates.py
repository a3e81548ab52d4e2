"""Certificates for an afternoon: an authority of our own and what it signs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """PEM files."""

    chain: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """`certificate` is what others have to believe in."""

    certificate: Path
    server: Pair
    """For 127.0.0.1 and localhost."""
    stranger: Pair
    """For another name."""


def authority(folder: Path) -> Authority:
    """All files of it in the folder."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of tests")])
    root = _begun(name, name, key).add_extension(x509.BasicConstraints(True, None), True)
    certificate = folder / "authority.pem"
    certificate.write_bytes(root.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def signed(host: str, *also: x509.GeneralName) -> Pair:
        its = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        leaf = _begun(subject, name, its).add_extension(x509.SubjectAlternativeName(also), False)
        pair = Pair(folder / f"{host}.pem", folder / f"{host}.key")
        pair.chain.write_bytes(leaf.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
        pair.key.write_bytes(
            its.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )
        return pair

    return Authority(
        certificate,
        signed("127.0.0.1", x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")),
        signed("elsewhere.example", x509.DNSName("elsewhere.example")),
    )


def _begun(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
