"""What the stack is told: certificates that are a pair, and the ports that it may have."""

import socket
from pathlib import Path

import pytest
from benchmarks.ports import free_port

from tests.interop.certificates import Authority, authority
from trunkline.errors import BadInput, PortTaken, SetupError
from trunkline.voice.lines.line import IncomingCall
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.lines.sip_config import Certificate


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


async def ignore(call: IncomingCall) -> None:
    """Let it ring."""


def test_a_chain_and_its_key_are_joined_where_only_we_can_read(signed: Authority) -> None:
    shown = Certificate(signed.server.chain, signed.server.key)
    shown.check()
    with shown.joined() as path:
        assert path.stat().st_mode & 0o777 == 0o600
        text = path.read_text()
    assert "BEGIN CERTIFICATE" in text and "PRIVATE KEY" in text
    assert not path.exists()


def test_files_that_are_no_pair_are_named(signed: Authority, tmp_path: Path) -> None:
    for chain, key in (
        (signed.server.chain, signed.stranger.key),
        (signed.server.chain, tmp_path / "absent"),
        (signed.server.key, signed.server.key),
    ):
        with pytest.raises(SetupError, match="TRUNKLINE_SIP_TLS_KEY"):
            Certificate(chain, key).check()


async def test_with_a_certificate_the_next_port_must_be_free(signed: Authority) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.bind(("127.0.0.1", port + 1))
        holder.listen(1)
        shown = Certificate(signed.server.chain, signed.server.key)
        with pytest.raises(PortTaken, match=f"{port + 1} .TLS"):
            await SipEngine(port=port, certificate=shown).start(ignore)


async def test_without_one_a_taken_port_costs_only_calls_out_over_tls() -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.bind(("127.0.0.1", port + 1))
        holder.listen(1)
        engine = SipEngine(port=port)
        await engine.start(ignore)
        try:
            with pytest.raises(BadInput, match=f"TLS: TCP port {port + 1}"):
                await engine.dial("sips:a@127.0.0.1", None, {}, 1.0)
        finally:
            await engine.stop()
