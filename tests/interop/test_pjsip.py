"""PJSIP calls our engine and is called by it: keys both ways, hold, both transports and codecs."""

import math
from pathlib import Path

import pytest

from tests.interop.program import Answerer, Program

pytestmark = pytest.mark.peer("pjsip")


def phone(work: Path, target: str = "", transport: str = "udp", codec: str = "PCMU") -> Program:
    given = ("--target", target) if target else ()
    return Program(
        "tests.interop.pjsip_phone",
        *("--work", str(work), "--transport", transport, "--codec", codec, *given),
    )


def at(answerer: Answerer, transport: str = "udp") -> str:
    return f"sip:100@127.0.0.1:{answerer.port};transport={transport}"


@pytest.mark.parametrize(("transport", "codec"), [("udp", "PCMU"), ("tcp", "PCMA"), ("udp", "G722")])
def test_it_calls_us_and_hears_itself(tmp_path: Path, transport: str, codec: str) -> None:
    with (
        Answerer(mode="echo") as answerer,
        phone(tmp_path, at(answerer, transport), transport, codec) as caller,
    ):
        caller.wait_for("state", state="CONFIRMED")
        assert caller.wait_for("media")["codec"] == codec
        assert answerer.wait_for("incoming")["transport"] == transport
        answerer.hear(16_000)
        caller.tell("hang_up")
        answerer.wait_for("closed")
        heard = caller.wait_for("heard")
    assert heard["seconds"] > 0.8
    assert math.isclose(heard["hertz"], 440, rel_tol=0.1)


def test_keys_go_both_ways(tmp_path: Path) -> None:
    with Answerer(mode="listen") as answerer, phone(tmp_path, at(answerer)) as caller:
        caller.wait_for("media")
        answerer.wait_for("answered")
        caller.tell("digits", digits="19#*")
        keys = [answerer.wait_for("line", kind="Digit")["data"] for _ in range(4)]
        assert keys == ["1", "9", "#", "*"]
        answerer.tell("digits", digits="07A")
        assert [caller.wait_for("digit")["digit"] for _ in range(3)] == ["0", "7", "A"]
        caller.tell("hang_up")
        answerer.wait_for("closed")


def test_keys_come_by_sip_info(tmp_path: Path) -> None:
    with Answerer(mode="listen") as answerer, phone(tmp_path, at(answerer)) as caller:
        caller.wait_for("media")
        answerer.wait_for("answered")
        caller.tell("info", digits="190#*")
        keys = [answerer.wait_for("line", kind="Digit")["data"] for _ in range(5)]
        assert keys == ["1", "9", "0", "#", "*"]
        caller.tell("hang_up")
        answerer.wait_for("closed")


def test_hold_and_unhold(tmp_path: Path) -> None:
    with Answerer(mode="echo") as answerer, phone(tmp_path, at(answerer)) as caller:
        caller.wait_for("media")
        answerer.wait_for("answered")
        caller.tell("hold")
        answerer.wait_for("line", kind="Held")
        caller.tell("unhold")
        answerer.wait_for("line", kind="Resumed")
        caller.wait_for("media")
        answerer.hear(answerer.loud + 8000)
        caller.tell("hang_up")
        answerer.wait_for("closed")


def test_we_call_it_and_hang_up(tmp_path: Path) -> None:
    with Answerer(mode="tone") as answerer, phone(tmp_path) as callee:
        port = callee.wait_for("ready")["port"]
        answerer.tell("dial", target=f"sip:phone@127.0.0.1:{port}", ring_timeout=20)
        answerer.wait_for("dialled")
        answerer.hear(16_000)
        answerer.tell("hang_up")
        assert answerer.wait_for("closed")["by"] == "local"
        heard = callee.wait_for("heard")
    assert heard["seconds"] > 0.8
    assert math.isclose(heard["hertz"], 440, rel_tol=0.1)
