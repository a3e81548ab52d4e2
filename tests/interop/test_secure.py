"""TLS and SRTP with PJSIP: in and out, believed certificates and others, offers taken and refused."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interop.certificates import Authority, Pair, authority
from tests.interop.program import Answerer, Program

pytestmark = pytest.mark.peer("pjsip")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def ours(signed: Authority, pair: Pair | None = None, mode: str = "echo") -> Answerer:
    """Our engine with a certificate; it believes in the authority."""
    shown = pair or signed.server
    return Answerer(
        mode, 30, "--certificate", str(shown.chain), str(shown.key), SSL_CERT_FILE=str(signed.certificate)
    )


def phone(work: Path, signed: Authority, *arguments: str, pair: Pair | None = None) -> Program:
    shown = pair or signed.server
    files = (str(shown.chain), str(shown.key), str(signed.certificate))
    return Program("tests.interop.pjsip_phone", "--work", str(work), "--certificate", *files, *arguments)


def tls(answerer: Answerer) -> str:
    return f"sip:100@127.0.0.1:{answerer.port + 1};transport=tls"


@contextmanager
def called(answerer: Answerer, caller: Program) -> Iterator[dict[str, object]]:
    """A call that PJSIP has made: goes on for some seconds, and both have heard the tone at its end."""
    media = caller.wait_for("media")
    yield media
    answerer.hear(16_000)
    caller.tell("hang_up")
    answerer.wait_for("closed")
    heard = caller.wait_for("heard")
    assert heard["seconds"] > 0.8
    assert math.isclose(heard["hertz"], 440, rel_tol=0.1)


def test_called_over_tls_with_srtp(tmp_path: Path, signed: Authority) -> None:
    with (
        ours(signed) as answerer,
        phone(
            tmp_path, signed, "--target", tls(answerer), "--transport", "tls", "--srtp", "mandatory"
        ) as caller,
        called(answerer, caller) as media,
    ):
        assert media["srtp"]
        assert answerer.wait_for("incoming")["transport"] == "tls"


@pytest.mark.parametrize("srtp", ["optional", "off"])
def test_called_over_tls_by_those_who_need_no_srtp(tmp_path: Path, signed: Authority, srtp: str) -> None:
    with (
        ours(signed) as answerer,
        phone(tmp_path, signed, "--target", tls(answerer), "--transport", "tls", "--srtp", srtp) as caller,
        called(answerer, caller),
    ):
        pass


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_srtp_is_taken_when_offered_whatever_the_transport(
    tmp_path: Path, signed: Authority, transport: str
) -> None:
    with Answerer("echo") as answerer:
        target = f"sip:100@127.0.0.1:{answerer.port};transport={transport}"
        with (
            phone(
                tmp_path, signed, "--target", target, "--transport", transport, "--srtp", "mandatory"
            ) as caller,
            called(answerer, caller) as media,
        ):
            assert media["srtp"]


def test_we_call_over_tls_and_offer_srtp(tmp_path: Path, signed: Authority) -> None:
    with (
        ours(signed, mode="tone") as answerer,
        phone(tmp_path, signed, "--transport", "tls", "--srtp", "mandatory") as callee,
    ):
        port = callee.wait_for("ready")["port"]
        answerer.tell("dial", target=f"sips:phone@localhost:{port}", ring_timeout=20)
        answerer.wait_for("dialled")
        with called(answerer, callee) as media:
            assert media["srtp"]


def test_a_side_that_refuses_srtp_gets_rtp(tmp_path: Path, signed: Authority) -> None:
    with (
        ours(signed, mode="tone") as answerer,
        phone(tmp_path, signed, "--transport", "tls", "--srtp", "off") as callee,
    ):
        port = callee.wait_for("ready")["port"]
        answerer.tell("dial", target=f"sip:phone@127.0.0.1:{port};transport=tls", ring_timeout=20)
        answerer.wait_for("dialled")
        answerer.tell("hang_up")
        answerer.wait_for("closed")


def test_a_certificate_for_another_name_is_not_believed(tmp_path: Path, signed: Authority) -> None:
    with (
        ours(signed) as answerer,
        phone(tmp_path, signed, "--transport", "tls", pair=signed.stranger) as callee,
    ):
        port = callee.wait_for("ready")["port"]
        answerer.tell("dial", target=f"sips:phone@localhost:{port}", ring_timeout=20)
        assert answerer.wait_for("dial_failed")["outcome"] == "unreachable"
        callee.tell("stop")


def test_a_certificate_of_an_unknown_authority_is_not_believed(tmp_path: Path, signed: Authority) -> None:
    with (
        Answerer("echo") as answerer,
        phone(tmp_path, signed, "--transport", "tls") as callee,
    ):
        port = callee.wait_for("ready")["port"]
        answerer.tell("dial", target=f"sips:phone@127.0.0.1:{port}", ring_timeout=20)
        assert answerer.wait_for("dial_failed")["outcome"] == "unreachable"
        callee.tell("stop")
