"""Hold and re-INVITE from both sides, as other stacks do them."""

import math
from pathlib import Path

import pytest

from tests.interop import sipp
from tests.interop.program import Answerer, Program
from tests.interop.sipp_run import Sipp


def again(number: int, body: str) -> str:
    return sipp.invite(body=body, number=number) + sipp.answered() + sipp.ack(number=number)


def kinds(answerer: Answerer) -> list[str]:
    return [event["kind"] for event in answerer.drain() if event["event"] == "line"]


@pytest.mark.peer("sipp")
@pytest.mark.parametrize("how", ["sendonly", "inactive"])
def test_held_without_music_for_longer_than_the_time_out(tmp_path: Path, how: str) -> None:
    scenario = (
        sipp.invite() + sipp.answered() + sipp.ack() + sipp.speak() + sipp.pause(800)
        + sipp.hush() + again(2, sipp.sdp(direction=how, version=2)) + sipp.pause(4000)
        + again(3, sipp.sdp(version=3)) + sipp.speak_again() + sipp.pause(1500) + sipp.bye(number=4)
    )  # fmt: skip
    with Answerer(mode="echo", rtp_timeout=2) as answerer:
        caller = Sipp(tmp_path, scenario, f"127.0.0.1:{answerer.port}")
        closed = answerer.wait_for("closed")
        seen = kinds(answerer)
        caller.finish()
    assert closed["reason"] == "hung_up"
    assert seen.index("Held") < seen.index("Resumed")
    assert closed["loud"] > 1.2 * 8000


@pytest.mark.peer("sipp")
def test_a_refresh_of_the_session_changes_nothing(tmp_path: Path) -> None:
    """A peer with session timers (RFC 4028) that refreshes by re-INVITE with the SDP of before, and by UPDATE."""
    scenario = (
        sipp.invite() + sipp.answered() + sipp.ack() + sipp.speak() + sipp.pause(600)
        + again(2, sipp.sdp()) + sipp.pause(600) + sipp.update(3) + sipp.pause(1000) + sipp.bye(number=4)
    )  # fmt: skip
    with Answerer(mode="echo") as answerer:
        caller = Sipp(tmp_path, scenario, f"127.0.0.1:{answerer.port}")
        closed = answerer.wait_for("closed")
        seen = kinds(answerer)
        caller.finish()
    assert (closed["by"], closed["reason"]) == ("remote", "hung_up")
    assert "Held" not in seen
    assert closed["loud"] > 1.2 * 8000


def phone(work: Path, answerer: Answerer, codec: str = "PCMU") -> Program:
    target = f"sip:100@127.0.0.1:{answerer.port}"
    return Program("tests.interop.pjsip_phone", "--work", str(work), "--codec", codec, "--target", target)


@pytest.mark.peer("pjsip")
@pytest.mark.parametrize("codec", ["PCMU", "G722"])
def test_we_hold_and_take_back(tmp_path: Path, codec: str) -> None:
    with Answerer(mode="echo") as answerer, phone(tmp_path, answerer, codec) as caller:
        caller.wait_for("media")
        answerer.wait_for("answered")
        answerer.tell("hold")
        assert caller.wait_for("media_state")["status"] == 3, "held by the other side, in PJSIP's count"
        answerer.tell("resume")
        caller.wait_for("media")
        answerer.hear(answerer.loud + 9600)
        caller.tell("hang_up")
        assert answerer.wait_for("closed")["reason"] == "hung_up"
        heard = caller.wait_for("heard")
    assert math.isclose(heard["hertz"], 440, rel_tol=0.1)
    assert "Held" not in kinds(answerer), "it is we who hold"


@pytest.mark.peer("pjsip")
def test_both_hold(tmp_path: Path) -> None:
    with Answerer(mode="echo") as answerer, phone(tmp_path, answerer) as caller:
        caller.wait_for("media")
        answerer.wait_for("answered")
        answerer.tell("hold")
        caller.wait_for("media_state")
        caller.tell("hold")
        answerer.wait_for("line", kind="Held")
        caller.wait_for("media_state")
        answerer.tell("resume")
        answerer.wait_for("done", verb="resume")
        caller.wait_for("media_state")  # the two must not cross: PJSIP does not try again after 491
        caller.tell("unhold")
        answerer.wait_for("line", kind="Resumed")
        caller.wait_for("media")
        answerer.hear(answerer.loud + 9600)
        caller.tell("hang_up")
        answerer.wait_for("closed")


@pytest.mark.peer("pjsip")
@pytest.mark.parametrize(("first", "then", "rate"), [("G722", "PCMA", 16_000), ("PCMU", "G722", 8000)])
def test_another_codec_in_mid_call(tmp_path: Path, first: str, then: str, rate: int) -> None:
    """The line's rate stays, whatever is on the wire now."""
    with Answerer(mode="echo") as answerer, phone(tmp_path, answerer, first) as caller:
        assert caller.wait_for("media")["codec"] == first
        answerer.wait_for("answered")
        answerer.hear(answerer.loud + 4000)
        caller.tell("codec", codec=then)
        assert caller.wait_for("media")["codec"] == then
        answerer.hear(answerer.loud + 16_000)
        answerer.tell("report")
        assert answerer.wait_for("report")["talks"][0]["rate"] == rate
        caller.tell("hang_up")
        answerer.wait_for("closed")
        heard = caller.wait_for("heard")
    assert "AudioRestarted" in kinds(answerer)
    assert heard["seconds"] > 1.5
    assert math.isclose(heard["hertz"], 440, rel_tol=0.1)
