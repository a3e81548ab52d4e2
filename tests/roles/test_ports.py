"""Taken ports are found before anything is started."""

import socket
from pathlib import Path

import pytest

from trunkline.errors import PortTaken, SetupError
from trunkline.roles import ports
from trunkline.settings import Settings


def settings(**ports_set: int) -> Settings:
    chosen = {name: ports.free_tcp_port() for name in ("http_port", "voice_port", "sip_port")}
    return Settings.model_validate({"bind": "127.0.0.1", **chosen, **ports_set})


def test_free_ports_pass() -> None:
    ports.check(settings())


@pytest.mark.parametrize(
    ("field", "kind", "setting"),
    [
        ("http_port", socket.SOCK_STREAM, "TRUNKLINE_HTTP_PORT"),
        ("voice_port", socket.SOCK_STREAM, "TRUNKLINE_VOICE_PORT"),
        ("sip_port", socket.SOCK_STREAM, "TRUNKLINE_SIP_PORT"),
        ("sip_port", socket.SOCK_DGRAM, "TRUNKLINE_SIP_PORT"),
    ],
)
def test_a_taken_one_is_named_with_the_setting_that_moves_it(
    field: str, kind: socket.SocketKind, setting: str
) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .* is taken .* set {setting}"):
            ports.check(settings(**{field: port}))


def test_tls_takes_the_next_port() -> None:
    wanted = ports.needs(Settings(sip_port=5060, sip_tls_cert=Path("cert.pem")))
    assert [need.port for need in wanted if "TLS" in need.who] == [5061]


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(SetupError, match=r"TRUNKLINE_BIND=192.0.2.1 is not an address of this machine"):
        ports.check(Settings(bind="192.0.2.1"))


def test_a_number_that_is_no_port_is_named() -> None:
    with pytest.raises(SetupError, match="TRUNKLINE_HTTP_PORT=70000 is no port"):
        ports.check(settings(http_port=70000))


def test_our_address_on_the_way_to_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ports.address_towards("127.0.0.1") == "127.0.0.1"

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SetupError, match="no way leads from this machine to nowhere"):
        ports.address_towards("nowhere")
