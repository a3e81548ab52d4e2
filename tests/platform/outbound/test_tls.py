"""Over TLS it is the name of the URL that is vouched for, whatever address it has."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.platform.outbound.web import Web, web
from trunkline.errors import OutboundFailed
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.outbound.guard import Address

NAME = "right.example"


async def here(host: str, port: int) -> list[Address]:
    return [ip_address("127.0.0.1")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that vouches for `NAME`, with its key behind it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@asynccontextmanager
async def secure(certificate: Path) -> AsyncIterator[Web]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with web(tls) as served:
        yield served


async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    async with secure(certificate) as server:
        outbound = Outbound(NAME, resolver=here)
        with pytest.raises(OutboundFailed, match="certificate"):
            await outbound.send("GET", f"https://{NAME}:{server.port}/", within=30)
        await outbound.close()
    assert server.asked == []


async def test_a_certificate_is_good_for_its_name_alone(certificate: Path) -> None:
    async with secure(certificate) as server:
        outbound = Outbound(f"{NAME}, wrong.example", resolver=here)
        outbound.__dict__["_tls"] = ssl.create_default_context(cafile=str(certificate))
        answer = await outbound.send("GET", f"https://{NAME}:{server.port}/", within=30)
        assert answer.status == 200
        with pytest.raises(OutboundFailed, match=r"wrong\.example"):
            await outbound.send("GET", f"https://wrong.example:{server.port}/", within=30)
        await outbound.close()
    assert len(server.asked) == 1
