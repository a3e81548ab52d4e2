"""What an answer may look like on the wire, and what becomes of its connection."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.platform.outbound.web import response, web
from trunkline.errors import OutboundFailed
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.outbound.connection import LARGEST_HEAD
from trunkline.platform.outbound.guard import Address

OK = response(200, b"ok")


@dataclass
class Server:
    """Says these bytes to each request, and ends the connection after them where that is wanted."""

    said: bytes = OK
    ends: bool = False
    port: int = 0
    connections: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """The other side has ended a connection."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None, **settings: object) -> AsyncIterator[Server]:
    served = Server(**settings)  # type: ignore[arg-type]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(served.said)
                if served.ends:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            served.ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound("127.0.0.1")
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Late: 1\r\n\r\n",
            200,
            b"abcde",
        ),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Late: 1\r\n\r\n" + OK,
            200,
            b"ok",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 200 OK\r\nUpgrade: h2\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    ],
    ids=["chunks and a trailer", "interim answers", "no body", "an upgrade is offered"],
)
async def test_answers_are_read_and_their_connection_is_used_again(
    outbound: Outbound, said: bytes, status: int, body: bytes
) -> None:
    async with serving(said=said) as server:
        for _ in range(3):
            answer = await outbound.send("POST", server.url)
            assert (answer.status, answer.body) == (status, body)
            assert "x-late" not in answer.headers
        assert server.connections == 1


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    ],
    ids=["version 1.0", "until the end", "more than was asked for", "it says so"],
)
async def test_what_leaves_a_connection_in_doubt_ends_it(outbound: Outbound, said: bytes) -> None:
    async with serving(said=said, ends=True) as server:
        for asked in (1, 2):
            assert (await outbound.send("GET", server.url)).body == b"ok"
            assert server.connections == asked


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", "closed before an answer came"),
        (b"SSH-2.0-x\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "no HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "no HTTP",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "before the whole answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "before the whole answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20 * LARGEST_HEAD + b"\r\n\r\n", "headers are larger"),
    ],
    ids=[
        "nothing",
        "another protocol",
        "a change of protocol",
        "two kinds of length",
        "two lengths",
        "cut short",
        "cut short in chunks",
        "endless headers",
    ],
)
async def test_what_is_no_whole_answer_is_a_failure(outbound: Outbound, said: bytes, told: str) -> None:
    async with serving(said=said, ends=True) as server:
        with pytest.raises(OutboundFailed, match=told) as failed:
            await outbound.send("GET", server.url)
        assert not failed.value.timed_out


async def test_the_answer_to_head_has_no_body(outbound: Outbound) -> None:
    async with serving(said=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as server:
        answer = await outbound.send("HEAD", server.url)
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "5", b"")


@pytest.mark.parametrize(
    "headers",
    [{"X-A": "1\r\nX-B: 2"}, {"X-A": "1\nX-B: 2"}, {"X-A\r\nX-B": "1"}, {"X A": "1"}, {"X-A": "\x00"}],
    ids=["line end", "half a line end", "in the name", "blank", "nul"],
)
async def test_a_header_cannot_hold_another(outbound: Outbound, headers: dict[str, str]) -> None:
    async with web() as server:
        with pytest.raises(OutboundFailed, match="cannot be sent"):
            await outbound.send("GET", server.url(), headers=headers)
        assert server.asked == []


async def test_name_and_password_of_an_address_are_sent_as_such(outbound: Outbound) -> None:
    async with web() as server:
        url = server.url("/a%20b?c=d%2Fe#f", host="ann:s%40e@127.0.0.1")
        await outbound.send("GET", url, headers={"authorization": "Bearer 1", "accept": "text/plain"})
    [asked] = server.asked
    assert asked.target == "/a%20b?c=d%2Fe"
    assert asked.headers["authorization"] == "Basic YW5uOnNAZQ=="
    assert asked.headers["accept"] == "text/plain"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert "content-length" not in asked.headers


async def test_headers_that_come_more_than_once_are_joined(outbound: Outbound) -> None:
    async with serving(said=b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: \xe4\r\nContent-Length: 0\r\n\r\n") as server:
        assert (await outbound.send("GET", server.url)).headers["x-a"] == "1, ä"


async def test_who_is_not_waited_for_any_more_has_no_connection(outbound: Outbound) -> None:
    async with serving() as server:
        await outbound.send("GET", server.url)
        server.said = b""
        with pytest.raises(OutboundFailed):
            await outbound.send("GET", server.url, within=0.1)
        await asyncio.wait_for(server.ended.wait(), 30)
        server.said = OK
        assert (await outbound.send("GET", server.url)).status == 200
        assert server.connections == 2


async def test_connections_are_bounded_and_who_waits_gets_the_next() -> None:
    outbound = Outbound("127.0.0.1", connections=2)
    async with serving() as server:
        answers = await asyncio.gather(*(outbound.send("GET", server.url) for _ in range(20)))
        assert [answer.body for answer in answers] == [b"ok"] * 20
        assert server.connections == 2
        await outbound.close()


async def test_a_library_reads_while_the_answer_still_comes() -> None:
    more = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\none")
        await more.wait()
        writer.write(b"two")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with Outbound("127.0.0.1").client(within=10) as client, client.stream("GET", url) as answer:
        chunks = answer.aiter_raw()
        assert await anext(chunks) == b"one"
        more.set()
        assert await anext(chunks) == b"two"
    server.close()


async def test_a_large_body_waits_for_its_reader() -> None:
    body = bytes(range(256)) * 20_000
    async with serving(said=response(200, body)) as server, Outbound("127.0.0.1").client(within=10) as client:
        for _ in range(2):
            assert (await client.post(server.url, content=b"")).content == body
        assert server.connections == 1


async def test_a_library_has_its_time_for_each_step() -> None:
    async with serving(said=b"") as server, Outbound("127.0.0.1").client(within=0.1) as client:
        with pytest.raises(httpx2.ReadTimeout):
            await client.get(server.url)


async def test_a_body_of_unknown_length_is_sent_with_its_length() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with web() as server:
        async with Outbound("127.0.0.1").client(within=10) as client:
            await client.post(server.url(), content=parts())
        [asked] = server.asked
    assert (asked.body, "transfer-encoding" in asked.headers) == (b"onetwo", False)


Certified = Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    """A server's side with a certificate for a name, and a client's side that trusts whoever signed it."""

    def make(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = tmp_path / "server.pem"
        plain = serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(pem)
        return server, ssl.create_default_context(cafile=str(pem))

    return make


async def _here(host: str, port: int) -> list[Address]:
    return [ip_address("127.0.0.1")]


@pytest.mark.parametrize("name", ["hooks.example", "other.example"])
async def test_over_tls_the_host_proves_its_name(certified: Certified, name: str) -> None:
    theirs, ours = certified("hooks.example")
    outbound = Outbound("127.0.0.1", resolver=_here)
    outbound.__dict__["_tls"] = ours
    async with serving(theirs) as server:
        url = f"https://{name}:{server.port}/"
        if name == "hooks.example":
            for _ in range(2):
                assert (await outbound.send("GET", url)).body == b"ok"
            assert server.connections == 1
        else:
            with pytest.raises(OutboundFailed, match=r"was not reached.*(?i:certificate)"):
                await outbound.send("GET", url)
        await outbound.close()
